"""What a site lacks for its next levels: open criteria with their distance, and the technology groups behind them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from maturity.evaluate import ConditionResult, CriterionResult, Outcome, WindowResult
from maturity.framework import AnyOf, Criterion, Framework
from maturity.levels import Standing
from maturity.reasons import Reason


@dataclass(frozen=True)
class OpenCriterion:
    """A criterion that keeps a principle from its next level."""

    id: str
    principle: str
    area: str
    level: int
    outcome: Outcome
    distance: float | None
    lacking: tuple[str, ...]
    missing: tuple[Reason, ...]


@dataclass(frozen=True)
class Unlock:
    """A technology group that the site does not show, and what it would open: criteria of next levels that need it."""

    group: str
    opens: tuple[str, ...]  # need nothing else
    helps: tuple[str, ...]  # need it and more


@dataclass(frozen=True)
class GapView:
    """Open criteria of the next level of every principle, and the groups ranked by what they unlock."""

    open: tuple[OpenCriterion, ...]
    shown: tuple[str, ...]  # groups whose work the data show, or that the site claims
    unlocks: tuple[Unlock, ...]


def gap_view(
    framework: Framework,
    stands: Mapping[str, Standing],
    results: Mapping[str, CriterionResult],
    claimed: Iterable[str] = (),
) -> GapView:
    """Tell what is missing for the next level of each principle.

    Args:
        framework: the catalogue.
        stands: standing of areas and principles.
        results: results of the criteria, by id.
        claimed: technology groups that the site says it has.
    """
    criteria = {each.id: each for each in framework.criteria}
    groups = _shown(criteria, results) | frozenset(claimed)
    principle_of = {area.key: area.principle for area in framework.areas}
    open_ = [
        _open(criteria[name], principle_of, results.get(name), groups)
        for principle in framework.principles
        if (state := stands[principle.key].next) is not None
        for name in state.open
    ]
    lacking = sorted({group for each in open_ for group in each.lacking})
    unlocks = [_unlock(group, open_, criteria, groups) for group in lacking]
    ranked = sorted(unlocks, key=lambda each: (-len(each.opens), -len(each.helps), each.group))
    return GapView(tuple(open_), tuple(sorted(groups)), tuple(ranked))


def distance(result: CriterionResult, criterion: Criterion) -> float | None:
    """How far the worst comparison that failed, in any window, is from its threshold, relative to the threshold.

    Of alternatives the nearest counts, and none where one of them holds.
    """
    far = [found for window in result.windows for found in _of_window(window, criterion)]
    return max(far, default=None)


def _of_window(window: WindowResult, criterion: Criterion) -> Iterator[float]:
    conditions = iter(window.conditions)
    for part in criterion.conditions:
        tried = list(islice(conditions, len(part.any_of) if isinstance(part, AnyOf) else 1))
        failed = [each for each in tried if each.outcome is Outcome.CONTRADICTED]
        if failed and not any(each.outcome is Outcome.SUPPORTED for each in tried):
            yield from sorted(found for each in failed if (found := _distance(each)) is not None)[:1]


def _distance(condition: ConditionResult) -> float | None:
    if condition.value is None or condition.threshold is None:
        return None
    return abs(condition.value - condition.threshold) / (abs(condition.threshold) or 1.0)


def _shown(criteria: Mapping[str, Criterion], results: Mapping[str, CriterionResult]) -> frozenset[str]:
    """Groups that a supported, measured criterion cannot do without."""
    return frozenset(
        group
        for name, result in results.items()
        if result.outcome is Outcome.SUPPORTED and not result.declared
        for group in criteria[name].technology.all_of
    )


def _open(
    criterion: Criterion, principle_of: Mapping[str, str], result: CriterionResult | None, groups: frozenset[str]
) -> OpenCriterion:
    technology = criterion.technology
    lacking = [group for group in technology.all_of if group not in groups]
    if technology.any_of and not groups & set(technology.any_of):
        lacking += technology.any_of
    return OpenCriterion(
        id=criterion.id,
        principle=principle_of[criterion.area],
        area=criterion.area,
        level=criterion.level,
        outcome=result.outcome if result else Outcome.NOT_ASSESSABLE,
        distance=distance(result, criterion) if result else None,
        lacking=tuple(lacking),
        missing=result.missing if result else (),
    )


def _unlock(
    group: str, open_: Iterable[OpenCriterion], criteria: Mapping[str, Criterion], groups: frozenset[str]
) -> Unlock:
    needing = [each.id for each in open_ if group in each.lacking]
    opens = tuple(name for name in needing if criteria[name].technology.is_met(groups | {group}))
    return Unlock(group, opens, tuple(name for name in needing if name not in opens))
