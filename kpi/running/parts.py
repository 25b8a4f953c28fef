"""A span part by part: assets in groups whose readings fit in memory, each computed for itself, the tables joined.

Pure: a part can be computed in this process or in another one, and the joined tables have the same bytes as those of
the whole site computed at once, because no asset's tables depend on another asset.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import accumulate

import polars as pl

from kpi.compute import compute
from kpi.digests import ROWS, day_digests
from kpi.frames import (
    ATOMS,
    CARRY,
    INTERVAL_SERIES,
    INTERVALS,
    QUALITY,
    READINGS,
    SERIES,
    WINDOWS,
    Inputs,
    Tables,
    conform,
    empty,
)
from model.calendar import DayWindow
from model.canonical import canonical_json
from store.spool import Rows

LEAST_SHARE = 250_000  # readings: with fewer, handing a part to another process takes longer than computing it


@dataclass(frozen=True)
class Part:
    """Some assets of a span.

    Args:
        inputs: all that is known of them but the readings.
        rows: the readings of all their series.
        series: those series (frames.SERIES), `active` where they enter KPIs; the others are only digested.
        windows: production days per asset.
    """

    inputs: Inputs
    rows: Rows
    series: pl.DataFrame
    windows: Mapping[str, Sequence[DayWindow]]


@dataclass(frozen=True)
class Done:
    """A computed part, or several joined."""

    tables: Tables
    digests: pl.DataFrame  # digests.ROWS
    readings: int


def run_part(part: Part) -> Done:
    """Load, digest and compute one part."""
    return computed(part, conform(part.rows.load(), READINGS))


def run_parts(parts: Sequence[Part]) -> Iterator[Done]:
    """Run parts one after the other; each is loaded while the one before it is computed."""
    with ThreadPoolExecutor(1, "load") as thread:
        ahead = [thread.submit(part.rows.load) for part in parts[:1]]
        for number, part in enumerate(parts):
            rows = conform(ahead.pop().result(), READINGS)
            ahead += [thread.submit(following.rows.load) for following in parts[number + 1 : number + 2]]
            yield computed(part, rows)


def computed(part: Part, rows: pl.DataFrame) -> Done:
    """Compute the readings of a part, in order, and digest them meanwhile: hashing needs no interpreter."""
    active = part.series.filter("active")
    with ThreadPoolExecutor(1, "digest") as thread:
        digests = thread.submit(day_digests, rows, part.series, part.windows, part.inputs.site.key)
        if len(active) < len(part.series):
            rows = rows.filter(pl.col("series_id").is_in(active["series_id"].implode()))
        tables = compute(replace(part.inputs, series=conform(active, SERIES), readings=rows))
        return Done(tables, digests.result(), len(rows))


def of_assets(whole: Inputs, assets: frozenset[str]) -> Inputs:
    """Limit inputs to some assets; the readings stay as they are."""
    known = sorted(assets)

    def only(frame: pl.DataFrame) -> pl.DataFrame:
        return frame.filter(pl.col("asset").is_in(known))

    return replace(
        whole,
        series=only(whole.series),
        events=only(whole.events),
        annotations=only(whole.annotations),
        records=only(whole.records),
        carry={asset: payload for asset, payload in whole.carry.items() if asset in assets},
        assets=assets,
    )


def buckets_of(
    assets: Iterable[str], series: pl.DataFrame, most: int, together: Iterable[tuple[str, str]] = ()
) -> dict[str, int]:
    """Put neighbouring assets with about as many series together, in at most so many buckets.

    Assets of a pair in `together` (the energy of one is spread over the time of the other), and those between them,
    come into one bucket.
    """
    of_asset = dict(series.group_by("asset").len().iter_rows())
    keys = sorted({*assets, *of_asset})
    total = max(1, sum(of_asset.values()))
    number = min(most, total)
    before = accumulate((of_asset.get(key, 0) for key in keys), initial=0)
    buckets = {key: min(number - 1, begun * number // total) for key, begun in zip(keys, before, strict=False)}
    spans = [sorted((buckets[one], buckets[other])) for one, other in together if one in buckets and other in buckets]
    for first, last in sorted(spans, reverse=True):
        buckets = {key: first if first <= bucket <= last else bucket for key, bucket in buckets.items()}
    return buckets


def grouped(counts: Sequence[int], most_rows: int) -> Iterator[tuple[int, int]]:
    """Group neighbouring buckets of so many rows each (first, last) without exceeding a number where that can be."""
    first = rows = 0
    for bucket, count in enumerate(counts):
        if rows and rows + count > most_rows:
            yield first, bucket - 1
            first, rows = bucket, 0
        rows += count
    yield first, len(counts) - 1


def joined(parts: Iterable[Done]) -> Done:
    """Join parts that came in the order of their assets' keys: the tables of the whole."""
    done = list(parts)
    tables = [each.tables for each in done]

    def stacked(frames: Iterable[pl.DataFrame], schema: pl.Schema) -> pl.DataFrame:
        return pl.concat([empty(schema), *(conform(frame, schema) for frame in frames)])

    return Done(
        Tables(
            intervals=stacked((each.intervals for each in tables), INTERVALS),
            atoms=stacked((each.atoms for each in tables), ATOMS),
            interval_series=stacked((each.interval_series for each in tables), INTERVAL_SERIES),
            windows=stacked((each.windows for each in tables), WINDOWS),
            carry=stacked((each.carry for each in tables), CARRY),
            findings=sorted((found for each in tables for found in each.findings), key=canonical_json),
            quality=stacked((each.quality for each in tables), QUALITY),
        ),
        stacked((each.digests for each in done), ROWS),
        sum(each.readings for each in done),
    )
