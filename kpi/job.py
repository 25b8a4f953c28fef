"""The KPI job: takes dirty marks and windows that are due, computes their days span by span, until nothing is left."""

import threading
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import structlog

from kpi.errors import SitesFailedError
from kpi.isolation import concerns_all, note_failure
from kpi.planning import Plan, before_marked, closed, followed, is_open, long_only
from kpi.pool import Pool
from kpi.progress import Gauge, Progress
from kpi.recompute import Asked
from kpi.settings import KpiSettings
from kpi.span import Office, SpanResult
from kpi.stored_eras import changed_days
from kpi.summary import Summary
from kpi.work import (
    DAY,
    Span,
    asked_for,
    days_of_ranges,
    days_with_causes,
    each_day,
    held_on,
    holes,
    merged,
    spans,
    windows_of_days,
)
from model.calendar import local_date
from model.registry import Site
from model.vocabulary import Grain
from store import inputs, marks, registry
from store.errors import translated
from store.pool import Connection, connect

MAX_PASSES = 100
_SHORT = frozenset({Grain.HOUR, Grain.SHIFT, Grain.DAY, Grain.PRODUCT})
_DATA = frozenset({"data", "late_data"})
log = structlog.get_logger()


@dataclass
class SiteJob:
    """The work on one site over one pair of connections."""

    connection: Connection
    reader: Any
    site_key: str
    settings: KpiSettings
    progress: Progress | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    pool: Pool = field(default_factory=Pool)
    asked: int | None = None  # answer this mark only, and what it makes
    summary: Summary = field(default_factory=lambda: Summary(sites=1))
    _seen_due: set[marks.Due] = field(default_factory=set)
    _newest: int | None = None
    _passed_on: set[int] = field(default_factory=set)  # marks that this work made itself

    def run(self, now: datetime, *, open_day: bool = True, due: bool = True) -> Summary:
        """Compute until none is left of the marks that were there at the start, nor of those that this work makes.

        Args:
            now: instant of the computation.
            open_day: false leaves days that still go on, and their marks, for later.
            due: also make windows final that are due.
        """
        for _ in range(MAX_PASSES):
            plan = self._plan(now, open_day=open_day, due=due)
            if not plan or not self._carry_out(plan, now):
                break
        return self.summary

    def _plan(self, now: datetime, *, open_day: bool, due: bool) -> Plan:
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
            found = set(marks.due_windows(self.connection, site_id, now)) if due and self.asked is None else set()
            found -= self._seen_due
        self._seen_due |= found
        known = zip(ranges, (mark.cause for mark in waiting), strict=True)
        news = [each for each in zip(waiting, ranges, strict=True) if each[0].mark_id not in self._passed_on]
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
            causes, touched = asked_for({self.asked, *self._passed_on}, causes, touched, (of_data, around))
        cut = self._cut(causes, now)
        kept = cut if open_day else [span for span in cut if not is_open(site, span.last, now)]
        return Plan(kept, touched, long_only(found))

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
        return mark.cause in _DATA and mark.mark_id not in self._passed_on

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
        return [mark for mark in found if mark.mark_id <= self._newest or mark.mark_id in self._passed_on]

    def _cut(self, causes: dict[date, frozenset[str]], now: datetime) -> list[Span]:
        """Cut days into spans that fit in memory, the open day apart, none across a change of settings."""
        if not causes:
            return []
        with self.connection.transaction():
            site_id = registry.site_id(self.connection, self.site_key)
            site = registry.snapshot(self.connection, self.site_key, now)
            changes = changed_days(self.connection, site_id, site.timezone)
            longest = self._longest(site, site_id, sorted(causes))
        today = local_date(site.timezone, round(now.timestamp() * 1e6))
        return spans(causes, longest, [*changes, today - DAY, today])

    def _longest(self, site: Site, site_id: int, days: list[date]) -> int:
        """Days per span, from the number of readings of the day in the middle."""
        ids = inputs.series(self.connection, site_id)["series_id"].to_list()
        plan = windows_of_days(site, [days[len(days) // 2]])
        every = [window for windows in plan.values() for window in windows]
        if not every or len(days) == 1:
            return self.settings.kpi_span_days
        sample = inputs.Range(min(window.from_us for window in every), max(window.to_us for window in every))
        rows = inputs.row_count(self.connection, ids, sample)
        return max(1, min(self.settings.kpi_span_days, self.settings.kpi_span_rows // max(rows, 1)))

    def _carry_out(self, plan: Plan, now: datetime) -> bool:
        office = Office(self.connection, self.reader, self.site_key, now, self.pool, self.settings.kpi_part_rows)
        total, done = sum(len(span.days) for span in plan.spans), 0
        every = frozenset(day for span in plan.spans for day in span.days)
        computed: set[date] = set()
        for span in plan.spans:
            gauge = self._gauge(span, done, total)
            result = None if self.stop.is_set() else office.run_span(span, plan.answered(span, computed), every, gauge)
            if result is None:
                return self._give_up()
            done += len(span.days)
            computed.update(span.days if result.days else ())
            self._passed_on |= result.passed_on
            self._note(span, result)
            gauge.at(1, "stored")
        if plan.due:
            counts = office.run_long_windows(plan.due)
            if counts is None:
                return self._give_up()
            self.summary = self.summary.plus(Summary(values_new=counts[0], values_revised=counts[1]))
        return True

    def _gauge(self, span: Span, done: int, total: int) -> Gauge:
        """The stretch of a span, after so many days of all of the pass."""
        days = f"{span.first}" if span.first == span.last else f"{span.first} – {span.last}"
        return Gauge(self.progress).part(done / total, (done + len(span.days)) / total, f"{self.site_key}, {days}")

    def _give_up(self) -> bool:
        if not self.stop.is_set():
            self.summary = self.summary.plus(Summary(busy=(self.site_key,)))
        return False

    def _note(self, span: Span, result: SpanResult) -> None:
        self.summary = self.summary.plus(
            Summary(
                *(0, result.days, result.readings, result.values_new, result.values_revised, result.seconds),
                stages=result.stages,
            )
        )
        log.info(
            "span computed",
            action="span_computed",
            site=self.site_key,
            from_day=str(span.first),
            to_day=str(span.last),
            readings=result.readings,
            values_new=result.values_new,
            values_revised=result.values_revised,
            seconds=round(result.seconds, 3),
        )


def run_once(
    url: str,
    *,
    site: str | Asked | None = None,
    progress: Progress | None = None,
    now: datetime | None = None,
    processes: int | None = None,
) -> Summary:
    """Compute everything that is dirty or due.

    Args:
        url: database, as role haidang_kpi.
        site: only this site, or of it only what was asked for: the days of that mark, and those after them whose carry
            changes with them; all local sites without it.
        progress: told how much of the present pass over a site is done, also inside a span.
        now: the instant of the computation, default the clock's.
        processes: that compute the assets of a span; default the setting HAIDANG_KPI_PROCESSES.

    Raises:
        SitesFailedError: names the sites that could not be computed, after all others were.
    """
    settings = KpiSettings(database_url=url)
    at = now or datetime.now(UTC)
    asked, site = (site.mark_id, site.site) if isinstance(site, Asked) else (None, site)
    total = Summary()
    failed: dict[str, str] = {}
    with (
        translated(url),
        connect(url, "haidang-kpi", autocommit=True) as connection,
        inputs.open_adbc(url) as reader,
        Pool(processes or settings.kpi_processes) as pool,
    ):
        if site:
            registry.site_id(connection, site)  # refuses one that is not known
        for key in [site] if site else marks.site_keys(connection):
            job = SiteJob(connection, reader, key, settings, progress, pool=pool, asked=asked)
            try:
                total = total.plus(job.run(at))
            except Exception as error:
                if concerns_all(error):
                    raise
                failed[key] = note_failure(key, error)
    if failed:
        raise SitesFailedError(failed)
    return total
