"""Completeness of periodic series: how many usable readings came and how many were to be expected, per piece."""

import numpy as np
import polars as pl

from kpi.compute.atoms import ROWS
from kpi.compute.signals import among, usable
from kpi.compute.spread import Pieces

_COUNTS = pl.Schema({"p": pl.Int64, "quantity": pl.String, "amount": pl.Int64})


def periodic_rows(readings: pl.DataFrame, series: pl.DataFrame, pieces: pl.DataFrame, index: Pieces) -> pl.DataFrame:
    """Count `received` and `expected` readings per piece and quantity (the qualifier).

    Expected are the multiples of the period since 1970 in (from, to], so the parts of a day add up to the day.
    """
    periodic = series.filter(pl.col("expected_period_us") > 0)
    came = among(readings, periodic).filter(usable()).select("series_id", "ts")
    received = _received(came, periodic, index)
    numbered = pieces.select("a", "from_us", "to_us").with_row_index("p")
    due = numbered.join(periodic.select("a", "quantity", "expected_period_us"), on="a")
    period = pl.col("expected_period_us")
    counted = (pl.col("to_us") // period - pl.col("from_us") // period).alias("amount")
    expected = due.select("p", "quantity", counted).group_by("p", "quantity").agg(pl.col("amount").sum())
    return pl.concat([_named(received, "received"), _named(expected.filter(pl.col("amount") > 0), "expected")])


def _received(came: pl.DataFrame, periodic: pl.DataFrame, index: Pieces) -> pl.DataFrame:
    """Count the readings (series_id, ts; in order) of each series between the borders of its asset's pieces."""
    ids, ts = came["series_id"].to_numpy(), came["ts"].to_numpy()
    pieces, numbers, quantities = [np.empty(0, np.int64)], [np.empty(0, np.int64)], [pl.Series(dtype=pl.String)]
    for series_id, a, quantity in periodic.select("series_id", "a", "quantity").iter_rows():
        begin, end = index.of_asset(a)
        if begin == end:
            continue
        own = ts[slice(*np.searchsorted(ids, np.array([series_id, series_id + 1], ids.dtype)))]
        borders = np.append(index.from_us[begin:end], index.to_us[end - 1])
        pieces.append(np.arange(begin, end))
        numbers.append(np.diff(np.searchsorted(own, borders, side="right")))
        quantities.append(pl.Series([quantity]).new_from_index(0, end - begin))
    columns = {"p": np.concatenate(pieces), "quantity": pl.concat(quantities), "amount": np.concatenate(numbers)}
    counts = pl.DataFrame(columns, _COUNTS).filter(pl.col("amount") > 0)
    return counts.group_by("p", "quantity").agg(pl.col("amount").sum())


def _named(rows: pl.DataFrame, name: str) -> pl.DataFrame:
    return rows.select(
        pl.col("p").cast(pl.Int64),
        pl.lit(name).alias("quantity"),
        pl.col("quantity").alias("qualifier"),
        pl.col("amount").cast(pl.Float64),
    ).select(ROWS.names())
