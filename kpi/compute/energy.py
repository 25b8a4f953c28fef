"""Energy per piece of time and mean power per demand interval, by meters of energy, intervals or power.

Between two readings energy flows evenly. Over a gap longer than the series allows it is counted, but to no time class.
"""

import polars as pl

from kpi.compute.atoms import ROWS
from kpi.compute.plan import Plan
from kpi.compute.signals import of_series, usable
from kpi.compute.spread import Pieces, over_time
from kpi.frames import INTERVAL_SERIES, conform
from kpi.sums import ordered_sum
from model.registry import Site

FLOWS = {"active_energy": "energy", "reactive_energy": "reactive_energy"}
HOUR_US = 3_600_000_000
_SPANS = ["series_id", "a", "quantity", "qualifier", "interval_us", "t0", "t1", "amount", "is_gap"]


def flow_spans(readings: pl.DataFrame, series: pl.DataFrame, made: pl.DataFrame) -> pl.DataFrame:
    """Bring all meters to one form: `amount` (kWh, kvarh) that flowed evenly over (t0, t1).

    Args:
        readings: in order.
        series: ranked series.
        made: increments of the counters among them.
    """
    counters = made.filter(pl.col("quantity").is_in(list(FLOWS)), pl.col("kind") != "anomaly").with_columns(
        (pl.col("kind") == "gap").alias("is_gap"), pl.lit(None, pl.Int64).alias("interval_us")
    )
    spans = pl.concat([each.select(_SPANS) for each in (counters, _deltas(readings, series), _power(readings, series))])
    return spans.sort("series_id", "t0")


def energy_rows(spans: pl.DataFrame, pieces: Pieces) -> pl.DataFrame:
    """Spread energy over the pieces: rows of atoms, and `time_class` '' beside those of a gap (null elsewhere)."""
    kinds = spans.select("series_id", "quantity", "qualifier").unique()
    parts = []
    for is_gap in (False, True):
        shares = over_time(spans.filter(pl.col("is_gap") == is_gap), pieces).join(kinds, on="series_id")
        named = shares.filter(pl.col("amount") != 0).with_columns(
            pl.col("quantity").replace_strict(FLOWS, return_dtype=pl.String)
        )
        parts.append(named.select(*ROWS, pl.lit(is_gap).alias("is_gap")))
    return pl.concat(parts)


def demand(spans: pl.DataFrame, site: Site, plan: Plan, bounds: pl.DataFrame) -> pl.DataFrame:
    """Give the mean power (kW) of each demand interval that begins in the days and is metered throughout."""
    energy = spans.filter(pl.col("quantity") == "active_energy", ~pl.col("is_gap"))
    widths = energy.group_by("a").agg(pl.col("interval_us").max(), pl.col("series_id").n_unique().alias("meters"))
    widths = widths.with_columns(pl.max_horizontal("interval_us", pl.lit(site.demand_interval_us)))
    slots = _slots(widths, bounds)
    index = Pieces.of(slots)
    shares = over_time(energy, index)
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


def _deltas(readings: pl.DataFrame, series: pl.DataFrame) -> pl.DataFrame:
    wanted = series.filter(pl.col("kind") == "delta", pl.col("quantity").is_in(list(FLOWS)), pl.col("interval_us") > 0)
    rows = of_series(readings, wanted, ["a", "quantity", "qualifier", "interval_us", "interval_label"]).filter(usable())
    begin = (
        pl.when(pl.col("interval_label") == "start").then(pl.col("ts")).otherwise(pl.col("ts") - pl.col("interval_us"))
    )
    return rows.with_columns(
        begin.alias("t0"), pl.col("value").alias("amount"), pl.lit(value=False).alias("is_gap")
    ).with_columns((pl.col("t0") + pl.col("interval_us")).alias("t1"))


def _power(readings: pl.DataFrame, series: pl.DataFrame) -> pl.DataFrame:
    """Integrate power (kW), each value held until the next, where the asset has no energy meter."""
    metered = series.filter(pl.col("quantity") == "active_energy")
    power = series.filter(pl.col("quantity") == "active_power").join(metered, on="a", how="anti")
    rows = of_series(readings, power, ["a", "qualifier", "max_gap_us"]).with_columns(
        pl.when(pl.col("series_id") == pl.col("series_id").shift(-1)).then(pl.col("ts").shift(-1)).alias("_next")
    )
    held = pl.min_horizontal(pl.col("_next").fill_null(_FAR), pl.col("ts") + pl.col("max_gap_us"))
    rows = rows.filter(usable()).with_columns(held.alias("t1"), pl.col("ts").alias("t0"))
    return rows.with_columns(
        pl.lit("active_energy").alias("quantity"),
        pl.lit(None, pl.Int64).alias("interval_us"),
        pl.lit(value=False).alias("is_gap"),
        (pl.col("value") * ((pl.col("t1") - pl.col("t0")) / HOUR_US)).alias("amount"),
    )


_FAR = 2**52  # µs: the year 2112, further than any day computed
