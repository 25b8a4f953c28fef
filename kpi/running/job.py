"""The KPI job: takes dirty marks and windows that are due, computes their days span by span, until nothing is left."""

import threading
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

import structlog

from kpi.errors import SitesFailedError
from kpi.running.agenda import Agenda
from kpi.running.isolation import concerns_all, note_failure, outages_translated
from kpi.running.planning import Plan
from kpi.running.pool import Pool
from kpi.running.progress import Gauge, Progress
from kpi.running.recompute import Asked
from kpi.running.settings import KpiSettings
from kpi.running.summary import Summary
from kpi.running.work import Span
from kpi.span import Office, SpanResult
from store import inputs, marks, registry
from store.pool import Connection, connect

MAX_PASSES = 100
# Days that a pass hands on to: most changes end with the first day after; one that does not goes on for months (the
# work since the last failure), so each pass looks twice as far ahead.
MAX_AHEAD = 32
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
    agenda: Agenda = field(init=False)

    def __post_init__(self) -> None:
        self.agenda = Agenda(self.connection, self.site_key, self.settings, Gauge(self.progress), self.asked)

    def run(self, now: datetime, *, open_day: bool = True, due: bool = True) -> Summary:
        """Compute until none is left of the marks that were there at the start, nor of those that this work makes.

        Args:
            now: instant of the computation.
            open_day: false leaves days that still go on, and their marks, for later.
            due: also make windows final that are due.
        """
        for number in range(MAX_PASSES):
            plan = self.agenda.plan(now, open_day=open_day, due=due)
            if not plan or not self._carry_out(plan, now, min(2**number, MAX_AHEAD)):
                break
        return self.summary

    def _carry_out(self, plan: Plan, now: datetime, ahead: int) -> bool:
        where = (self.connection, self.reader, self.site_key, now)
        office = Office(*where, self.pool, self.settings.kpi_part_rows, ahead)
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
            self.agenda.passed_on |= result.passed_on
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
        outages_translated(url),
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
