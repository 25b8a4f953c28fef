"""Digests of what a day was computed from: the rows of each series, and everything together. Pure."""

from collections.abc import Mapping, Sequence
from datetime import date
from hashlib import sha256
from itertools import pairwise
from typing import Any

import numpy as np
import polars as pl

from kpi.sums import run_starts
from model.calendar import DayWindow
from model.canonical import digest, packed_rows

ROWS = pl.Schema(
    {
        "series_id": pl.Int32,
        "production_day": pl.Date,
        "series_key": pl.String,
        "from_us": pl.Int64,
        "to_us": pl.Int64,
        "rows": pl.Int64,
        "sha256": pl.String,
        "active": pl.Boolean,
    }
)


def day_digests(
    readings: pl.DataFrame, series: pl.DataFrame, windows: Mapping[str, Sequence[DayWindow]], site_key: str
) -> pl.DataFrame:
    """Digest the rows of each series within each production day of its asset.

    Args:
        readings: sorted by series and time (frames.READINGS).
        series: series_id, asset, name, active.
        windows: production days per asset.
        site_key: first part of the series keys.

    Returns:
        One row per series and day with rows; sha256 as PostgreSQL writes bytes.
    """
    ids, ts = readings["series_id"].to_numpy(), readings["ts"].to_numpy()
    value, quality = readings["value"].fill_null(np.nan).to_numpy(), readings["quality"].to_numpy()
    packed = packed_rows(ts, value, quality)
    starts = run_starts(ids)
    borders = dict(zip(ids[starts].tolist(), pairwise([*starts.tolist(), len(ids)]), strict=True))
    found = []
    for series_id, asset, name, active in series.select("series_id", "asset", "name", "active").iter_rows():
        low, high = borders.get(series_id, (0, 0))
        key = "/".join(part for part in (site_key, asset, name) if part)
        for window in windows.get(asset, ()):
            begin, end = (low + int(np.searchsorted(ts[low:high], at)) for at in (window.from_us, window.to_us))
            if end > begin:
                sha = sha256(packed[begin:end].data.cast("B"))
                bounds = (window.from_us, window.to_us, end - begin)
                found.append((series_id, window.day, key, *bounds, rf"\x{sha.hexdigest()}", active))
    return pl.DataFrame(found, schema=ROWS, orient="row")


def inputs_digest(day: date, rows: pl.DataFrame, context: Mapping[str, Any]) -> str:
    """Digest all inputs of a production day: rows of the active series, events, corrections and carry."""
    series = rows.filter(pl.col("production_day") == day, pl.col("active")).sort("series_key")
    return digest({"series": dict(series.select("series_key", "sha256").iter_rows()), **context})
