"""The pieces of time: hour, shift, job, product, tariff period and time class intersected, the calendar on top."""

from dataclasses import dataclass

import polars as pl

from kpi.compute.layers import attach, cut, run_id
from kpi.compute.line import ORIGINAL
from kpi.compute.plan import Plan
from kpi.frames import INTERVALS, conform
from kpi.hours import hour_of, hour_starts
from model.vocabulary import Origin, TimeClass

KEYS = [
    "asset", "production_day", "hour_us", "shift", "job", "product", "tariff_period",
    "time_class", "sub_class", "reason", "origin",
]  # fmt: skip
_NOT_SCHEDULED, _PLANNED = TimeClass.NOT_SCHEDULED.value, TimeClass.PLANNED_DOWN.value


def hours(bounds: pl.DataFrame, zone: str) -> pl.DataFrame:
    """List the begins of hours of the site's clock inside each asset's bounds (a, ts)."""
    lists = [each.alias("ts") for each in hour_starts(zone, "lo", "hi")]
    return pl.concat([bounds.select("a", each).explode("ts").drop_nulls() for each in lists])


@dataclass(frozen=True)
class Layers:
    """Everything that cuts time and stands beside it."""

    plan: Plan
    bounds: pl.DataFrame  # a, lo, hi
    line: pl.DataFrame  # kpi.compute.line.signal_line, from the first day on
    orders: pl.DataFrame  # a, ts, job, product
    runs: pl.DataFrame  # a, ts, run, run_product, run_job
    products: pl.DataFrame  # a, ts, product by annotation
    eras: pl.DataFrame  # a, ts, era_us
    zone: str = "UTC"  # of the hours


def make_pieces(given: Layers) -> pl.DataFrame:
    """Cut the days (bounds) into pieces and say everything that holds in each.

    Returns:
        (a, asset, from_us, to_us, production_day, hour_us, shift, job, product, tariff_period, time_class, sub_class,
        reason, state, origin, original_class, original_sub_class, original_reason, run, era_us, is_open), sorted;
        time_class '' where a unit has no time model.
    """
    plan, bounds = given.plan, given.bounds
    signal = given.line.select(
        "a", pl.col("from_us").alias("ts"), "time_class", "sub_class", "reason", "state", "origin", *ORIGINAL
    )
    corrected = given.products.rename({"product": "note_product"})
    layers = [plan.days, plan.shifts, plan.stops, plan.tariffs, signal, given.orders, given.runs, corrected, given.eras]
    pieces = cut([hours(bounds, given.zone), *layers], bounds)
    for layer in layers:
        pieces = attach(pieces, layer)
    pieces = pieces.join(plan.assets, on="a", maintain_order="left")
    return (
        _planned(pieces)
        .with_columns(
            hour_of(pl.col("from_us"), given.zone).alias("hour_us"),
            pl.col("shift").fill_null(""),
            pl.coalesce(pl.col("run_job").replace("", None), "job", pl.lit("")).alias("job"),
            pl.coalesce("note_product", pl.col("run_product").replace("", None), "product", pl.lit("")).alias(
                "product"
            ),
            pl.col("tariff_period").fill_null(""),
            pl.col("era_us").fill_null(0),
        )
        .drop("run_job", "run_product", "note_product", "planned")
    )


def intervals(pieces: pl.DataFrame) -> pl.DataFrame:
    """Join neighbouring pieces of the same day, shift and class to intervals, as kpi.frames.INTERVALS."""
    same = ["asset", "production_day", "time_class", "sub_class", "reason", "state", "shift", "origin", *ORIGINAL]
    modelled = pieces.filter(pl.col("time_class") != "")
    joined = (
        modelled.with_columns(run_id(*same).alias("_run"))
        .group_by("_run", maintain_order=True)
        .agg(*(pl.col(name).first() for name in same), pl.col("from_us").first(), pl.col("to_us").last())
    )
    return conform(joined, INTERVALS)


def _planned(pieces: pl.DataFrame) -> pl.DataFrame:
    modelled, off = pl.col("time_class").is_not_null(), pl.col("shift").is_null()
    planned = pl.col("planned").is_not_null()
    calendar = modelled & (off | planned)
    return pieces.with_columns(
        pl.when(modelled & off)
        .then(pl.lit(_NOT_SCHEDULED))
        .when(modelled & planned)
        .then(pl.lit(_PLANNED))
        .otherwise("time_class")
        .fill_null("")
        .alias("time_class"),
        pl.when(calendar).then(pl.lit("")).otherwise("sub_class").fill_null("").alias("sub_class"),
        pl.when(modelled & off)
        .then(pl.lit(""))
        .when(calendar)
        .then("planned")
        .otherwise("reason")
        .fill_null("")
        .alias("reason"),
        pl.when(calendar)
        .then(pl.lit(Origin.CALENDAR.value))
        .otherwise("origin")
        .fill_null(Origin.NONE.value)
        .alias("origin"),
        *(pl.when(~calendar).then(name).alias(name) for name in ORIGINAL),
        pl.col("state").fill_null(""),
        (~off & ~planned).alias("is_open"),
    )
