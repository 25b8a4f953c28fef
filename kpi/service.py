"""The KPI job as a service: looks for work, gives an open day its rest, lives through outages, stops between spans."""

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import adbc_driver_manager
import structlog
from prometheus_client import Counter, Gauge, start_http_server

from kpi.job import SiteJob, Summary
from kpi.settings import KpiSettings
from store import inputs, marks
from store.errors import DatabaseUnavailableError, translated
from store.pool import connect

MAX_PAUSE_S = 30.0
log = structlog.get_logger()
_spans = Counter("haidang_kpi_days", "Production days computed", ["site"])
_values = Counter("haidang_kpi_values", "KPI values new or revised", ["site"])
_seconds = Gauge("haidang_kpi_last_run_seconds", "Duration of the last run that computed something", ["site"])


@dataclass
class Pace:
    """When a site was last computed and how long that took: an open day and due windows wait their turn."""

    settings: KpiSettings
    clock: Callable[[], float] = time.monotonic
    _open_at: float = field(default=-1e12)
    _open_took: float = 0.0
    _due_at: float = field(default=-1e12)

    def open_day(self) -> bool:
        """Whether an open day may be computed: at most every max(setting, 5 x the last run) seconds."""
        return self.clock() - self._open_at >= max(self.settings.kpi_open_day_s, 5 * self._open_took)

    def due(self) -> bool:
        """Whether to look for windows that have become final."""
        return self.clock() - self._due_at >= self.settings.kpi_close_s

    def ran(self, *, open_day: bool, due: bool, seconds: float) -> None:
        """Note a run that has just ended."""
        if open_day:
            self._open_at, self._open_took = self.clock(), seconds
        if due:
            self._due_at = self.clock()


def serve(settings: KpiSettings, stop: threading.Event) -> None:
    """Compute what becomes dirty or due until asked to stop.

    Raises:
        StoreError: the database refuses for good, e.g. without our schema.
    """
    if settings.kpi_metrics_port is not None:
        start_http_server(settings.kpi_metrics_port)
    paces: dict[str, Pace] = {}
    failures = 0
    while not stop.is_set():
        try:
            _work(settings, stop, paces)
            failures = 0
        except DatabaseUnavailableError as error:
            failures += 1
            pause = random.uniform(0, min(MAX_PAUSE_S, 1.5**failures))  # noqa: S311 - spreads retries, no secret
            log.warning("database away", action="database_away", detail=str(error), retry_s=round(pause, 1))
            stop.wait(pause)


def _work(settings: KpiSettings, stop: threading.Event, paces: dict[str, Pace]) -> None:
    """Work over one pair of connections until asked to stop."""
    url = settings.database_url
    with (
        _outages_translated(url),
        connect(url, "haidang-kpi", autocommit=True) as connection,
        inputs.open_adbc(url) as reader,
    ):
        log.info("ready", action="ready")
        while not stop.is_set():
            started = time.monotonic()
            for key in marks.site_keys(connection):
                job = SiteJob(connection, reader, key, settings, stop=stop)
                _compute(job, paces.setdefault(key, Pace(settings)))
            stop.wait(max(settings.kpi_poll_s, time.monotonic() - started))  # half of the time for the others


def _compute(job: SiteJob, pace: Pace) -> Summary:
    open_day, due = pace.open_day(), pace.due()
    started = time.monotonic()
    done = job.run(datetime.now(UTC), open_day=open_day, due=due)
    seconds = time.monotonic() - started
    pace.ran(open_day=open_day and done.days > 0, due=due, seconds=seconds)
    if done.days:
        _spans.labels(job.site_key).inc(done.days)
        _values.labels(job.site_key).inc(done.values_new + done.values_revised)
        _seconds.labels(job.site_key).set(seconds)
    return done


@contextmanager
def _outages_translated(url: str) -> Iterator[None]:
    """A reader that lost its connection is an outage as well: what was not committed is done again."""
    try:
        with translated(url):
            yield
    except adbc_driver_manager.OperationalError as error:
        raise DatabaseUnavailableError(f"The database does not answer while reading ({error}).") from error
