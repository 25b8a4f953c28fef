"""Cumulative counters to increments: each reading counts what happened since the usable one before it, (t0, t1].

The rule of the series says what a fall means. Impossible rises and jumps over a gap are told apart from what was made.
"""

from collections.abc import Mapping
from typing import Any

import polars as pl

from kpi.compute.signals import of_series, usable

_COLUMNS = ["a", "max_gap_us", "counter_rule", "counter_modulus", "max_rate_per_s"]
KIND = pl.Enum(["counted", "gap", "anomaly"])
_BASES = pl.Schema({"series_id": pl.Int32, "ts": pl.Int64, "value": pl.Float64, "from_carry": pl.Boolean})


def bases(carry: Mapping[str, Mapping[str, Any]], series: pl.DataFrame) -> pl.DataFrame:
    """Take each counter's last valid value before the days from the carry of its asset."""
    rows = [
        (series_id, *carry[asset]["counters"][name], True)
        for series_id, asset, name in series.select("series_id", "asset", "name").iter_rows()
        if name in carry.get(asset, {}).get("counters", {})
    ]
    return pl.DataFrame(rows, _BASES, orient="row")


def counted(readings: pl.DataFrame, series: pl.DataFrame, start: pl.DataFrame, base: pl.DataFrame) -> pl.DataFrame:
    """Reduce readings of counters to the valid ones, from the last at or before the start (a, lo) on.

    A zero after something was counted is not valid where the rule is `false_zero`, nor is a rise that the next reading
    takes back and that is faster than the series allows.
    """
    rows = of_series(readings, series, _COLUMNS).filter(usable()).drop("quality")
    if base.height:
        # a spike after the last valid value is no value to begin with, but tells that the reading after it is none
        since = base.select("series_id", pl.col("ts").alias("_base"))
        rows = rows.join(start.select("a", "lo"), on="a", maintain_order="left")
        rows = rows.join(since, on="series_id", how="left", maintain_order="left")
        begin = pl.when(pl.col("max_rate_per_s").is_null()).then("lo").otherwise("_base")
        rows = rows.filter(pl.col("_base").is_null() | (pl.col("ts") > begin)).drop("_base")
        first = base.join(series.select("series_id", *_COLUMNS), on="series_id").join(start.select("a", "lo"), on="a")
        rows = pl.concat([rows, first.select(rows.columns)]).sort("series_id", "ts")
    return _without_spikes(_without_false_zeros(rows))


def increments(valid: pl.DataFrame) -> pl.DataFrame:
    """Turn valid counter readings into increments.

    Returns:
        (series_id, a, t0, t1, amount, kind counted|gap|anomaly, fell), sorted; `fell` marks a reset or rollover.
    """
    fell = pl.col("value") < pl.col("_before")
    wrapped = pl.when(pl.col("counter_rule") == "rollover").then(
        pl.col("value") - pl.col("_before") + pl.col("counter_modulus")
    )
    fresh = pl.when(wrapped >= 0).then(wrapped).otherwise(pl.col("value"))  # beyond its modulus it can only be a reset
    rows = valid.with_columns(_previous("value").alias("_before"), _previous("ts").alias("t0")).drop_nulls("_before")
    rows = rows.with_columns(
        pl.when(fell).then(fresh).otherwise(pl.col("value") - pl.col("_before")).alias("amount"), fell.alias("fell")
    )
    odd = (
        pl.when(pl.col("amount") * 1e6 > pl.col("max_rate_per_s") * (pl.col("ts") - pl.col("t0")))
        .then(pl.lit("anomaly"))
        .when(pl.col("ts") - pl.col("t0") > pl.col("max_gap_us"))
        .then(pl.lit("gap"))
        .otherwise(pl.lit("counted"))
        .cast(KIND)
    )
    columns = ("series_id", "a", "t0", pl.col("ts").alias("t1"), "amount", odd.alias("kind"), "fell")
    return rows.select(columns)


def last_values(valid: pl.DataFrame, series: pl.DataFrame, ends: pl.DataFrame) -> pl.DataFrame:
    """Give each counter's last valid reading at the end of each production day (a, production_day, day_end)."""
    wanted = series.select("series_id", "a", "name").join(ends, on="a").sort("series_id", "day_end")
    found = wanted.join_asof(
        valid.select("series_id", "ts", "value"),
        left_on="day_end",
        right_on="ts",
        by="series_id",
        coalesce=False,
        check_sortedness=False,
    )
    return found.drop_nulls("ts").sort("asset", "production_day", "name")


def _previous(column: str) -> pl.Expr:
    return pl.when(pl.col("series_id") == pl.col("series_id").shift()).then(pl.col(column).shift())


def _without_false_zeros(rows: pl.DataFrame) -> pl.DataFrame:
    zeroing = pl.col("counter_rule") == "false_zero"
    if not rows.select(zeroing.any()).item():
        return rows
    counting = pl.when(pl.col("value") != 0).then(pl.col("value")).forward_fill().over("series_id")
    return rows.filter(~(zeroing & (pl.col("value") == 0) & counting.is_not_null()))


def _without_spikes(rows: pl.DataFrame) -> pl.DataFrame:
    if rows["max_rate_per_s"].null_count() == rows.height:
        return rows
    before, after = _previous("value"), pl.col("value").shift(-1)
    same = pl.col("series_id") == pl.col("series_id").shift(-1)
    steep = (pl.col("value") - before) * 1e6 > pl.col("max_rate_per_s") * (pl.col("ts") - _previous("ts"))
    spike = steep & same & (after < pl.col("value")) & (after >= before)
    return rows.filter(~spike.fill_null(value=False))
