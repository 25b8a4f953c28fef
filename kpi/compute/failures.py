"""Failures: stretches of fault, which closed time and planned stops inside do not end, and the work between them.

A failure belongs whole to the piece in which it closes, the operating time before it to the piece in which it begins.
"""

from collections.abc import Mapping
from typing import Any

import polars as pl

from kpi.compute.line import RUNNING
from model.vocabulary import SubClass, TimeClass

_OUTSIDE = [TimeClass.NOT_SCHEDULED.value, TimeClass.PLANNED_DOWN.value, ""]
_CARRIED = pl.Schema({"a": pl.Int32, "open_us": pl.Int64, "open_reason": pl.String, "since_us": pl.Int64})


def follow_failures(pieces: pl.DataFrame, carry: Mapping[int, Mapping[str, Any]]) -> pl.DataFrame:
    """Follow each unit's faults through its busy time.

    Returns:
        The pieces of busy time with `p` and, per piece: is_fault, closes_us (repair time of the failure that this piece
        closes), closes_reason, between_us (work since the failure before the one that begins here), and the running
        state after the piece for the carry: open_us, open_reason (null without an open fault), since_us (work since the
        last failure, null before the first).
    """
    busy = (
        pieces.with_row_index("p")
        .with_columns(pl.col("p").cast(pl.Int64))
        .filter(~pl.col("time_class").is_in(_OUTSIDE))
    )
    length = pl.col("to_us") - pl.col("from_us")
    fault = (pl.col("time_class") == TimeClass.DELAY.value) & (pl.col("sub_class") == SubClass.FAULT.value)
    busy = busy.select(
        "a",
        "p",
        "from_us",
        "to_us",
        "production_day",
        "reason",
        fault.alias("is_fault"),
        length.alias("_us"),
        pl.col("time_class").is_in(RUNNING).alias("_runs"),
    )
    carried = _carried(carry)
    busy = busy.join(carried, on="a", how="left", maintain_order="left")
    was_fault = pl.col("is_fault").shift(1).over("a").fill_null(pl.col("open_us").is_not_null())
    busy = busy.with_columns(was_fault.alias("_was")).with_columns(
        (pl.col("is_fault") & ~pl.col("_was")).alias("_begins"), (~pl.col("is_fault") & pl.col("_was")).alias("_closes")
    )
    number = pl.col("_begins").cum_sum().over("a")
    busy = busy.with_columns(
        number.alias("_failure"), (pl.col("_us") * pl.col("_runs")).cum_sum().over("a").alias("_worked")
    )
    return _measured(busy)


def _measured(busy: pl.DataFrame) -> pl.DataFrame:
    own = (pl.col("_us") * pl.col("is_fault")).cum_sum().over("a", "_failure")
    so_far = own + pl.when(pl.col("_failure") == 0).then(pl.col("open_us").fill_null(0)).otherwise(0)
    reason = pl.when("is_fault").then("reason").forward_fill().over("a", "_failure")
    reason = pl.coalesce(reason, pl.when(pl.col("_failure") == 0).then("open_reason"), pl.lit(""))
    begun = pl.when("_begins").then("_worked").forward_fill().over("a")  # work until the last failure began
    busy = busy.with_columns(so_far.alias("_so_far"), reason.alias("_why"), begun.alias("_begun"))
    earlier = pl.when("_begins").then(pl.col("_begun").shift(1).over("a"))
    first = pl.col("_worked") + pl.col("since_us")
    return busy.select(
        "a", "p", "from_us", "to_us", "production_day", "is_fault",
        pl.when("_closes").then("_so_far").alias("closes_us"),
        pl.when("_closes").then("_why").alias("closes_reason"),
        pl.when("_begins").then(pl.coalesce(pl.col("_worked") - earlier, first)).alias("between_us"),
        pl.when("is_fault").then("_so_far").alias("open_us"),
        pl.when("is_fault").then("_why").alias("open_reason"),
        pl.coalesce(pl.col("_worked") - pl.col("_begun"), first).alias("since_us"),
    )  # fmt: skip


def failure_layer(busy: pl.DataFrame, carry: Mapping[int, Mapping[str, Any]], bounds: pl.DataFrame) -> pl.DataFrame:
    """Give the running state as a layer (a, ts, open_us, open_reason, since_us), from what was carried in on."""
    before = _carried(carry).join(bounds, on="a").rename({"lo": "ts"})
    after = busy.rename({"to_us": "ts"})
    names = ["a", "ts", "open_us", "open_reason", "since_us"]
    return pl.concat([before.select(names), after.select(names)]).sort("a", "ts")


def duration_rows(busy: pl.DataFrame) -> pl.DataFrame:
    """Give repair times and times between failures as rows (p, quantity, qualifier, duration_us, reason, classes)."""
    repair = busy.drop_nulls("closes_us").select(
        "p", pl.col("closes_us").alias("duration_us"), pl.col("closes_reason").alias("reason")
    )
    between = busy.drop_nulls("between_us").select(
        "p", pl.col("between_us").alias("duration_us"), pl.lit("").alias("reason")
    )
    return pl.concat([_as_fault(repair, "repair_time"), _as_fault(between, "time_between_failures")])


def count_rows(busy: pl.DataFrame) -> pl.DataFrame:
    """Count failures that closed and stretches between failures, as rows (p, quantity, qualifier, amount, reason, ...).

    MTBF divides by the closed stretches: the first failure ever seen has none before it.
    """
    one = pl.lit(1.0).alias("amount")
    closed = busy.drop_nulls("closes_us").select("p", one, pl.col("closes_reason").alias("reason"))
    between = busy.drop_nulls("between_us").select("p", one, pl.lit("").alias("reason"))
    return pl.concat([_as_fault(closed, "failures"), _as_fault(between, "between_failures")])


def _as_fault(rows: pl.DataFrame, quantity: str) -> pl.DataFrame:
    return rows.with_columns(
        pl.lit(quantity).alias("quantity"),
        pl.lit("").alias("qualifier"),
        pl.lit(TimeClass.DELAY.value).alias("time_class"),
        pl.lit(SubClass.FAULT.value).alias("sub_class"),
    )


def _carried(carry: Mapping[int, Mapping[str, Any]]) -> pl.DataFrame:
    rows = [
        (a, each.get("open_us"), each.get("open_reason"), each.get("since_us"))
        for a, payload in carry.items()
        if (each := payload.get("failure")) is not None
    ]
    return pl.DataFrame(rows, _CARRIED, orient="row")
