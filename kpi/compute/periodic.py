"""Completeness of periodic series: how many usable readings came and how many were to be expected, per piece."""

import polars as pl

from kpi.compute.atoms import ROWS
from kpi.compute.signals import of_series, usable
from kpi.compute.spread import Pieces, at_instants


def periodic_rows(readings: pl.DataFrame, series: pl.DataFrame, pieces: pl.DataFrame, index: Pieces) -> pl.DataFrame:
    """Count `received` and `expected` readings per piece and quantity (the qualifier).

    Expected are the multiples of the period since 1970 in (from, to], so the parts of a day add up to the day.
    """
    periodic = series.filter(pl.col("expected_period_us") > 0)
    came = of_series(readings, periodic, ["a", "quantity"]).filter(usable()).rename({"ts": "t1"})
    received = at_instants(came, index).group_by("p", "quantity").agg(pl.len().cast(pl.Float64).alias("amount"))
    numbered = pieces.select("a", "from_us", "to_us").with_row_index("p")
    due = numbered.join(periodic.select("a", "quantity", "expected_period_us"), on="a")
    period = pl.col("expected_period_us")
    counted = (pl.col("to_us") // period - pl.col("from_us") // period).alias("amount")
    expected = due.select("p", "quantity", counted).group_by("p", "quantity").agg(pl.col("amount").sum())
    return pl.concat([_named(received, "received"), _named(expected.filter(pl.col("amount") > 0), "expected")])


def _named(rows: pl.DataFrame, name: str) -> pl.DataFrame:
    return rows.select(
        pl.col("p").cast(pl.Int64),
        pl.lit(name).alias("quantity"),
        pl.col("quantity").alias("qualifier"),
        pl.col("amount").cast(pl.Float64),
    ).select(ROWS.names())
