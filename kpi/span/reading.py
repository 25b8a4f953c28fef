"""Reading of a span: a scene in; out everything that its computation needs, the readings in a spool."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl
import pyarrow as pa

from kpi.compute import read_range
from kpi.compute.metering import together
from kpi.frames import ANNOTATIONS, EVENTS, READINGS, RECORDS, SERIES, SYMBOLS, Inputs, conform, empty
from kpi.running.parts import LEAST_SHARE, buckets_of
from kpi.running.work import DAY, days_of_ranges, days_with_causes
from kpi.span.scene import READING, Scene
from model.registry import Site
from store import derived, inputs, marks
from store.spool import BUCKETS, Spool

_NAMES = pl.Schema({"asset": pl.String, "name": pl.String})


@dataclass(frozen=True)
class Read:
    """Everything read for a span; the readings are in the spool."""

    inputs: Inputs
    spool: Spool
    buckets: Mapping[str, int]  # of assets
    series: pl.DataFrame
    carried: Mapping[str, str]  # digest of the carry into the span, per asset
    handed: Mapping[str, str]  # digest of the carry that the span handed on when it was last computed
    causes: Mapping[date, frozenset[str]]  # why each day is computed


@contextmanager
def reading(scene: Scene) -> Iterator[Read]:
    """Read a span; the spool is gone after the context."""
    connection, site_id = scene.connection, scene.place.site_id
    wide = inputs.Range(*read_range(scene.site, scene.span.days))
    series = _in_force(inputs.series(connection, site_id), scene.site)
    active = series.filter("active")
    wanted = series if scene.closed else active
    buckets = buckets_of((asset.key for asset in scene.site.assets), wanted, BUCKETS, together(scene.site))
    bucket_of = {id_: buckets[asset] for id_, asset in wanted.select("series_id", "asset").iter_rows()}
    carried = derived.carry(connection, site_id, scene.span.first - DAY)
    handed = derived.carry(connection, site_id, scene.span.last)
    expected = inputs.expected_rows(connection, list(bucket_of), wide) if scene.gauge.heard else 0
    with Spool(bucket_of, max(buckets.values()) + 1, scene.part_rows) as spool:
        with scene.stages.of("read"):
            batches = inputs.readings(connection, scene.reader, list(bucket_of), wide)
            spool.add(_awaited(scene, batches, expected))
            spool.finish()
        payloads = {asset: payload for asset, (payload, _) in carried.items()}
        given = _inputs(scene, wide, active, payloads)
        yield Read(given, spool, buckets, wanted, _digests(carried), _digests(handed), _causes(scene))


def _awaited(scene: Scene, batches: Iterable[pa.RecordBatch], expected: int) -> Iterator[pa.RecordBatch]:
    """Pass readings on, tell how many there are, and start the processes as soon as there will be work for two."""
    rows, gauge = 0, scene.gauge.part(*READING)
    gauge.at(0, "reading")
    for batch in batches:
        rows += len(batch)
        if rows >= 2 * LEAST_SHARE:
            scene.pool.start()
        gauge.at(rows / max(expected, 1), f"{rows:,} readings read")
        yield batch


def _inputs(scene: Scene, wide: inputs.Range, active: pl.DataFrame, carried: Mapping[str, Any]) -> Inputs:
    """All that is known of the span but its readings."""
    connection, site_id, whole = scene.connection, scene.place.site_id, scene.whole
    return Inputs(
        site=scene.site,
        days=scene.span.days,
        series=conform(active, SERIES),
        readings=empty(READINGS),
        symbols=conform(inputs.symbols(connection), SYMBOLS),
        events=conform(inputs.events(connection, site_id, wide), EVENTS),
        annotations=conform(inputs.annotations(connection, site_id, wide), ANNOTATIONS),
        carry=carried,
        records=conform(inputs.records(connection, site_id, whole), RECORDS),
        until_us=scene.now_us if whole.to_us > scene.now_us else None,
    )


def _causes(scene: Scene) -> dict[date, frozenset[str]]:
    """Causes of the days: those planned, and of marks that came since, whose corrections have been read too."""
    whole = scene.whole
    waiting = [
        (mark.asset, max(mark.from_us, whole.from_us), min(mark.to_us, whole.to_us), mark.cause)
        for mark in marks.marks(scene.connection, scene.place.site_id)
        if mark.from_us < whole.to_us and mark.to_us > whole.from_us
    ]
    touched = days_of_ranges(scene.site, [(asset, start, end) for asset, start, end, _ in waiting])
    found = days_with_causes(zip(touched, (cause for *_, cause in waiting), strict=True))
    nothing: frozenset[str] = frozenset()
    return {day: scene.span.causes.get(day, nothing) | found.get(day, nothing) for day in scene.span.days}


def _digests(carried: Mapping[str, tuple[Any, str]]) -> dict[str, str]:
    return {asset: sha for asset, (_, sha) in carried.items()}


def _in_force(series: pl.DataFrame, site: Site) -> pl.DataFrame:
    """Tell which series enter the KPIs of the span: those of the registry in force."""
    known = pl.DataFrame([(each.asset, each.name) for each in site.series], _NAMES, orient="row")
    return series.join(
        known.with_columns(active=True), on=["asset", "name"], how="left", maintain_order="left"
    ).with_columns(pl.col("active").fill_null(value=False))
