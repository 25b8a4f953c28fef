"""What one pass of the KPI job over a site does: spans, the marks that each answers, what waits for open days. Pure."""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import date, datetime

from kpi.running.work import DAY, LongWindows, Span, days_of_ranges, windows_of_days
from kpi.span import Answered
from model.calendar import local_date
from model.instants import micros
from model.registry import Site
from model.vocabulary import Grain
from store import marks

_NEWS = frozenset({"data", "late_data", "annotation"})


@dataclass(frozen=True)
class Plan:
    """The spans of one pass, the marks with the days that they touch, and long windows that are only due."""

    spans: list[Span] = field(default_factory=list)
    touched: Mapping[int, tuple[date, date]] = field(default_factory=dict)
    due: LongWindows = field(default_factory=LongWindows)

    def __bool__(self) -> bool:
        return bool(self.spans or self.due)

    def answered(self, span: Span, computed: AbstractSet[date]) -> Answered:
        """Marks that a span answers: it locks all that touch it and deletes those whose last day it holds.

        Args:
            span: one of the plan.
            computed: days computed in this pass, which leave no mark on planned days after them.
        """
        lock = [id_ for id_, (first, last) in self.touched.items() if first <= span.last and last >= span.first]
        delete = [id_ for id_ in lock if self.touched[id_][1] <= span.last]
        return Answered(lock, delete, anyway=span.first - DAY in computed)


def closed(
    site: Site, waiting: list[marks.Mark], days: list[tuple[date, date]], now: datetime
) -> tuple[list[marks.Mark], list[tuple[date, date]]]:
    """The marks of days that are over, with their days; one that reaches into an open day waits for it as a whole.

    Its closed days would else be computed in every pass: only the span of its last day answers a mark.
    """
    goes_on = {last: is_open(site, last, now) for last in {last for _, last in days}}
    kept = [(mark, of) for mark, of in zip(waiting, days, strict=True) if not goes_on[of[1]]]
    return [mark for mark, _ in kept], [of for _, of in kept]


def before_marked(
    site: Site, waiting: Iterable[tuple[marks.Mark, tuple[date, date]]], done: AbstractSet[date]
) -> list[tuple[tuple[date, date], str]]:
    """Computed days just before the news of others, each with the cause: they may tell that its last stop was short."""
    limit = 1 + max((each.micro_stop_limit_us for each in site.assets), default=0)
    news = [(mark, first) for mark, (first, _) in waiting if mark.cause in _NEWS]
    before = days_of_ranges(site, [(mark.asset, mark.from_us - limit, mark.from_us) for mark, _ in news])
    return [
        ((day, day), mark.cause)
        for (mark, first), (day, _) in zip(news, before, strict=True)
        if day < first and day in done
    ]


def followed(site: Site, done: AbstractSet[date], now: datetime, *, open_day: bool) -> date:
    """The newest day computed already that is computed again for what began before it."""
    today = local_date(site.timezone, micros(now))
    newest = max((day for day in done if day <= today), default=date.min)
    while newest >= today - DAY and not open_day and is_open(site, newest, now):
        newest -= DAY
    return newest


def is_open(site: Site, day: date, now: datetime) -> bool:
    """Whether a production day of any asset still goes on."""
    now_us = micros(now)
    plans = windows_of_days(site, [day]).values()
    return any(window.to_us > now_us for windows in plans for window in windows)


def long_only(due: Iterable[marks.Due]) -> LongWindows:
    """The weeks, months and jobs among due windows."""
    due = list(due)
    return LongWindows(
        frozenset(window.production_day for window in due if window.grain == Grain.WEEK),
        frozenset(window.production_day for window in due if window.grain == Grain.MONTH),
        frozenset(window.job for window in due if window.grain == Grain.JOB),
    )
