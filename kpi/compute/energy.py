"""Energy per piece of time and mean power per demand interval, by meters of energy, intervals or power.

Between two readings energy flows evenly. Over a gap longer than the series allows it is counted, but to no time class.
"""

import polars as pl

from kpi.compute.atoms import ROWS
from kpi.compute.plan import Plan
from kpi.compute.signals import among, of_series, usable
from kpi.compute.spread import Pieces, over_time
from kpi.frames import HOUR_US, INTERVAL_SERIES, conform
from kpi.sums import ordered_sum
from model.registry import Site

FLOWS = {"active_energy": "energy", "reactive_energy": "reactive_energy"}
_SPANS = ["series_id", "a", "t0", "t1", "amount", "is_gap"]


def meters(series: pl.DataFrame) -> pl.DataFrame:
    """List the series that tell energy, `quantity` as measured: power only where the asset has no energy meter."""
    energy = series.filter(pl.col("quantity").is_in(list(FLOWS)))
    power = series.filter(pl.col("quantity") == "active_power")
    power = power.join(energy.filter(pl.col("quantity") == "active_energy"), on="a", how="anti")
    return pl.concat(
        [energy, power.with_columns(pl.lit("active_energy").alias("quantity"), pl.lit("gauge").alias("kind"))]
    )


def flow_spans(readings: pl.DataFrame, made: pl.DataFrame, metered: pl.DataFrame) -> pl.DataFrame:
    """Bring all meters to one form: `amount` (kWh, kvarh) that flowed evenly over (t0, t1).

    Args:
        readings: in order.
        made: increments of counters.
        metered: the meters.
    """
    counters = among(made, metered).filter(pl.col("kind") != "anomaly")
    counters = counters.with_columns((pl.col("kind") == "gap").alias("is_gap"))
    kinds = (counters, _deltas(readings, metered), _power(readings, metered))
    return pl.concat([each.select(_SPANS) for each in kinds]).sort("series_id", "t0")


def energy_rows(spans: pl.DataFrame, metered: pl.DataFrame, pieces: Pieces) -> pl.DataFrame:
    """Spread energy over the pieces: rows of atoms, those of a gap (which have no time class) marked `is_gap`."""
    names = metered.select("series_id", pl.col("quantity").replace_strict(FLOWS, return_dtype=pl.String), "qualifier")
    parts = []
    for is_gap in (False, True):
        shares = over_time(spans.filter(pl.col("is_gap") == is_gap), pieces).join(names, on="series_id")
        parts.append(shares.filter(pl.col("amount") != 0).select(*ROWS, pl.lit(is_gap).alias("is_gap")))
    return pl.concat(parts)


def demand(spans: pl.DataFrame, metered: pl.DataFrame, site: Site, plan: Plan) -> pl.DataFrame:
    """Give the mean power (kW) of each demand interval that begins in the days and is metered throughout."""
    active = metered.filter(pl.col("quantity") == "active_energy")
    widths = active.group_by("a").agg(pl.col("interval_us").max(), pl.len().alias("meters"))
    widths = widths.with_columns(pl.max_horizontal("interval_us", pl.lit(site.demand_interval_us)))
    slots = _slots(widths, plan.bounds)
    shares = over_time(among(spans, active).filter(~pl.col("is_gap")), Pieces.of(slots))
    covered = shares.group_by("p").agg(pl.col("covered_us").sum())
    power = ordered_sum(shares, ["p"], "amount").join(covered, on="p", maintain_order="left")
    at = pl.concat([power, slots[power["p"]]], how="horizontal")
    whole = at.filter(pl.col("covered_us") >= pl.col("interval_us") * pl.col("meters"))
    named = whole.join(plan.assets, on="a", maintain_order="left").sort("a", "from_us")
    named = named.join_asof(plan.days, left_on="from_us", right_on="ts", by="a", check_sortedness=False, coalesce=False)
    value = (pl.col("amount") * (HOUR_US / pl.col("interval_us"))).alias("value")
    return conform(named.with_columns(value, pl.lit("active_power").alias("quantity")), INTERVAL_SERIES)


def _slots(widths: pl.DataFrame, bounds: pl.DataFrame) -> pl.DataFrame:
    width = pl.col("interval_us")
    first = (pl.col("lo") + width - 1) // width * width
    slots = widths.join(bounds, on="a").with_columns(pl.int_ranges(first, "hi", width).alias("from_us"))
    return (
        slots.explode("from_us")
        .drop_nulls("from_us")
        .with_columns((pl.col("from_us") + width).alias("to_us"))
        .select("a", "from_us", "to_us", "interval_us", "meters")
        .sort("a", "from_us")
    )


def _deltas(readings: pl.DataFrame, metered: pl.DataFrame) -> pl.DataFrame:
    wanted = metered.filter(pl.col("kind") == "delta", pl.col("interval_us") > 0)
    rows = of_series(readings, wanted, ["a", "interval_us", "interval_label"]).filter(usable())
    length = pl.col("interval_us")
    begin = pl.when(pl.col("interval_label") == "start").then(pl.col("ts")).otherwise(pl.col("ts") - length)
    spans = rows.with_columns(begin.alias("t0"), pl.col("value").alias("amount"), pl.lit(value=False).alias("is_gap"))
    return spans.with_columns((pl.col("t0") + length).alias("t1"))


def _power(readings: pl.DataFrame, metered: pl.DataFrame) -> pl.DataFrame:
    """Integrate power (kW), each value held until the next reading or for `max_gap_us`."""
    rows = of_series(readings, metered.filter(pl.col("kind") == "gauge"), ["a", "max_gap_us"])
    following = pl.when(pl.col("series_id") == pl.col("series_id").shift(-1)).then(pl.col("ts").shift(-1))
    held = pl.min_horizontal(following.fill_null(_FAR), pl.col("ts") + pl.col("max_gap_us"))
    rows = rows.with_columns(held.alias("t1"), pl.col("ts").alias("t0")).filter(usable())
    kwh = pl.col("value") * ((pl.col("t1") - pl.col("t0")) / HOUR_US)
    return rows.with_columns(kwh.alias("amount"), pl.lit(value=False).alias("is_gap"))


_FAR = 2**52  # µs: the year 2112, further than any day computed
