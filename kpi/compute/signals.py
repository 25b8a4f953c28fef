"""Readings made ready: sorted, with the asset rank, split into those that carry a value and those that do not."""

import polars as pl

from kpi.compute.plan import Plan
from kpi.frames import SERIES
from model.vocabulary import Quality

COUNTER_RULE = pl.Enum(["reset", "rollover", "false_zero"])
USABLE = (Quality.GOOD.value, Quality.UNCERTAIN.value, Quality.HISTORICAL.value)


def ranked_series(series: pl.DataFrame, plan: Plan) -> pl.DataFrame:
    """Give the series of known assets their asset's rank `a`, sorted by asset and name."""
    ranked = plan.assets.join(series.select(SERIES.names()), on="asset").sort("asset", "name")
    return ranked.with_columns(pl.col("counter_rule").cast(COUNTER_RULE))


def in_order(readings: pl.DataFrame) -> pl.DataFrame:
    """Sort readings by series and time, unless they already are."""
    same = pl.col("series_id") == pl.col("series_id").shift()
    behind = (pl.col("series_id") < pl.col("series_id").shift()) | (same & (pl.col("ts") <= pl.col("ts").shift()))
    if readings.select(behind.any()).item():
        return readings.sort("series_id", "ts", "value").unique(["series_id", "ts"], keep="first", maintain_order=True)
    return readings


def of_series(readings: pl.DataFrame, series: pl.DataFrame, columns: list[str]) -> pl.DataFrame:
    """Take the readings of some series, in order, with columns of the series beside them."""
    return among(readings, series).join(series.select("series_id", *columns), on="series_id", maintain_order="left")


def among(rows: pl.DataFrame, series: pl.DataFrame) -> pl.DataFrame:
    """Keep the rows of some series."""
    return rows.filter(pl.col("series_id").is_in(series["series_id"].implode()))


def usable() -> pl.Expr:
    """Tell which readings carry a value one may reckon with."""
    return pl.col("value").is_not_null() & pl.col("value").is_not_nan() & pl.col("quality").is_in(USABLE)


def silences(readings: pl.DataFrame, series: pl.DataFrame, limits: pl.DataFrame) -> pl.DataFrame:
    """Say since when and until when units were silent for longer than their limit (a, max_silence_us).

    Returns:
        Layer (a, ts, silent); without any reading of a unit nothing is said.
    """
    ids = series.join(limits, on="a").select("series_id", "a", "max_silence_us")
    if ids.is_empty():
        return pl.DataFrame(schema={"a": pl.Int32, "ts": pl.Int64, "silent": pl.Boolean})
    heard = (
        of_series(readings, ids, ["a", "max_silence_us"]).select("a", "ts", "max_silence_us").unique().sort("a", "ts")
    )
    limit = pl.col("ts") + pl.col("max_silence_us")
    quiet = heard.with_columns(until=pl.col("ts").shift(-1).over("a")).filter(
        pl.col("until").is_null() | (pl.col("until") > limit)
    )
    begin = quiet.select("a", limit.alias("ts"), pl.lit(value=True).alias("silent"))
    end = quiet.drop_nulls("until").select("a", pl.col("until").alias("ts"), pl.lit(value=False).alias("silent"))
    return pl.concat([begin, end]).sort("a", "ts")
