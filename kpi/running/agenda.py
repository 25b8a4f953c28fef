"""What there is to do at a site: dirty marks, windows that are due and what is computed already in, a plan out."""

from dataclasses import dataclass, field
from datetime import date, datetime

from kpi.running.planning import Plan, before_marked, closed, followed, is_open, long_only
from kpi.running.progress import Gauge
from kpi.running.settings import KpiSettings
from kpi.running.work import (
    DAY,
    Span,
    asked_for,
    days_of_ranges,
    days_with_causes,
    each_day,
    held_on,
    holes,
    merged,
    reach_of,
    spans,
    windows_of_days,
)
from kpi.stored_eras import changed_days
from model.calendar import local_date
from model.instants import micros
from model.registry import Site
from model.vocabulary import Grain
from store import inputs, marks, registry
from store.pool import Connection

_SHORT = frozenset({Grain.HOUR, Grain.SHIFT, Grain.DAY, Grain.PRODUCT})
_DATA = frozenset({"data", "late_data"})


@dataclass
class Agenda:
    """What is left to do in one run over a site; it remembers what this run has seen and made.

    Args:
        connection: of the KPI role.
        site_key: the site.
        settings: how long spans may be.
        gauge: told what takes long.
        asked: answer this mark only, and those in `passed_on`.
        passed_on: marks that this run made itself.
    """

    connection: Connection
    site_key: str
    settings: KpiSettings
    gauge: Gauge = field(default_factory=Gauge)
    asked: int | None = None
    passed_on: set[int] = field(default_factory=set)
    _seen_due: set[marks.Due] = field(default_factory=set)
    _newest: int | None = None

    def plan(self, now: datetime, *, open_day: bool, due: bool) -> Plan:
        """Find the days to be computed and the longer windows to be made final.

        Args:
            now: instant of the computation.
            open_day: false leaves days that still go on, and their marks, for later.
            due: also look for windows that have become final.
        """
        with self.connection.transaction():
            site_id = registry.site_id(self.connection, self.site_key)
            site = registry.snapshot(self.connection, self.site_key, now)
            waiting = self._waiting(marks.marks(self.connection, site_id))
            ranges = days_of_ranges(site, [(mark.asset, mark.from_us, mark.to_us) for mark in waiting])
            if not open_day:
                waiting, ranges = closed(site, waiting, ranges, now)
            done = {day for first, last in marks.runs(self.connection, site_id) for day in each_day(first, last)}
            new = self._of_data(waiting, ranges)
            later = self._later(site, site_id, new, followed(site, done, now, open_day=open_day), now)
            around = [*self._earlier(site, site_id, new), *later]
            found = self._due(site_id, now) if due and self.asked is None else set()
        known = zip(ranges, (mark.cause for mark in waiting), strict=True)
        news = [each for each in zip(waiting, ranges, strict=True) if each[0].mark_id not in self.passed_on]
        before = before_marked(site, news, done)
        causes = days_with_causes([*known, *before, *((days, "data") for days in around)])
        for day in [*(window.production_day for window in found if window.grain in _SHORT), *holes([*done, *causes])]:
            causes.setdefault(day, frozenset())
        touched = {
            mark.mark_id: held_on(days, later) if self._is_new(mark) and mark.mark_id != self.asked else days
            for mark, days in zip(waiting, ranges, strict=True)
        }
        if self.asked is not None:
            of_data = {mark.mark_id for mark in waiting if mark.cause in _DATA}
            around += [days for days, _ in before]
            causes, touched = asked_for({self.asked, *self.passed_on}, causes, touched, (of_data, around))
        cut = self._cut(causes, now)
        kept = cut if open_day else [span for span in cut if not is_open(site, span.last, now)]
        return Plan(kept, touched, long_only(found))

    def _due(self, site_id: int, now: datetime) -> set[marks.Due]:
        """Windows that have become final, each once."""
        found = set(marks.due_windows(self.connection, site_id, now)) - self._seen_due
        self._seen_due |= found
        return found

    def _of_data(self, waiting: list[marks.Mark], days: list[tuple[date, date]]) -> list[tuple[str, int, int]]:
        """Ranges of new readings."""
        of_data = [
            ((mark.asset, mark.from_us, mark.to_us), touched)
            for mark, touched in zip(waiting, days, strict=True)
            if self._is_new(mark)
        ]
        return merged([mark for mark, _ in of_data], [touched for _, touched in of_data])

    def _is_new(self, mark: marks.Mark) -> bool:
        """Whether a mark is of new readings, not of a carry that they have changed."""
        return mark.cause in _DATA and mark.mark_id not in self.passed_on

    def _earlier(self, site: Site, site_id: int, ranges: list[tuple[str, int, int]]) -> list[tuple[date, date]]:
        """Days before the marked ones in which something flowed to the first new reading."""
        found = inputs.reach_back(self.connection, site_id, ranges)
        return days_of_ranges(site, [(asset, before, max(start, before + 1)) for asset, before, start in found])

    def _later(
        self, site: Site, site_id: int, ranges: list[tuple[str, int, int]], newest: date, now: datetime
    ) -> list[tuple[date, date]]:
        """Days up to the newest, after the marked ones, in which a state or power of a new reading still holds."""
        late = [each for each, (_, last) in zip(ranges, days_of_ranges(site, ranges), strict=True) if last < newest]
        held = inputs.reach_on(self.connection, site_id, late, now)
        found = days_of_ranges(site, [(asset, start, max(until, start + 1)) for asset, start, until in held])
        return [(first, min(last, newest)) for first, last in found if first <= newest]

    def _waiting(self, found: list[marks.Mark]) -> list[marks.Mark]:
        """Leave marks that arrive meanwhile to the next run: a live site would never let this one end."""
        if self._newest is None:
            self._newest = max((mark.mark_id for mark in found), default=0)
        return [mark for mark in found if mark.mark_id <= self._newest or mark.mark_id in self.passed_on]

    def _cut(self, causes: dict[date, frozenset[str]], now: datetime) -> list[Span]:
        """Cut days into spans that fit in memory, the open day apart, none across a change of settings."""
        if not causes:
            return []
        with self.connection.transaction():
            site_id = registry.site_id(self.connection, self.site_key)
            site = registry.snapshot(self.connection, self.site_key, now)
            today = local_date(site.timezone, micros(now))
            borders = [*changed_days(self.connection, site_id, site.timezone), today - DAY, today]
            found = spans(causes, self.settings.kpi_span_days, borders)
            if all(len(span.days) == 1 for span in found):
                return found
            return spans(causes, self._longest(site, site_id, sorted(causes)), borders)

    def _longest(self, site: Site, site_id: int, days: list[date]) -> int:
        """Days per span, from the number of readings of the day in the middle."""
        middle = days[len(days) // 2]
        windows = windows_of_days(site, [middle])
        if not any(windows.values()):
            return self.settings.kpi_span_days
        self.gauge.at(0, f"{self.site_key}: counting the readings of {middle}")
        ids = inputs.series(self.connection, site_id)["series_id"].to_list()
        sample = inputs.Range(*reach_of(windows))
        rows = inputs.row_count(self.connection, ids, sample)
        return max(1, min(self.settings.kpi_span_days, self.settings.kpi_span_rows // max(rows, 1)))
