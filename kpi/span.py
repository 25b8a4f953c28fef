"""One span of production days, in one transaction: lock, read, compute, write, build values, answer the marks."""

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Any

import polars as pl
import pyarrow as pa

from kpi.building import Builder, Built, Fresh
from kpi.compute import read_range
from kpi.compute.metering import together
from kpi.compute.substances import counts_from
from kpi.digests import inputs_digest
from kpi.frames import (
    ANNOTATIONS,
    ATOMS,
    EVENTS,
    INTERVAL_SERIES,
    READINGS,
    RECORDS,
    SERIES,
    SYMBOLS,
    Inputs,
    Tables,
    conform,
    empty,
)
from kpi.marking import conflict_marks, marks_of, quality_marks
from kpi.parts import Done, Part, buckets_of, grouped, joined, of_assets
from kpi.pool import Pool
from kpi.stages import Stages
from kpi.stored_eras import registry_of_day
from kpi.work import (
    DAY,
    LongWindows,
    Span,
    days_of_ranges,
    days_with_causes,
    long_windows,
    windows_of_days,
    without_pending,
)
from model.calendar import DayWindow
from model.canonical import canonical_json, digest
from model.registry import Site
from store import derived, inputs, marks, registry
from store.pool import Connection
from store.series_quality import replace_quality
from store.spool import BUCKETS, Spool

MAX_FINDINGS = 500
LEAST_SHARE = 250_000  # readings: with fewer, handing a part to another process takes longer than computing it
_NAMES = pl.Schema({"asset": pl.String, "name": pl.String})


@dataclass(frozen=True)
class Answered:
    """Marks to lock before reading, and those of them that are answered once the span is written.

    `anyway`: the day before was computed in this run, and what it hands on may have changed since others answered them.
    """

    lock: Sequence[int] = ()
    delete: Sequence[int] = ()
    anyway: bool = False


@dataclass(frozen=True)
class SpanResult:
    """What a span brought."""

    days: int
    readings: int
    values_new: int
    values_revised: int
    seconds: float
    passed_on: frozenset[int] = frozenset()  # marks on the day after, whose carry has changed
    stages: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class _Read:
    """Everything read for a span; the readings are in the spool."""

    inputs: Inputs
    spool: Spool
    buckets: Mapping[str, int]  # of assets
    series: pl.DataFrame
    carried: Mapping[str, str]  # digest of the carry into the span, per asset
    handed: Mapping[str, str]  # digest of the carry that the span handed on when it was last computed
    causes: Mapping[date, frozenset[str]]  # why each day is computed


@dataclass(frozen=True)
class Office:
    """Where and when the work is done: connection of the KPI role, ADBC connection for the readings, the site."""

    connection: Connection
    reader: Any
    site_key: str
    now: datetime
    pool: Pool = field(default_factory=Pool)
    part_rows: int = 4_000_000

    @property
    def now_us(self) -> int:
        """The instant of the computation in µs UTC."""
        return round(self.now.timestamp() * 1e6)

    def run_span(self, span: Span, answered: Answered, planned: frozenset[date] = frozenset()) -> SpanResult | None:
        """Compute a span and store everything of it, or nothing.

        Args:
            span: the production days.
            answered: marks that this span answers.
            planned: days of the same run, which need no mark of their own when the carry changes.

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
            site = registry_of_day(self.connection, self.site_key, span.last)
            work = _SpanWork(self, place, site, span)
            done, passed_on = work.run(planned)
            marks.delete_marks(self.connection, sorted(claimed.intersection(answered.delete)))
        seconds = time.monotonic() - started
        counts = (len(span.days), done.readings, done.values_new, done.values_revised)
        return SpanResult(*counts, seconds, passed_on, work.stages.seconds)

    def run_long_windows(self, wanted: LongWindows) -> tuple[int, int] | None:
        """Build weeks, months and jobs anew from stored atoms: they become final without any new data."""
        with self.connection.transaction():
            place = self._lock()
            if place is None:
                return None
            site = registry.snapshot(self.connection, self.site_key, self.now)
            built = Builder(self.connection, place, site, self.now_us).long(wanted, Fresh(), {})
            return self.store(place, site, [built])

    def store(self, place: derived.Place, site: Site, parts: Iterable[Built]) -> tuple[int, int]:
        """Store values with the registry that they were made with."""
        config, built = digest(site), list(parts)
        derived.keep_config(self.connection, place.site_id, config, canonical_json(site).decode())
        values, owned = pl.concat([part.values for part in built]), pl.concat([part.owned for part in built])
        return derived.write_values(self.connection, place, values, owned, config)

    def _lock(self) -> derived.Place | None:
        site_id = registry.site_id(self.connection, self.site_key)
        if not marks.try_lock_site(self.connection, site_id):
            return None
        return derived.Place(site_id, registry.asset_ids(self.connection, site_id))


@dataclass(frozen=True)
class _SpanWork:
    office: Office
    place: derived.Place
    site: Site
    span: Span
    stages: Stages = field(default_factory=Stages)

    @property
    def connection(self) -> Connection:
        return self.office.connection

    @cached_property
    def windows(self) -> dict[str, tuple[DayWindow, ...]]:
        return windows_of_days(self.site, self.span.days)

    @cached_property
    def closed(self) -> list[date]:
        """Days whose last window has ended and waited for late data."""
        ends: dict[date, int] = {}
        for plan in self.windows.values():
            for window in plan:
                ends[window.day] = max(window.to_us, ends.get(window.day, 0))
        return sorted(day for day, end in ends.items() if end + self.site.lateness_us <= self.office.now_us)

    def run(self, planned: frozenset[date]) -> tuple[marks.Run, frozenset[int]]:
        with self._read() as read, self.stages.of("compute"):
            done = joined(self.office.pool.run(self._parts(read)))
        new, revised = self._write(read, done, planned)
        passed_on = self._pass_on(read, done.tables, planned)
        run = marks.Run(
            site_id=self.place.site_id,
            from_day=self.span.first,
            to_day=self.span.last,
            started_at=self.office.now,
            readings=done.readings,
            values_new=new,
            values_revised=revised,
            findings=_plain(done.tables.findings[:MAX_FINDINGS]),
        )
        marks.log_run(self.connection, run)
        return run, passed_on

    @contextmanager
    def _read(self) -> Iterator[_Read]:
        whole, site_id = _bounds(self.windows), self.place.site_id
        wide = inputs.Range(*read_range(self.site, self.span.days))
        series = _in_force(inputs.series(self.connection, site_id), self.site)
        active = series.filter("active")
        wanted = series if self.closed else active
        buckets = buckets_of((asset.key for asset in self.site.assets), wanted, BUCKETS, together(self.site))
        bucket_of = {id_: buckets[asset] for id_, asset in wanted.select("series_id", "asset").iter_rows()}
        carried = derived.carry(self.connection, site_id, self.span.first - DAY)
        handed = derived.carry(self.connection, site_id, self.span.last)
        with Spool(bucket_of, max(buckets.values()) + 1, self.office.part_rows) as spool:
            with self.stages.of("read"):
                spool.add(self._awaited(inputs.readings(self.connection, self.office.reader, list(bucket_of), wide)))
                spool.finish()
            given = Inputs(
                site=self.site,
                days=self.span.days,
                series=conform(active, SERIES),
                readings=empty(READINGS),
                symbols=conform(inputs.symbols(self.connection), SYMBOLS),
                events=conform(inputs.events(self.connection, site_id, wide), EVENTS),
                annotations=conform(inputs.annotations(self.connection, site_id, wide), ANNOTATIONS),
                carry={asset: payload for asset, (payload, _) in carried.items()},
                records=conform(inputs.records(self.connection, site_id, whole), RECORDS),
                until_us=self.office.now_us if whole.to_us > self.office.now_us else None,
            )
            yield _Read(given, spool, buckets, wanted, _digests(carried), _digests(handed), self._causes())

    def _causes(self) -> dict[date, frozenset[str]]:
        """Causes of the days: those planned, and of marks that came since, whose corrections have been read too."""
        whole = _bounds(self.windows)
        waiting = [
            (mark.asset, max(mark.from_us, whole.from_us), min(mark.to_us, whole.to_us), mark.cause)
            for mark in marks.marks(self.connection, self.place.site_id)
            if mark.from_us < whole.to_us and mark.to_us > whole.from_us
        ]
        touched = days_of_ranges(self.site, [(asset, start, end) for asset, start, end, _ in waiting])
        found = days_with_causes(zip(touched, (cause for *_, cause in waiting), strict=True))
        nothing: frozenset[str] = frozenset()
        return {day: self.span.causes.get(day, nothing) | found.get(day, nothing) for day in self.span.days}

    def _awaited(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Start the processes as soon as there will be work for two."""
        rows = 0
        for batch in batches:
            rows += len(batch)
            if rows >= 2 * LEAST_SHARE:
                self.office.pool.start()
            yield batch

    def _parts(self, read: _Read) -> list[Part]:
        """Neighbouring assets whose readings fit in memory together, enough of them for all processes."""
        counts, processes = read.spool.counts.tolist(), self.office.pool.processes
        share = max(LEAST_SHARE, sum(counts) // (2 * processes)) if processes > 1 else self.office.part_rows
        return [self._part(read, first, last) for first, last in grouped(counts, min(share, self.office.part_rows))]

    def _part(self, read: _Read, first: int, last: int) -> Part:
        assets = frozenset(asset for asset, bucket in read.buckets.items() if first <= bucket <= last)
        return Part(
            of_assets(read.inputs, assets),
            read.spool.rows(first, last),
            read.series.filter(pl.col("asset").is_in(sorted(assets))),
            {asset: windows for asset, windows in self.windows.items() if asset in assets},
        )

    def _write(self, read: _Read, done: Done, planned: frozenset[date]) -> tuple[int, int]:
        tables, rows = done.tables, done.digests
        with self.stages.of("pieces"):
            self._replace_pieces(tables)
        if self.closed:
            closed = rows.filter(pl.col("production_day").is_in(self.closed)).drop("active")
            derived.write_digests(self.connection, self.place.site_id, closed)
        fresh = Fresh(
            self.span.days,
            conform(tables.atoms, ATOMS),
            conform(tables.interval_series, INTERVAL_SERIES),
            self._day_digests(read, tables, rows),
            self._marks(tables),
        )
        builder = Builder(self.connection, self.place, self.site, self.office.now_us)
        wanted = long_windows(self.span.days, self._jobs(tables, planned))
        wanted = without_pending(wanted, (day for day in planned if day > self.span.last))
        with self.stages.of("roll up"):
            built = [builder.short(fresh, read.causes), builder.long(wanted, fresh, read.causes)]
        with self.stages.of("values"):
            return self.office.store(self.place, self.site, built)

    def _marks(self, tables: Tables) -> pl.DataFrame:
        """What becomes a flag: counters first seen inside a day, conflicts between what was sent and what is stored."""
        conflicts = inputs.conflicts(self.connection, self.place.site_id, _bounds(self.windows))
        found = marks_of(tables.findings, self.site, self.span.days)
        quality = quality_marks(tables.quality, self.site)
        return pl.concat([found, conflict_marks(conflicts, self.site, self.span.days), quality])

    def _replace_pieces(self, tables: Tables) -> None:
        """Write intervals, carry and those days of atoms and demand that differ from the stored ones."""
        bounds, days = derived.Days(self.span.first, self.span.last), list(self.span.days)
        connection, place = self.connection, self.place
        atoms = conform(derived.stored_atoms(connection, place.site_id, bounds), ATOMS)
        derived.replace_atoms(connection, place, tables.atoms, _differing(atoms, tables.atoms, days))
        series = conform(derived.stored_interval_series(connection, place.site_id, bounds), INTERVAL_SERIES)
        changed = _differing(series, tables.interval_series, days)
        derived.replace_interval_series(connection, place, tables.interval_series, changed)
        derived.replace_intervals(connection, place, tables.intervals, days)
        derived.replace_carry(connection, place, tables.carry, days)
        replace_quality(connection, place.site_id, tables.quality, days)

    def _jobs(self, tables: Tables, planned: frozenset[date]) -> set[str]:
        """Jobs of the span, and those that the span before left open; one that may go on is left to the next span."""
        before = self.span.first - DAY
        stored = derived.stored_atoms(self.connection, self.place.site_id, derived.Days(before, before))
        jobs = {*stored["job"].unique().to_list(), *tables.atoms["job"].unique().to_list()}
        if self.span.last + DAY in planned:
            of_last = tables.atoms.filter(pl.col("production_day") == self.span.last)
            jobs -= set(of_last["job"].unique().to_list())
        return jobs - {""}

    def _day_digests(self, read: _Read, tables: Tables, rows: pl.DataFrame) -> dict[date, str]:
        """Digest all inputs per day; the carry of the day before belongs to them."""
        carried = {self.span.first - DAY: read.carried}
        for (day,), part in tables.carry.partition_by("production_day", as_dict=True).items():
            carried[day] = dict(part.select("asset", "digest").iter_rows())
        found = {}
        for day in self.span.days:
            whole = _bounds({asset: tuple(w for w in plan if w.day == day) for asset, plan in self.windows.items()})
            event_from, event_to = pl.coalesce("from_us", "ts"), pl.coalesce("to_us", "ts")
            context = {
                "events": _rows_within(read.inputs.events, event_from, event_to, whole),
                "annotations": _rows_within(read.inputs.annotations, pl.col("from_us"), pl.col("to_us"), whole),
                "carry": carried.get(day - DAY, {}),
            }
            if not read.inputs.records.is_empty():
                context["records"] = _rows_within(read.inputs.records, counts_from(), pl.col("to_us"), whole)
            found[day] = inputs_digest(day, rows, context)
        return found

    def _pass_on(self, read: _Read, tables: Tables, planned: frozenset[date]) -> frozenset[int]:
        """Mark the day after the span dirty, with the causes of the span, when what it is handed has changed."""
        following = self.span.last + DAY
        last = tables.carry.filter(pl.col("production_day") == self.span.last)
        if following in planned or dict(last.select("asset", "digest").iter_rows()) == read.handed:
            return frozenset()
        runs = marks.runs(self.connection, self.place.site_id)
        if not any(first <= following <= last_day for first, last_day in runs):
            return frozenset()
        bounds = _bounds(windows_of_days(self.site, [following]))
        causes = frozenset().union(*read.causes.values()) - {"carry"} or {"carry"}
        return frozenset(marks.add_mark(self.connection, self.place.site_id, bounds, cause) for cause in sorted(causes))


def _differing(stored: pl.DataFrame, new: pl.DataFrame, days: list[date]) -> list[date]:
    """Days whose rows are not the stored ones."""
    order = new.columns
    before = stored.select(order).sort(order).partition_by("production_day", as_dict=True)
    after = new.sort(order).partition_by("production_day", as_dict=True)
    nothing = new.clear()
    return [day for day in days if not before.get((day,), nothing).equals(after.get((day,), nothing))]


def _rows_within(frame: pl.DataFrame, start: pl.Expr, end: pl.Expr, whole: inputs.Range) -> list[list[str]]:
    rows = frame.filter(start < whole.to_us, end >= whole.from_us).sort(frame.columns)
    return [[str(value) for value in row] for row in rows.iter_rows()]


def _digests(carried: Mapping[str, tuple[Any, str]]) -> dict[str, str]:
    return {asset: sha for asset, (_, sha) in carried.items()}


def _in_force(series: pl.DataFrame, site: Site) -> pl.DataFrame:
    """Tell which series enter the KPIs of the span: those of the registry in force."""
    known = pl.DataFrame([(each.asset, each.name) for each in site.series], _NAMES, orient="row")
    return series.join(
        known.with_columns(active=True), on=["asset", "name"], how="left", maintain_order="left"
    ).with_columns(pl.col("active").fill_null(value=False))


def _bounds(windows: Mapping[str, tuple[DayWindow, ...]]) -> inputs.Range:
    every = [window for plan in windows.values() for window in plan]
    if not every:
        return inputs.Range(0, 0)
    return inputs.Range(min(window.from_us for window in every), max(window.to_us for window in every))


def _plain(findings: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    return [
        {name: value.isoformat() if isinstance(value, date) else value for name, value in each.items()}
        for each in findings
    ]
