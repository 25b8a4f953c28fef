"""Rows of single quantities to atoms: summed per hour, shift, job, product, tariff period and class."""

import polars as pl

from kpi.compute.pieces import KEYS
from kpi.frames import ATOMS, conform
from kpi.sums import ordered_sum

ROWS = pl.Schema({"p": pl.Int64, "quantity": pl.String, "qualifier": pl.String, "amount": pl.Float64})
_ATOM_KEYS = [name for name in ATOMS if name not in ("duration_us", "amount")]


def keyed(rows: pl.DataFrame, pieces: pl.DataFrame) -> pl.DataFrame:
    """Put the keys of each row's piece `p` beside it; columns that the row has itself win."""
    keys = [name for name in KEYS if name not in rows.columns]
    return pl.concat([rows.drop("p"), pieces.select(keys)[rows["p"]]], how="horizontal")


def time_rows(pieces: pl.DataFrame) -> pl.DataFrame:
    """Give the duration of every piece of a unit with a time model."""
    rows = pieces.filter(pl.col("time_class") != "")
    return rows.select(
        *KEYS,
        pl.lit("time").alias("quantity"),
        pl.lit("").alias("qualifier"),
        (pl.col("to_us") - pl.col("from_us")).alias("duration_us"),
    )


def assemble(durations: list[pl.DataFrame], amounts: list[pl.DataFrame]) -> pl.DataFrame:
    """Sum keyed rows to atoms, sorted by their keys; amounts in an order that depends on the values only."""
    timed = pl.concat([each.select(*_ATOM_KEYS, "duration_us") for each in durations])
    timed = (
        timed.group_by(_ATOM_KEYS)
        .agg(pl.col("duration_us").sum())
        .with_columns(pl.lit(None, pl.Float64).alias("amount"))
    )
    counted = ordered_sum(pl.concat([each.select(*_ATOM_KEYS, "amount") for each in amounts]), _ATOM_KEYS, "amount")
    counted = counted.with_columns(pl.lit(None, pl.Int64).alias("duration_us"))
    return pl.concat([conform(timed, ATOMS), conform(counted, ATOMS)]).sort(_ATOM_KEYS)
