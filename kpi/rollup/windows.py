"""Windows of each grain: which base sums belong together, and from when to when the window lasts."""

from datetime import date, timedelta

import polars as pl

from kpi.frames import HOUR_US, WINDOWS
from kpi.hours import hour_end
from kpi.rollup.base import KEYS, MEASURES, grouped
from model.calendar import production_day_windows, shift_instances
from model.registry import Site
from model.vocabulary import Grain

GROUP = ("scope", "production_day", "hour_us", "shift", "job", "product")
WIDE_KEYS = ("scope", "grain", "production_day", "last_day", "shift", "job", "product", "window_start", "window_end")

_day = pl.col("production_day")
_none = pl.lit("")
_no_hour = pl.lit(0, pl.Int64)
_UNSPLIT = {"production_day": _day, "hour_us": _no_hour, "shift": _none, "job": _none, "product": _none}
# Per grain: how the keys of a piece become those of its window.
_KEY_OF: dict[Grain, dict[str, pl.Expr]] = {
    Grain.HOUR: {"hour_us": pl.col("hour_us")},
    Grain.SHIFT: {"shift": pl.col("shift")},
    Grain.DAY: {},
    Grain.WEEK: {"production_day": _day.dt.truncate("1w")},
    Grain.MONTH: {"production_day": _day.dt.truncate("1mo")},
    Grain.JOB: {"production_day": _day.min().over("scope", "job"), "job": pl.col("job")},
    Grain.PRODUCT: {"product": pl.col("product")},
}
_ONLY: dict[Grain, pl.Expr] = {
    Grain.SHIFT: pl.col("shift") != "",
    Grain.JOB: pl.col("job") != "",
    Grain.PRODUCT: pl.col("product") != "",
}


def calendar_windows(site: Site, first: date, last: date) -> pl.DataFrame:
    """List production days (shift '') and shifts of all assets from first to last day, both included."""
    until = last + timedelta(days=1)
    rows = [
        *(
            (asset.key, day.day, "", day.from_us, day.to_us)
            for asset in site.assets
            for day in production_day_windows(site, asset.key, first, until)
        ),
        *(
            (asset.key, worked.day, worked.shift, worked.from_us, worked.to_us)
            for asset in site.assets
            for worked in shift_instances(site, asset.key, first, until)
        ),
    ]
    return pl.DataFrame(rows, schema=WINDOWS, orient="row").unique().sort("asset", "production_day", "from_us", "shift")


def shifts_of_scopes(windows: pl.DataFrame, sources: pl.DataFrame) -> pl.DataFrame:
    """Give each scope the shifts of the assets that contribute to it."""
    worked = windows.filter(pl.col("shift") != "")
    return (
        worked.join(sources, on="asset")
        .group_by("scope", "production_day", "shift")
        .agg(pl.col("from_us").min().alias("window_start"), pl.col("to_us").max().alias("window_end"))
    )


def sums_of_grain(pieces: pl.DataFrame, grain: Grain, measures: tuple[str, ...] = MEASURES) -> pl.DataFrame:
    """Add the base sums of each window of a grain; `pieces` has the columns scope, KEYS and the measures."""
    if grain in _ONLY:
        pieces = pieces.filter(_ONLY[grain])
    keys = {**_UNSPLIT, **_KEY_OF[grain]}
    rows = pieces.with_columns(expression.alias(f"_{name}") for name, expression in keys.items())
    rows = rows.sort("scope", *(f"_{name}" for name in keys), *KEYS)
    rows = rows.with_columns(_day.max().over("scope", *(f"_{name}" for name in keys)).alias("last_day"))
    rows = rows.select("scope", *(pl.col(f"_{name}").alias(name) for name in keys), "last_day", *measures)
    return grouped(rows, (*GROUP, "last_day"), measures)


def bounded(sums: pl.DataFrame, grain: Grain, windows: pl.DataFrame, shifts: pl.DataFrame, site: Site) -> pl.DataFrame:
    """Put window_start, window_end (µs) and the last production day beside the sums of one grain.

    An hour is cut at the border of the production day, so that every piece of time is in one hour of one day.
    """
    first_last = sums.with_columns(_last_day(grain)).pipe(_days_bounds, windows)
    match grain:
        case Grain.HOUR:
            found = first_last.with_columns(
                pl.max_horizontal("hour_us", "day_from").alias("window_start"),
                pl.min_horizontal(hour_end(pl.col("hour_us"), site.timezone), "day_to").alias("window_end"),
            )
        case Grain.SHIFT:
            found = first_last.join(shifts, on=["scope", "production_day", "shift"], how="left")
        case Grain.JOB:
            found = first_last.join(_job_bounds(site), on="job", how="left")
        case _:
            found = first_last.with_columns(window_start=pl.col("day_from"), window_end=pl.col("day_to"))
    measures = [name for name in sums.columns if name not in (*GROUP, "last_day")]
    return _never_empty(found).with_columns(grain=pl.lit(grain.value)).select(pl.col(*WIDE_KEYS, *measures))


def _last_day(grain: Grain) -> pl.Expr:
    match grain:
        case Grain.WEEK:
            return _day.dt.offset_by("6d").alias("last_day")
        case Grain.MONTH:
            return _day.dt.month_end().alias("last_day")
        case Grain.JOB:
            return pl.col("last_day")
        case _:
            return _day.alias("last_day")


def _days_bounds(sums: pl.DataFrame, windows: pl.DataFrame) -> pl.DataFrame:
    days = windows.filter(pl.col("shift") == "")
    start = days.select(scope="asset", production_day="production_day", day_from="from_us")
    end = days.select(scope="asset", last_day="production_day", day_to="to_us")
    return sums.join(start, on=["scope", "production_day"], how="left").join(end, on=["scope", "last_day"], how="left")


def _job_bounds(site: Site) -> pl.DataFrame:
    rows = [(job.key, job.from_us, job.to_us) for job in site.jobs]
    schema = pl.Schema({"job": pl.String, "window_start": pl.Int64, "window_end": pl.Int64})
    closed = pl.col("window_end").is_not_null().all()
    return (
        pl.DataFrame(rows, schema=schema, orient="row")
        .group_by("job")
        .agg(pl.col("window_start").min(), pl.when(closed).then(pl.col("window_end").max()))
    )


def _never_empty(found: pl.DataFrame) -> pl.DataFrame:
    """Bounds that the calendar does not give are those of the hour or the days; no window is empty."""
    in_hour = pl.col("hour_us") > 0
    floor = pl.when(in_hour).then(pl.col("hour_us")).otherwise(pl.col("day_from"))
    ceiling = pl.when(in_hour).then(pl.col("hour_us") + HOUR_US).otherwise(pl.col("day_to"))
    start, end = pl.coalesce("window_start", floor), pl.coalesce("window_end", ceiling)
    return found.with_columns(
        pl.when(end > start).then(start).otherwise(floor).alias("window_start"),
        pl.when(end > start).then(end).otherwise(ceiling).alias("window_end"),
    )
