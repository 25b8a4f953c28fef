"""The transaction of a span: marks in, everything of the span stored and the marks answered, or nothing."""

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from kpi.building import Builder, Fresh
from kpi.running.parts import Done, joined
from kpi.running.pool import Pool
from kpi.running.progress import Gauge
from kpi.running.work import LongWindows, Span
from kpi.span.handing import pass_on
from kpi.span.parting import parts_of
from kpi.span.reading import Read, reading
from kpi.span.scene import COMPUTING, Answered, Scene, SpanResult
from kpi.span.writing import store_values, write
from kpi.stored_eras import registry_of_day
from model.instants import micros
from store import derived, marks, registry
from store.pool import Connection

MAX_FINDINGS = 500
_UNHEARD = Gauge()


@dataclass(frozen=True)
class Office:
    """Where and when the work is done: connection of the KPI role, ADBC connection for the readings, the site.

    `ahead`: so many days are computed again, at most, after a span that hands on something else.
    """

    connection: Connection
    reader: Any
    site_key: str
    now: datetime
    pool: Pool = field(default_factory=Pool)
    part_rows: int = 4_000_000
    ahead: int = 1

    def run_span(
        self, span: Span, answered: Answered, planned: frozenset[date] = frozenset(), gauge: Gauge = _UNHEARD
    ) -> SpanResult | None:
        """Compute a span and store everything of it, or nothing.

        Args:
            span: the production days.
            answered: marks that this span answers.
            planned: days of the same run, which need no mark of their own when the carry changes.
            gauge: told how far it is.

        Returns:
            None when another process is computing this site. A span whose marks another process has answered
            meanwhile has no days, unless it is to be computed anyway.
        """
        started = time.monotonic()
        with self.connection.transaction():
            place = self._lock()
            if place is None:
                return None
            claimed = set(marks.lock_marks(self.connection, list(answered.lock)))
            if answered.lock and not claimed and not answered.anyway:
                return SpanResult(0, 0, 0, 0, time.monotonic() - started)
            scene = self._scene(place, span, gauge)
            run, passed_on = _run(scene, planned)
            marks.delete_marks(self.connection, sorted(claimed.intersection(answered.delete)))
        seconds = time.monotonic() - started
        counts = (len(span.days), run.readings, run.values_new, run.values_revised)
        return SpanResult(*counts, seconds, passed_on, scene.stages.seconds)

    def run_long_windows(self, wanted: LongWindows) -> tuple[int, int] | None:
        """Build weeks, months and jobs anew from stored atoms: they become final without any new data."""
        with self.connection.transaction():
            place = self._lock()
            if place is None:
                return None
            site = registry.snapshot(self.connection, self.site_key, self.now)
            built = Builder(self.connection, place, site, micros(self.now)).long(wanted, Fresh(), {})
            return store_values(self.connection, place, site, [built])

    def _lock(self) -> derived.Place | None:
        site_id = registry.site_id(self.connection, self.site_key)
        if not marks.try_lock_site(self.connection, site_id):
            return None
        return derived.Place(site_id, registry.asset_ids(self.connection, site_id))

    def _scene(self, place: derived.Place, span: Span, gauge: Gauge) -> Scene:
        site = registry_of_day(self.connection, self.site_key, span.last)
        where = (self.connection, self.reader, place, site)
        return Scene(*where, span, self.now, self.pool, self.part_rows, gauge, ahead=self.ahead)


def _run(scene: Scene, planned: frozenset[date]) -> tuple[marks.Run, frozenset[int]]:
    """Read, compute and write a span, log the run; gives the marks on the day after as well."""
    with reading(scene) as read, scene.stages.of("compute"):
        done = joined(_computed(scene, read))
    counts = write(scene, read, done, planned)
    passed_on = pass_on(scene, read, done.tables, planned)
    run = _logged(scene, done, counts)
    marks.log_run(scene.connection, run)
    return run, passed_on


def _computed(scene: Scene, read: Read) -> list[Done]:
    """Compute the parts and tell how many of the readings are done with."""
    gauge, total, done = scene.gauge.part(*COMPUTING), int(read.spool.counts.sum()), list[int]()

    def tell(part: Done) -> None:
        done.append(part.readings)
        gauge.at(sum(done) / max(total, 1), f"{sum(done):,} of {total:,} readings computed")

    gauge.at(0, "computing")
    return scene.pool.run(parts_of(scene, read), tell)


def _logged(scene: Scene, done: Done, counts: tuple[int, int]) -> marks.Run:
    return marks.Run(
        site_id=scene.place.site_id,
        from_day=scene.span.first,
        to_day=scene.span.last,
        started_at=scene.now,
        readings=done.readings,
        values_new=counts[0],
        values_revised=counts[1],
        findings=_plain(done.tables.findings[:MAX_FINDINGS]),
    )


def _plain(findings: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [
        {name: value.isoformat() if isinstance(value, date) else value for name, value in each.items()}
        for each in findings
    ]
