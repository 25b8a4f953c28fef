"""Demand of a scope: the interval series of its meters are summed first, then the peak of each window is taken.

Means of longer intervals are even over the shorter ones that they hold. Meters whose production days begin at different
times meet in weeks and months; a day has of each meter the intervals of the meter's own day.
"""

from collections.abc import Iterable

import polars as pl

from kpi.frames import HOUR_US
from kpi.hours import hour_of
from kpi.rollup.base import grouped
from model.vocabulary import Grain

QUANTITY = "active_power"
_KEYS = ("scope", "grain", "production_day", "shift", "window_hour_us")
_day = pl.col("production_day")


def demand_of_windows(
    series: Iterable[tuple[pl.DataFrame, pl.DataFrame]], shifts: pl.DataFrame, zone: str, width_us: int
) -> pl.DataFrame:
    """Reduce interval series to peak (kW) and metered hours per scope and window.

    Args:
        series: interval series (frames.INTERVAL_SERIES), each with what contributes to which scope (scopes.SOURCES).
        shifts: of the scopes.
        zone: of the hours.
        width_us: of the site's demand interval.

    Returns:
        Columns scope, grain, production_day, shift, window_hour_us (0 unless grain is hour), peak_kw, demand_kwh and
        demand_hours (of the same intervals: energy over a gap is in neither), demand_partial (some meter of the scope
        was silent in some interval), base_load_kwh and base_load_hours (of intervals wholly outside the shifts in
        which no meter was silent).
    """
    given = [(_in_short(each, width_us), sources) for each, sources in series]
    summed, weekly, monthly = (
        _base_load(pl.concat([_summed(each, sources, day) for each, sources in given]), shifts)
        for day in (_day, _day.dt.truncate("1w"), _day.dt.truncate("1mo"))
    )
    hourly = hour_of(pl.col("from_us"), zone).alias("window_hour_us")
    none = pl.lit(0, pl.Int64).alias("window_hour_us")
    shift = pl.lit("").alias("shift")
    return pl.concat(
        [
            _reduced(summed.with_columns(hourly, shift), Grain.HOUR),
            _reduced(_in_shifts(summed, shifts).with_columns(none), Grain.SHIFT),
            _reduced(summed.with_columns(none, shift), Grain.DAY),
            _reduced(weekly.with_columns(none, shift), Grain.WEEK),
            _reduced(monthly.with_columns(none, shift), Grain.MONTH),
        ]
    )


def _in_short(series: pl.DataFrame, width_us: int) -> pl.DataFrame:
    """Cut longer intervals into those of the site, so that they meet those of other meters; odd widths stay."""
    longer = (pl.col("interval_us") > width_us) & (pl.col("interval_us") % width_us == 0)
    wide = series.filter(longer)
    if wide.is_empty():
        return series
    begins = pl.int_ranges(pl.col("from_us"), pl.col("from_us") + pl.col("interval_us"), width_us)
    short = wide.with_columns(begins.alias("from_us")).explode("from_us")
    short = short.with_columns(pl.lit(width_us, pl.Int64).alias("interval_us"))
    return pl.concat([series.filter(~longer), short.select(series.columns)])


def _summed(series: pl.DataFrame, sources: pl.DataFrame, period: pl.Expr) -> pl.DataFrame:
    meters = sources.filter("of_energy").with_columns(pl.len().over("scope").alias("meters"))
    rows = (
        series.filter(pl.col("quantity") == QUANTITY)
        .join(meters, on="asset")
        .with_columns(pl.col("value") * pl.col("energy_share"), period, kept=pl.lit(1, pl.Int64))
        .select("scope", "meters", "production_day", "from_us", "interval_us", "asset", "value", "kept")
        .sort("scope", "from_us", "production_day", "interval_us", "asset")
    )
    return grouped(rows, ("scope", "meters", "production_day", "from_us", "interval_us"), ("value", "kept"))


def _base_load(summed: pl.DataFrame, shifts: pl.DataFrame) -> pl.DataFrame:
    """Reckon the energy of the intervals that no shift of the scope touches; a scope without shifts has none."""
    worked = shifts.sort("scope", "window_start").select(
        "scope", "window_start", until=pl.col("window_end").cum_max().over("scope")
    )
    last_us = (pl.col("from_us") + pl.col("interval_us") - 1).alias("last_us")
    found = (
        summed.with_columns(last_us)
        .sort("scope", "last_us")
        .join_asof(
            worked, left_on="last_us", right_on="window_start", by="scope", check_sortedness=False, coalesce=False
        )
    )
    has_shifts = pl.col("scope").is_in(shifts["scope"].unique().implode())
    untouched = pl.col("until").is_null() | (pl.col("until") <= pl.col("from_us"))
    quiet = has_shifts & untouched & (pl.col("kept") == pl.col("meters"))
    hours = pl.col("interval_us") / HOUR_US
    return found.with_columns(
        (pl.col("value") * hours).alias("demand_kwh"),
        pl.when(quiet).then(pl.col("value") * hours).otherwise(0.0).alias("base_load_kwh"),
        pl.when(quiet).then(pl.col("interval_us")).otherwise(0).alias("base_load_us"),
    ).drop("last_us", "window_start", "until")


def _in_shifts(summed: pl.DataFrame, shifts: pl.DataFrame) -> pl.DataFrame:
    return summed.join(shifts, on=["scope", "production_day"]).filter(
        pl.col("from_us") >= pl.col("window_start"), pl.col("from_us") < pl.col("window_end")
    )


def _reduced(rows: pl.DataFrame, grain: Grain) -> pl.DataFrame:
    """Peak and hours: both independent of the order of rows, since hours are counted in µs."""
    return (
        rows.with_columns(grain=pl.lit(grain.value))
        .group_by(_KEYS)
        .agg(
            pl.col("value").max().alias("peak_kw"),
            pl.col("demand_kwh").sort_by("from_us").sum(),
            (pl.col("interval_us").sum() / HOUR_US).alias("demand_hours"),
            (pl.col("kept") < pl.col("meters")).any().alias("demand_partial"),
            pl.col("base_load_kwh").sort_by("from_us").sum(),
            (pl.col("base_load_us").sum() / HOUR_US).alias("base_load_hours"),
        )
    )
