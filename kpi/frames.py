"""Column names and types of everything that goes into the KPI computation and comes out of it.

In: a registry snapshot and the rows of contiguous production days (`Inputs`). Out: intervals, atoms, demand series,
windows, carry and findings (`Tables`). Times are int64 µs UTC, durations int64 µs, amounts in the unit of the quantity.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import polars as pl

from model.registry import Site

HOUR_US = 3_600_000_000
SERIES = pl.Schema(
    {
        "series_id": pl.Int32,
        "asset": pl.String,
        "name": pl.String,
        "quantity": pl.String,
        "qualifier": pl.String,
        "unit": pl.String,
        "kind": pl.String,
        "expected_period_us": pl.Int64,
        "max_gap_us": pl.Int64,
        "counter_rule": pl.String,
        "counter_modulus": pl.Float64,
        "max_rate_per_s": pl.Float64,
        "interval_us": pl.Int64,
        "interval_label": pl.String,
    }
)
READINGS = pl.Schema({"series_id": pl.Int32, "ts": pl.Int64, "value": pl.Float64, "quality": pl.Int16})
SYMBOLS = pl.Schema({"symbol_id": pl.Int64, "text": pl.String})
EVENTS = pl.Schema(
    {
        "asset": pl.String,
        "ts": pl.Int64,
        "kind": pl.String,
        "key": pl.String,
        "from_us": pl.Int64,
        "to_us": pl.Int64,
        "payload": pl.String,  # JSON
    }
)
ANNOTATIONS = pl.Schema(
    {
        "annotation_id": pl.Int64,
        "asset": pl.String,
        "from_us": pl.Int64,
        "to_us": pl.Int64,
        "reason": pl.String,
        "product": pl.String,
        "created_us": pl.Int64,
    }
)
RECORDS = pl.Schema(
    {
        "asset": pl.String,
        "kind": pl.String,
        "key": pl.String,
        "from_us": pl.Int64,
        "to_us": pl.Int64,  # null = still open
        "payload": pl.String,  # JSON
    }
)

INTERVALS = pl.Schema(
    {
        "asset": pl.String,
        "production_day": pl.Date,
        "from_us": pl.Int64,
        "to_us": pl.Int64,
        "time_class": pl.String,
        "sub_class": pl.String,
        "reason": pl.String,
        "state": pl.String,
        "shift": pl.String,
        "origin": pl.String,
        "original_class": pl.String,  # what an annotation replaced; null where there is none
        "original_sub_class": pl.String,
        "original_reason": pl.String,
    }
)
ATOMS = pl.Schema(
    {
        "asset": pl.String,
        "production_day": pl.Date,
        "hour_us": pl.Int64,
        "shift": pl.String,
        "job": pl.String,
        "product": pl.String,
        "tariff_period": pl.String,
        "quantity": pl.String,
        "qualifier": pl.String,
        "time_class": pl.String,
        "sub_class": pl.String,
        "reason": pl.String,
        "origin": pl.String,
        "duration_us": pl.Int64,  # null where amount is set
        "amount": pl.Float64,  # null where duration_us is set
    }
)
INTERVAL_SERIES = pl.Schema(
    {
        "asset": pl.String,
        "quantity": pl.String,
        "production_day": pl.Date,
        "from_us": pl.Int64,
        "interval_us": pl.Int64,
        "value": pl.Float64,
    }
)
WINDOWS = pl.Schema(
    {"asset": pl.String, "production_day": pl.Date, "shift": pl.String, "from_us": pl.Int64, "to_us": pl.Int64}
)
QUALITY = pl.Schema(
    {
        "series_id": pl.Int32,
        "asset": pl.String,
        "name": pl.String,
        "production_day": pl.Date,
        "from_us": pl.Int64,
        "to_us": pl.Int64,  # end of the day, or now
        "rows": pl.Int64,
        "received": pl.Int64,  # of the rows, those with a usable value
        "expected": pl.Int64,  # 0 = the series is not periodic
        "gaps": pl.Int64,  # that begin in the day
        "gap_us": pl.Int64,
        "longest_gap_us": pl.Int64,
        "flat_spans": pl.Int64,
        "flat_us": pl.Int64,
        "longest_flat_us": pl.Int64,
        "out_of_range": pl.Int64,
        "resets": pl.Int64,
        "last_us": pl.Int64,  # null = no usable value in the day
    }
)
CARRY = pl.Schema({"asset": pl.String, "production_day": pl.Date, "payload": pl.String, "digest": pl.String})


@dataclass(frozen=True)
class Inputs:
    """What one computation is given; `until_us` ends an open day early, null computes the days to their end.

    `assets` limits the computation to some of the site's assets. No asset's tables depend on another asset: what
    assets have in common is built from their atoms afterwards. So a site is computed part by part (kpi.running.parts).
    """

    site: Site
    days: tuple[date, ...]
    series: pl.DataFrame
    readings: pl.DataFrame
    symbols: pl.DataFrame
    events: pl.DataFrame
    annotations: pl.DataFrame
    carry: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    until_us: int | None = None
    records: pl.DataFrame = field(default_factory=lambda: empty(RECORDS))
    assets: frozenset[str] | None = None


@dataclass(frozen=True)
class Tables:
    """What one computation gives back, every frame sorted, so that equal inputs give equal bytes."""

    intervals: pl.DataFrame
    atoms: pl.DataFrame
    interval_series: pl.DataFrame
    windows: pl.DataFrame
    carry: pl.DataFrame
    findings: list[dict[str, Any]]
    quality: pl.DataFrame = field(default_factory=lambda: empty(QUALITY))


def empty(schema: pl.Schema) -> pl.DataFrame:
    """Make a frame without rows."""
    return pl.DataFrame(schema=schema)


def conform(frame: pl.DataFrame, schema: pl.Schema) -> pl.DataFrame:
    """Order and cast the columns of a frame to a schema; other columns are dropped, a missing one is an error."""
    return frame.select(pl.col(name).cast(dtype) for name, dtype in schema.items())
