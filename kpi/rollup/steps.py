"""Yields of the stations of a line, one after the other: the rolled throughput yield of a window. Pure.

A station is a unit with inspections in the window; machines below an asset that rolls up `parallel` are one station.
"""

import polars as pl

from kpi.rollup import windows
from kpi.rollup.yields import rolled_throughput_yield
from model.registry import Site
from model.vocabulary import Grain

_COUNTS = ("inspected", "first_pass_good")
_MARK = "\x1f"  # between line and station
_KEYS = ("scope", "grain", "production_day", "shift", "job", "product")
_YIELDS = pl.Schema(
    {
        **dict.fromkeys(("scope", "grain"), pl.String()),
        "production_day": pl.Date(),
        **dict.fromkeys(("shift", "job", "product"), pl.String()),
        "rolled_yield": pl.Float64(),
        "yield_steps": pl.Float64(),
    }
)


def with_rolled_yields(rows: pl.DataFrame, pieces: pl.DataFrame, site: Site) -> pl.DataFrame:
    """Put rolled_yield and yield_steps beside the wide rows of lines with inspections (no hours); 0 steps elsewhere.

    Args:
        rows: wide rows of all grains wanted.
        pieces: base sums of each asset and scope that they were made of.
        site: registry snapshot; says which assets are lines and which units run side by side.
    """
    inspected = pieces.filter(pl.col("inspected") > 0).join(stations(site), on=["scope", "asset"])
    if inspected.is_empty():
        return rows.with_columns(pl.lit(None, pl.Float64).alias("rolled_yield"), pl.lit(0.0).alias("yield_steps"))
    grains = [Grain(name) for name in rows["grain"].unique().sort() if name != Grain.HOUR.value]
    marked = inspected.with_columns(pl.concat_str("scope", pl.lit(_MARK), "station").alias("scope"))
    found = pl.concat([pl.DataFrame(schema=_YIELDS), *(_yields(marked, grain) for grain in grains)])
    in_job = pl.col("grain") == Grain.JOB.value
    day = pl.when(~in_job).then("production_day").alias("_day")  # a job begins with its first piece, inspected or not
    found = found.with_columns(day).drop("production_day")
    keys = [*(name for name in _KEYS if name != "production_day"), "_day"]
    joined = rows.with_columns(day).join(found, on=keys, how="left", nulls_equal=True, maintain_order="left")
    return joined.drop("_day").with_columns(pl.col("yield_steps").fill_null(0.0))


def stations(site: Site) -> pl.DataFrame:
    """List (scope, asset, station) of everything at or below a line."""
    assets = {asset.key: asset for asset in site.assets}
    rows = []
    for key, up in assets.items():
        station = key
        while up.level != "line" and up.parent is not None:
            up = assets[up.parent]  # noqa: PLW2901 - climbs
            station = up.key if up.roll_up == "parallel" else station
        if up.level == "line":
            rows.append((up.key, key, station))
    return pl.DataFrame(rows, dict.fromkeys(("scope", "asset", "station"), pl.String()), orient="row")


def _yields(marked: pl.DataFrame, grain: Grain) -> pl.DataFrame:
    sums = windows.sums_of_grain(marked, grain, _COUNTS)
    parts = pl.col("scope").str.split_exact(_MARK, 1).struct.rename_fields(["scope", "station"])
    sums = sums.with_columns(parts.alias("_")).drop("scope").unnest("_").with_columns(grain=pl.lit(grain.value))
    each = (pl.col("first_pass_good") / pl.col("inspected")).alias("yields")
    lists = sums.sort(*_KEYS, "station").group_by(_KEYS, maintain_order=True).agg(each)
    rolled = [rolled_throughput_yield(yields) for yields in lists["yields"].to_list()]
    steps = lists["yields"].list.len().cast(pl.Float64)
    named = lists.with_columns(pl.Series("rolled_yield", rolled, pl.Float64), steps.alias("yield_steps"))
    return named.select(_YIELDS.names())
