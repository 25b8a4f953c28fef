"""Energy per piece of time and mean power per demand interval, by meters of energy, intervals or power.

Between two readings energy flows evenly. Over a gap longer than the series allows it is counted, but to no time class.
Demand intervals are those of the site's own clock.
"""

from datetime import UTC, datetime
from functools import lru_cache
from math import gcd
from zoneinfo import ZoneInfo

import polars as pl

from kpi.compute.atoms import ROWS
from kpi.compute.plan import Plan
from kpi.compute.signals import among, of_series, usable
from kpi.compute.spread import Pieces, over_time
from kpi.frames import HOUR_US, INTERVAL_SERIES, conform
from kpi.sums import ordered_sum
from model.registry import Site

FLOWS = {"active_energy": "energy", "reactive_energy": "reactive_energy"}
_POWERS = {"active_power": "active_energy", "reactive_power": "reactive_energy"}
_QUARTER_US = 900_000_000  # every offset from UTC is a multiple of it
_SPANS = ["series_id", "a", "t0", "t1", "amount", "is_gap"]


def meters(series: pl.DataFrame) -> pl.DataFrame:
    """List the series that tell energy, `quantity` as measured: power only where the asset has no energy meter."""
    energy = series.filter(pl.col("quantity").is_in(list(FLOWS)))
    parts = [energy]
    for power, flow in _POWERS.items():
        gauges = series.filter(pl.col("quantity") == power)
        gauges = gauges.join(energy.filter(pl.col("quantity") == flow), on="a", how="anti")
        parts.append(gauges.with_columns(pl.lit(flow).alias("quantity"), pl.lit("gauge").alias("kind")))
    return pl.concat(parts)


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
    """Spread energy over the pieces: rows of atoms of the asset of the meter, whosever pieces they are; those of a gap
    (which have no time class) marked `is_gap`.
    """
    names = metered.select(
        "series_id", "asset", pl.col("quantity").replace_strict(FLOWS, return_dtype=pl.String), "qualifier"
    )
    parts = []
    for is_gap in (False, True):
        found = over_time(spans.filter(pl.col("is_gap") == is_gap), pieces).join(names, on="series_id")
        parts.append(found.filter(pl.col("amount") != 0).select(*ROWS, "asset", pl.lit(is_gap).alias("is_gap")))
    return pl.concat(parts)


def demand(spans: pl.DataFrame, metered: pl.DataFrame, site: Site, plan: Plan) -> pl.DataFrame:
    """Give the mean power (kW) of each demand interval that begins in the days and is metered throughout."""
    active = metered.filter(pl.col("quantity") == "active_energy")
    widths = active.group_by("a").agg(pl.col("interval_us").max(), pl.len().alias("meters"))
    widths = widths.with_columns(pl.max_horizontal("interval_us", pl.lit(site.demand_interval_us)))
    slots = _slots(widths, plan.bounds, site.timezone)
    shares = over_time(among(spans, active).filter(~pl.col("is_gap")), Pieces.of(slots))
    covered = shares.group_by("p").agg(pl.col("covered_us").sum())
    power = ordered_sum(shares, ["p"], "amount").join(covered, on="p", maintain_order="left")
    at = pl.concat([power, slots[power["p"]]], how="horizontal")
    whole = at.filter(pl.col("covered_us") >= pl.col("interval_us") * pl.col("meters"))
    named = whole.join(plan.assets, on="a", maintain_order="left").sort("a", "from_us")
    named = named.join_asof(plan.days, left_on="from_us", right_on="ts", by="a", check_sortedness=False, coalesce=False)
    value = (pl.col("amount") * (HOUR_US / pl.col("interval_us"))).alias("value")
    return conform(named.with_columns(value, pl.lit("active_power").alias("quantity")), INTERVAL_SERIES)


def _slots(widths: pl.DataFrame, bounds: pl.DataFrame, zone: str) -> pl.DataFrame:
    """Cut the days into intervals that begin at whole multiples of their width on the clock of the zone."""
    found = widths.join(bounds, on="a")
    starts = [
        pl.Series(_starts(lo, hi, width, ZoneInfo(zone)), dtype=pl.Int64)
        for lo, hi, width in found.select("lo", "hi", "interval_us").iter_rows()
    ]
    slots = found.with_columns(pl.Series("from_us", starts, pl.List(pl.Int64))).explode("from_us")
    return (
        slots.drop_nulls("from_us")
        .with_columns((pl.col("from_us") + pl.col("interval_us")).alias("to_us"))
        .select("a", "from_us", "to_us", "interval_us", "meters")
        .sort("a", "from_us")
    )


@lru_cache(maxsize=256)
def _starts(lo: int, hi: int, width: int, zone: ZoneInfo) -> tuple[int, ...]:
    """Instants in [lo, hi) at which the local clock shows a multiple of the width (µs)."""
    days = range(lo, hi + DAY_US, DAY_US)
    phases = {_offset_us(at, zone) % width for at in days}
    if len(phases) == 1:
        phase = phases.pop()
        return tuple(range(lo + (-(lo + phase)) % width, hi, width))
    step = gcd(width, _QUARTER_US)
    return tuple(at for at in range(-(-lo // step) * step, hi, step) if (at + _offset_us(at, zone)) % width == 0)


def _offset_us(at: int, zone: ZoneInfo) -> int:
    offset = datetime.fromtimestamp(at / 1e6, UTC).astimezone(zone).utcoffset()
    return 0 if offset is None else round(offset.total_seconds() * 1e6)


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


DAY_US = 24 * HOUR_US
_FAR = 2**52  # µs: the year 2112, further than any day computed
