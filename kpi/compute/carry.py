"""What one production day hands to the next: open stop, open failure, counters, and whether records have begun."""

from collections.abc import Iterable
from typing import Any

import polars as pl

from kpi.frames import CARRY
from model.canonical import canonical_json, digest

_Payloads = dict[tuple[str, Any], dict[str, Any]]


def carry_frame(parts: Iterable[tuple[str, pl.DataFrame]]) -> pl.DataFrame:
    """Put the parts (name, frame of asset, production_day, ...) together to one payload per asset and day."""
    payloads: _Payloads = {}
    for name, frame in parts:
        for row in frame.iter_rows(named=True):
            asset, day = row.pop("asset"), row.pop("production_day")
            payload = payloads.setdefault((asset, day), {})
            if name == "counters":
                payload.setdefault(name, {})[row["name"]] = [row["ts"], row["value"]]
            elif name == "records":
                payload[name] = True
            else:
                payload[name] = {key: value for key, value in row.items() if value is not None}
    rows = [(*key, canonical_json(payloads[key]).decode(), digest(payloads[key])) for key in sorted(payloads)]
    return pl.DataFrame(rows, CARRY, orient="row")


def day_ends(days: pl.DataFrame, bounds: pl.DataFrame, assets: pl.DataFrame) -> pl.DataFrame:
    """Say when each computed production day of each asset ends (a, asset, production_day, day_end)."""
    ends = days.with_columns(pl.col("ts").shift(-1).over("a").alias("day_end")).join(bounds, on="a")
    ends = ends.filter(pl.col("ts") < pl.col("hi"), pl.col("day_end") > pl.col("lo"))
    ends = ends.with_columns(pl.min_horizontal("day_end", "hi").alias("day_end"))
    return ends.join(assets, on="a").select("a", "asset", "production_day", "day_end").sort("a", "production_day")


def line_ends(line: pl.DataFrame, ends: pl.DataFrame) -> pl.DataFrame:
    """Describe the end of the line on each day: its last class, and the stop that goes on."""
    last = line.join(ends, left_on=["a", "to_us"], right_on=["a", "day_end"], suffix="_end")
    return last.select(
        "asset",
        pl.col("production_day_end").alias("production_day"),
        pl.col("time_class").alias("class"),
        pl.col("plain_sub").alias("sub"),
        "reason",
        pl.col("is_stop").alias("stop"),
        "stop_reason",
        pl.when("may_be_micro").then("since_us").alias("since_us"),
        pl.when("may_be_micro").then("after_run").alias("after_run"),
    )


def failure_ends(followed: pl.DataFrame, ends: pl.DataFrame) -> pl.DataFrame:
    """Describe the open failure and the work since the last one (a, ts, open_us, ...) at the end of each day."""
    last = ends.sort("a", "day_end").join_asof(
        followed, left_on="day_end", right_on="ts", by="a", coalesce=False, check_sortedness=False
    )
    known = last.filter(pl.col("open_us").is_not_null() | pl.col("since_us").is_not_null())
    return known.select("asset", "production_day", "open_us", "open_reason", "since_us")
