"""Digests of what a day was computed from: the rows of each series, and everything together. Pure."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from model.calendar import DayWindow
from model.canonical import digest, rows_sha256

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
    ids = readings["series_id"].to_numpy()
    ts, value = readings["ts"].to_numpy(), readings["value"].fill_null(np.nan).to_numpy()
    quality = readings["quality"].to_numpy()
    found = []
    for series_id, asset, name, active in series.select("series_id", "asset", "name", "active").iter_rows():
        low, high = np.searchsorted(ids, series_id, "left"), np.searchsorted(ids, series_id, "right")
        key = "/".join(part for part in (site_key, asset, name) if part)
        for window in windows.get(asset, ()):
            begin = low + np.searchsorted(ts[low:high], window.from_us)
            end = low + np.searchsorted(ts[low:high], window.to_us)
            if end > begin:
                sha = rows_sha256(ts[begin:end], value[begin:end], quality[begin:end])
                bounds = (window.from_us, window.to_us, int(end - begin))
                found.append((series_id, window.day, key, *bounds, rf"\x{sha.hex()}", active))
    return pl.DataFrame(found, schema=ROWS, orient="row")


def inputs_digest(day: date, rows: pl.DataFrame, context: Mapping[str, Any]) -> str:
    """Digest all inputs of a production day: rows of the active series, events, corrections and carry."""
    series = rows.filter(pl.col("production_day") == day, pl.col("active")).sort("series_key")
    return digest({"series": dict(series.select("series_key", "sha256").iter_rows()), **context})
