"""An assessment: every criterion of a framework for one site and period, its levels, its gaps. Pure."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from maturity.evaluate import Archive, CriterionResult, Outcome, evaluate
from maturity.framework import Criterion, Framework
from maturity.gaps import GapView, distance, gap_view
from maturity.levels import Standing, standings
from maturity.reasons import Reason
from model.canonical import digest

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Assessment:
    """What the data say, beside what the site claims.

    Attributes:
        site: key of the site.
        framework: the catalogue that was assessed.
        first: first day of the period; the windows of the criteria end with its last day.
        last: last day of the period.
        results: per criterion.
        stands: per area and principle.
        claimed: level that the site claims per area or principle.
        gaps: what the next levels lack.
    """

    site: str
    framework: Framework
    first: date
    last: date
    results: Mapping[str, CriterionResult]
    stands: Mapping[str, Standing]
    claimed: Mapping[str, int]
    gaps: GapView

    def counts(self) -> dict[str, int]:
        """Number of criteria by outcome."""
        found = [result.outcome for result in self.results.values()]
        return {outcome.value: found.count(outcome) for outcome in Outcome}

    def plain(self) -> dict[str, Any]:
        """As plain data: for JSON, the evidence log and packages."""
        framework = self.framework
        return {
            "site": self.site,
            "framework": {
                "key": framework.key,
                "version": framework.version,
                "digest": digest(framework.plain()),
                "disclaimer": framework.disclaimer.model_dump(),
            },
            "period": {"first": self.first.isoformat(), "last": self.last.isoformat()},
            "counts": self.counts(),
            "principles": [self._stand(each.key) for each in framework.principles],
            "areas": [self._stand(each.key) for each in framework.areas],
            "criteria": [plain_result(self.results[each.id], each) for each in framework.criteria],
            "gaps": _dated(asdict(self.gaps)),
        }

    def _stand(self, key: str) -> dict[str, Any]:
        stand = self.stands[key]
        states = [
            {"level": state.level, "outcome": state.outcome.value, "open": list(state.open)} for state in stand.states
        ]
        return {"key": key, "supported": stand.level, "claimed": self.claimed.get(key), "levels": states}


def assess(  # noqa: PLR0913 - what an assessment is of
    framework: Framework,
    archive: Archive,
    site: str,
    period: tuple[date, date],
    claimed: Mapping[str, int],
    *,
    excluded: frozenset[str] = frozenset(),
    progress: Progress | None = None,
) -> Assessment:
    """Assess a site against a framework.

    Args:
        framework: the catalogue.
        archive: facts and baselines of the site.
        site: key of the site.
        period: first and last production day; windows end with the last one.
        claimed: claimed levels of areas and principles, and technology groups (1 = has it).
        excluded: criteria that an assessor found not applicable.
        progress: told the criteria done and in all.
    """
    results: dict[str, CriterionResult] = {}
    for number, criterion in enumerate(framework.criteria, start=1):
        results[criterion.id] = evaluate(criterion, archive, period[1])
        if progress:
            progress(number, len(framework.criteria))
    outcomes = {name: result.outcome for name, result in results.items()}
    stands = standings(framework, outcomes, excluded)
    groups = {each.key for each in framework.technology_groups}
    has = [key for key, level in claimed.items() if key in groups and level > 0]
    levels = {key: level for key, level in claimed.items() if key not in groups}
    gaps = gap_view(framework, stands, results, has)
    return Assessment(site, framework, period[0], period[1], results, stands, levels, gaps)


def plain_result(result: CriterionResult, criterion: Criterion) -> dict[str, Any]:
    """A result as plain data; dates as texts, reasons in both languages."""
    found = _dated(asdict(result))
    far = distance(result, criterion)
    return {**found, "declared": result.declared, "missing": _dated(result.missing), "distance": far}


def _dated(value: Any) -> Any:
    if isinstance(value, Reason):
        return value.plain()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(name): _dated(item) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_dated(item) for item in value]
    return value
