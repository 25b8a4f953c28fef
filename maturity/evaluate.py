"""Criteria against facts: each is supported, contradicted or not assessable; pure, so that anybody can do it again.

Rules (ours): a criterion holds when all its conditions hold in each of its windows, the last of which ends with the
period. Data below the gate, a missing record or a missing baseline make it not assessable, never failed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import Any, Protocol

from maturity.errors import UnknownMetricError
from maturity.facts import Facts
from maturity.framework import AnyOf, Condition, Criterion
from maturity.metrics import METRICS
from maturity.metrics.measured import Measured, Metric
from maturity.reasons import Reason, because, share

DAY = timedelta(days=1)
DECLARED = "declared."  # what is said needs no data


class Outcome(StrEnum):
    """What the data say of a criterion; an assessor decides."""

    SUPPORTED = "supported"
    CONTRADICTED = "contradicted"
    NOT_ASSESSABLE = "not_assessable"


@dataclass(frozen=True)
class Baseline:
    """A frozen measurement of a site's first good window."""

    value: float
    first: date
    last: date
    version: int = 1


class Archive(Protocol):
    """Where facts come from: a database or a package."""

    @property
    def begins(self) -> date | None:
        """First production day of which anything is known, null where the site has no data."""
        ...

    def facts(self, first: date, last: date) -> Facts | None:
        """Facts of these production days, null where the site has none at all."""
        ...

    def baseline(self, condition: Condition, days: int) -> Baseline | None:
        """The frozen baseline of a condition's metric and scope, null while there is none."""
        ...


@dataclass(frozen=True)
class ConditionResult:
    """One comparison in one window."""

    metric: str
    scope: str
    operator: str
    outcome: Outcome
    value: float | None
    threshold: float | None
    unit: str
    completeness: float | None
    assets: tuple[str, ...]
    missing: Reason | None = None
    baseline: Baseline | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)
    declared: bool = False


@dataclass(frozen=True)
class WindowResult:
    """All comparisons in one window of production days, both included."""

    first: date
    last: date
    outcome: Outcome
    conditions: tuple[ConditionResult, ...]


@dataclass(frozen=True)
class CriterionResult:
    """What the data say of a criterion, newest window first."""

    id: str
    version: int
    area: str
    level: int
    outcome: Outcome
    windows: tuple[WindowResult, ...]

    @property
    def newest(self) -> WindowResult:
        """The window that ends with the period."""
        return self.windows[0]

    @property
    def declared(self) -> bool:
        """Whether the result rests on somebody's word."""
        return any(each.declared for window in self.windows for each in window.conditions)

    @property
    def missing(self) -> tuple[Reason, ...]:
        """What is lacking to assess it, each reason once."""
        reasons = [each.missing for window in self.windows for each in window.conditions if each.missing]
        return tuple(dict.fromkeys(reasons))


def evaluate(criterion: Criterion, archive: Archive, last: date) -> CriterionResult:
    """Evaluate a criterion on the windows that end with a production day.

    Raises:
        UnknownMetricError: a condition names a metric that the product does not have.
    """
    length = criterion.window.days * DAY
    ends = [last - number * length for number in range(criterion.window.consecutive)]
    windows = tuple(_of_window(criterion, archive, end - length + DAY, end) for end in ends)
    outcome = all_of([window.outcome for window in windows])
    return CriterionResult(criterion.id, criterion.version, criterion.area, criterion.level, outcome, windows)


def all_of(outcomes: Sequence[Outcome]) -> Outcome:
    """All must hold: one contradiction is enough to contradict."""
    if Outcome.CONTRADICTED in outcomes:
        return Outcome.CONTRADICTED
    return Outcome.NOT_ASSESSABLE if Outcome.NOT_ASSESSABLE in outcomes else Outcome.SUPPORTED


def any_of(outcomes: Sequence[Outcome]) -> Outcome:
    """One must hold: only contradictions contradict."""
    if Outcome.SUPPORTED in outcomes:
        return Outcome.SUPPORTED
    return Outcome.NOT_ASSESSABLE if Outcome.NOT_ASSESSABLE in outcomes else Outcome.CONTRADICTED


def metric_of(name: str) -> Metric:
    """Look up a metric.

    Raises:
        UnknownMetricError: there is none of that name.
    """
    try:
        return METRICS[name]
    except KeyError as error:
        raise UnknownMetricError(f"There is no metric {name!r}; `haidang maturity metrics` lists all.") from error


def _of_window(criterion: Criterion, archive: Archive, first: date, last: date) -> WindowResult:
    facts = archive.facts(first, last)
    found: list[ConditionResult] = []
    outcomes: list[Outcome] = []
    for part in criterion.conditions:
        tried = [_of_condition(each, criterion, archive, facts, (first, last)) for each in _alternatives(part)]
        found += tried
        outcomes.append(any_of([each.outcome for each in tried]))
    return WindowResult(first, last, all_of(outcomes), tuple(found))


def _alternatives(part: Condition | AnyOf) -> tuple[Condition, ...]:
    return part.any_of if isinstance(part, AnyOf) else (part,)


def _of_condition(
    condition: Condition, criterion: Criterion, archive: Archive, facts: Facts | None, window: tuple[date, date]
) -> ConditionResult:
    metric = metric_of(condition.metric)
    length = criterion.window.days * criterion.window.consecutive * DAY
    lacking = _why_no_window(metric, archive, facts, window[0], length)
    if facts is None or lacking is not None:
        return _unassessable(condition, metric, Measured.nothing(lacking or because("no_data")))
    measured = metric.measure(facts, condition.scope, condition.parameters)
    if measured.value is None:
        return _unassessable(condition, metric, measured)
    gate = criterion.data_gate.min_completeness
    if measured.completeness is not None and measured.completeness < gate:
        reason = because("below_gate", share=share(measured.completeness, 1), gate=share(gate, 0))
        return _unassessable(condition, metric, measured, reason)
    baseline = archive.baseline(condition, criterion.window.days) if condition.compare.needs_baseline else None
    if condition.compare.needs_baseline:
        if baseline is None:
            return _unassessable(condition, metric, measured, because("no_baseline"))
        if baseline.last >= window[0]:
            days = {"first": baseline.first, "last": baseline.last, "soonest": baseline.last + length}
            reason = because("overlaps_baseline", **days)
            return _unassessable(condition, metric, measured, reason, baseline)
    threshold = condition.compare.threshold(baseline.value if baseline else None)
    assert threshold is not None  # noqa: S101 - a baseline is there where one is needed
    holds = condition.compare.operator.holds(measured.value, threshold)
    outcome = Outcome.SUPPORTED if holds else Outcome.CONTRADICTED
    return _result(condition, metric, measured, outcome, threshold=threshold, baseline=baseline)


def _why_no_window(
    metric: Metric, archive: Archive, facts: Facts | None, first: date, length: timedelta
) -> Reason | None:
    if facts is not None and archive.begins and first < archive.begins and not metric.name.startswith(DECLARED):
        days = {"first": first, "begins": archive.begins, "soonest": archive.begins + length - DAY}
        return because("before_first_day", **days)
    return None


def _unassessable(
    condition: Condition,
    metric: Metric,
    measured: Measured,
    reason: Reason | None = None,
    baseline: Baseline | None = None,
) -> ConditionResult:
    said = reason or measured.missing or because("no_number")
    return _result(condition, metric, measured, Outcome.NOT_ASSESSABLE, missing=said, baseline=baseline)


def _result(  # noqa: PLR0913 - what it knows of one comparison
    condition: Condition,
    metric: Metric,
    measured: Measured,
    outcome: Outcome,
    *,
    threshold: float | None = None,
    baseline: Baseline | None = None,
    missing: Reason | None = None,
) -> ConditionResult:
    return ConditionResult(
        metric=condition.metric,
        scope=condition.scope,
        operator=condition.compare.operator.value,
        outcome=outcome,
        value=measured.value,
        threshold=threshold if threshold is not None else condition.compare.value,
        unit=metric.unit,
        completeness=measured.completeness,
        assets=measured.assets,
        missing=missing,
        baseline=baseline,
        detail=measured.detail,
        declared=measured.declared,
    )
