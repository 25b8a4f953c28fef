"""The KPI job as a service: looks for work, gives an open day its rest, lives through outages, stops between spans."""

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import structlog

from kpi.running.isolation import concerns_all, note_failure, outages_translated
from kpi.running.job import SiteJob
from kpi.running.metrics import Metrics
from kpi.running.pool import Pool
from kpi.running.settings import KpiSettings
from store import inputs, marks
from store.errors import DatabaseUnavailableError
from store.pool import connect

MAX_PAUSE_S = 30.0
MAX_REST_S = 300.0
log = structlog.get_logger()


@dataclass
class Pace:
    """When a site was last computed and how long that took: an open day and due windows wait their turn."""

    settings: KpiSettings
    clock: Callable[[], float] = time.monotonic
    _open_at: float = field(default=-1e12)
    _open_took: float = 0.0
    _due_at: float = field(default=-1e12)
    _rests_until: float = field(default=-1e12)
    _failures: int = 0

    def open_day(self) -> bool:
        """Whether an open day may be computed: at most every max(setting, 5 x the last run) seconds."""
        return self.clock() - self._open_at >= max(self.settings.kpi_open_day_s, 5 * self._open_took)

    def due(self) -> bool:
        """Whether to look for windows that have become final."""
        return self.clock() - self._due_at >= self.settings.kpi_close_s

    def resting(self) -> bool:
        """Whether the site failed and is not to be tried again yet."""
        return self.clock() < self._rests_until

    def failed(self) -> None:
        """Note a failure: the site rests, longer after each one, so that it does not fill the log."""
        self._failures += 1
        self._rests_until = self.clock() + min(MAX_REST_S, self.settings.kpi_poll_s * 2 ** min(self._failures, 20))

    def ran(self, *, open_day: bool, due: bool, seconds: float) -> None:
        """Note a run that has just ended."""
        self._failures = 0
        if open_day:
            self._open_at, self._open_took = self.clock(), seconds
        if due:
            self._due_at = self.clock()


def serve(settings: KpiSettings, stop: threading.Event, metrics: Metrics) -> None:
    """Compute what becomes dirty or due until asked to stop.

    Raises:
        StoreError: the database refuses for good, e.g. without our schema.
    """
    paces: dict[str, Pace] = {}
    failures = 0
    while not stop.is_set():
        began = time.monotonic()
        try:
            _work(settings, stop, paces, metrics)
        except DatabaseUnavailableError as error:
            metrics.database.set(0)
            failures = failures + 1 if time.monotonic() - began < MAX_PAUSE_S else 1
            pause = random.uniform(0, min(MAX_PAUSE_S, 1.5**failures))  # noqa: S311 - spreads retries, no secret
            log.warning("database away", action="database_away", detail=str(error), retry_s=round(pause, 1))
            stop.wait(pause)


def _work(settings: KpiSettings, stop: threading.Event, paces: dict[str, Pace], metrics: Metrics) -> None:
    """Work over one pair of connections until asked to stop."""
    url = settings.database_url
    with (
        outages_translated(url),
        connect(url, "haidang-kpi", autocommit=True) as connection,
        inputs.open_adbc(url) as reader,
        Pool(settings.kpi_processes) as pool,
    ):
        metrics.database.set(1)
        log.info("ready", action="ready")
        while not stop.is_set():
            started = time.monotonic()
            for key in marks.site_keys(connection):
                job = SiteJob(connection, reader, key, settings, stop=stop, pool=pool)
                _attempt(job, paces.setdefault(key, Pace(settings)), metrics)
            stop.wait(max(settings.kpi_poll_s, time.monotonic() - started))  # half of the time for the others


def _attempt(job: SiteJob, pace: Pace, metrics: Metrics) -> None:
    """Compute a site unless it rests; what is wrong with it alone is logged and tried again later."""
    if pace.resting():
        return
    try:
        _compute(job, pace, metrics)
    except Exception as error:
        if concerns_all(error):
            raise
        note_failure(job.site_key, error)
        metrics.failed(job.site_key)
        pace.failed()


def _compute(job: SiteJob, pace: Pace, metrics: Metrics) -> None:
    open_day, due = pace.open_day(), pace.due()
    started = time.monotonic()
    done = job.run(datetime.now(UTC), open_day=open_day, due=due)
    seconds = time.monotonic() - started
    pace.ran(open_day=open_day and done.days > 0, due=due, seconds=seconds)
    metrics.note(job.site_key, done, seconds)
