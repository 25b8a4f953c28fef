"""The signal line: what each unit did by its signals, records and annotations, before the calendar has its say.

It begins one microsecond before the days (the piece that tells what came before) and runs into the look-ahead, so that
whole stops are judged: reasons, orders, annotations and micro-stops, in this order.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import polars as pl

from kpi.compute.layers import attach, cut, run_id
from kpi.compute.orders import payload_of
from kpi.compute.spread import Pieces, at_instants
from model.registry import Site
from model.vocabulary import EventKind, Origin, SubClass, TimeClass

RUNNING = [TimeClass.PRODUCTION.value, TimeClass.SETUP.value]
_DELAY = TimeClass.DELAY.value
_OWN = ("time_class", "sub_class", "reason")
ORIGINAL = ("original_class", "original_sub_class", "original_reason")  # before an annotation; null where there is none
_CARRIED = pl.Schema(
    {
        "a": pl.Int32,
        "c_class": pl.String,
        "c_sub": pl.String,
        "c_reason": pl.String,
        "c_delay": pl.Boolean,
        "c_stop_reason": pl.String,
        "c_since": pl.Int64,
        "c_after_run": pl.Boolean,
    }
)


@dataclass(frozen=True)
class Evidence:
    """Everything the line is made from."""

    site: Site
    bounds: pl.DataFrame  # a, lo, hi: lo = one µs before the days, hi = end of the look-ahead
    source: pl.DataFrame  # as kpi.compute.states.SOURCE
    silence: pl.DataFrame  # a, ts, silent
    days: pl.DataFrame
    orders: pl.DataFrame  # a, ts, job, product
    notes: pl.DataFrame  # a, ts, reason
    made: pl.DataFrame  # a, t1: instants at which something was counted
    events: pl.DataFrame  # with rank a
    settings: pl.DataFrame  # a, assume_order, micro_stop_limit_us
    carry: Mapping[int, Mapping[str, Any]]


def signal_line(given: Evidence) -> pl.DataFrame:
    """Build the line.

    Returns:
        Pieces (a, from_us, to_us, production_day, state, time_class, sub_class, reason, origin, is_before: the first
        piece of each unit, which lies before the days) and, for the carry, is_stop, stop_reason, may_be_micro,
        since_us, after_run.
    """
    line = cut([given.source, given.silence, given.days, given.orders, given.notes], given.bounds)
    for layer in (given.source, given.silence, given.days, given.orders.select("a", "ts", "job")):
        line = attach(line, layer)
    line = attach(line, given.notes.rename({"reason": "note"}))
    line = line.join(given.settings, on="a", maintain_order="left").join(
        _carried(given.carry), on="a", how="left", maintain_order="left"
    )
    first = (pl.col("a") != pl.col("a").shift()).fill_null(value=True)
    line = line.with_columns(first.alias("is_before"), (first & pl.col("c_class").is_not_null()).alias("is_carried"))
    line = _known(line).pipe(_with_parts, given.made).pipe(_with_stop_reasons, given)
    return line.pipe(_with_orders).pipe(_with_notes, given.site).pipe(_with_micro_stops)


def reasons(site: Site) -> pl.DataFrame:
    """List the site's reasons that say what they make of a stop."""
    rows = [(each.key, each.time_class, each.sub_class) for each in site.reasons]
    return pl.DataFrame(rows, {"_reason": pl.String, "_class": pl.String, "_sub": pl.String}, orient="row")


def stop_reason_events(events: pl.DataFrame) -> pl.DataFrame:
    """Read which reason each stop_reason event gives (a, ts, given)."""
    rows = events.filter(pl.col("kind") == EventKind.STOP_REASON.value).select("a", "ts", "key", "payload")
    read = [(a, ts, str(payload_of(payload).get("reason") or key or "")) for a, ts, key, payload in rows.iter_rows()]
    schema = {"a": pl.Int32, "ts": pl.Int64, "given": pl.String}
    return pl.DataFrame(read, schema, orient="row").filter(pl.col("given") != "").sort("a", "ts", "given")


def place_stop_reasons(line: pl.DataFrame, given: pl.DataFrame) -> pl.DataFrame:
    """Find the piece of the line in which each reason was given; `is_stop` says whether it was a stop."""
    pieces = line.select("a", "from_us", "to_us", "is_stop", "stop", "production_day")
    found = given.join_asof(pieces, left_on="ts", right_on="from_us", by="a", coalesce=False, check_sortedness=False)
    return found.filter(pl.col("ts") < pl.col("to_us"))


def _carried(carry: Mapping[int, Mapping[str, Any]]) -> pl.DataFrame:
    rows = []
    for a, payload in carry.items():
        if (last := payload.get("line")) is None:
            continue
        begun = last.get("since_us"), last.get("after_run", False)
        rows.append((a, last["class"], last["sub"], last["reason"], last["stop"], last.get("stop_reason"), *begun))
    return pl.DataFrame(rows, _CARRIED, orient="row")


def _known(line: pl.DataFrame) -> pl.DataFrame:
    """Leave unknown what no signal tells."""
    silent = pl.col("silent").fill_null(value=False) | pl.col("time_class").is_null()
    return line.with_columns(
        pl.when(silent).then(pl.lit("")).otherwise("state").alias("state"),
        pl.when(silent).then(pl.lit(TimeClass.UNKNOWN.value)).otherwise("time_class").alias("time_class"),
        pl.when(silent).then(pl.lit("")).otherwise("sub_class").alias("sub_class"),
        pl.when(silent).then(pl.lit("")).otherwise("reason").fill_null("").alias("reason"),
        pl.when(silent).then(pl.lit(Origin.NONE.value)).otherwise("origin").alias("origin"),
        (~silent & pl.col("needs_parts")).alias("needs_parts"),
        (~silent & pl.col("reason").is_null()).fill_null(value=False).alias("is_unmapped"),
    )


def _with_parts(line: pl.DataFrame, made: pl.DataFrame) -> pl.DataFrame:
    """Make production of a state that needs parts, where some were counted in that state on that production day."""
    if made.is_empty() or not line["needs_parts"].any():
        return line
    wanted = line.filter("needs_parts")["a"].unique()
    hit = at_instants(made.filter(pl.col("a").is_in(wanted.implode())), Pieces.of(line))["p"].unique()
    line = line.with_row_index("_p").with_columns(pl.col("_p").is_in(hit.implode()).alias("_counted"))
    segment = run_id("a", "state", "production_day")
    runs = pl.col("needs_parts") & pl.col("_counted").any().over(segment)
    return line.with_columns(
        pl.when(runs).then(pl.lit(TimeClass.PRODUCTION.value)).otherwise("time_class").alias("time_class"),
        pl.when(runs).then(pl.lit("")).otherwise("sub_class").alias("sub_class"),
    ).drop("_p", "_counted")


def _with_stop_reasons(line: pl.DataFrame, given: Evidence) -> pl.DataFrame:
    """Give a stop the last reason told in it; a reason holds from the production day on which it was told."""
    is_stop = pl.when("is_carried").then("c_delay").otherwise(pl.col("time_class") == _DELAY)
    line = line.with_columns(is_stop.alias("is_stop")).with_columns(run_id("a", "is_stop").alias("stop"))
    told = place_stop_reasons(line, stop_reason_events(given.events)).filter("is_stop")
    told = told.unique(["stop", "production_day"], keep="last", maintain_order=True).select(
        "stop", "production_day", "given"
    )
    line = line.join(told, on=["stop", "production_day"], how="left", maintain_order="left")
    held = pl.when("is_carried").then("c_stop_reason").otherwise("given").forward_fill().over("stop")
    line = line.with_columns(pl.when("is_stop").then(held).alias("stop_reason")).drop("given")
    return _explained(line, "stop_reason", given.site)


def _with_orders(line: pl.DataFrame) -> pl.DataFrame:
    idle = (pl.col("time_class") == _DELAY) & ~pl.col("assume_order") & (pl.col("job").fill_null("") == "")
    return line.with_columns(
        pl.when(idle).then(pl.lit(TimeClass.DOWN_NO_ORDER.value)).otherwise("time_class").alias("time_class"),
        pl.when(idle).then(pl.lit("")).otherwise("sub_class").alias("sub_class"),
    )


def _with_notes(line: pl.DataFrame, site: Site) -> pl.DataFrame:
    is_noted = pl.col("note").is_not_null()
    noted = pl.when(is_noted).then(pl.lit(Origin.ANNOTATION.value)).otherwise("origin")
    told = (pl.when(is_noted).then(name).alias(kept) for name, kept in zip(_OWN, ORIGINAL, strict=True))
    line = _explained(line.with_columns(*told), "note", site).with_columns(noted.alias("origin"))
    return line.with_columns(
        pl.when("is_carried").then(carried).otherwise(own).alias(own)
        for own, carried in zip(_OWN, ("c_class", "c_sub", "c_reason"), strict=True)
    )


def _explained(line: pl.DataFrame, column: str, site: Site) -> pl.DataFrame:
    """Let a reason, where there is one, set the class it stands for; a reason without a class leaves the class."""
    line = line.join(reasons(site), left_on=column, right_on="_reason", how="left", maintain_order="left")
    return line.with_columns(
        pl.coalesce("_class", "time_class").alias("time_class"),
        pl.when(pl.col("_class").is_not_null()).then("_sub").otherwise("sub_class").alias("sub_class"),
        pl.coalesce(column, "reason").alias("reason"),
    ).drop("_class", "_sub")


def _with_micro_stops(line: pl.DataFrame) -> pl.DataFrame:
    """Mark the short stops between production that have no reason and no cause (fault, starved, blocked)."""
    plain = pl.col("sub_class").is_in(["", SubClass.OTHER.value]) & (pl.col("reason") == "")
    may_be = (pl.col("time_class") == _DELAY) & plain & (pl.col("origin") == Origin.SIGNAL.value)
    may_be = pl.when("is_carried").then(pl.col("c_since").is_not_null()).otherwise(may_be)
    makes = pl.col("time_class") == TimeClass.PRODUCTION.value
    before, after = makes.shift(1).over("a"), makes.shift(-1).over("a")
    line = line.with_columns(
        may_be.alias("may_be_micro"),
        pl.when("is_carried").then("c_since").otherwise("from_us").alias("since_us"),
        pl.when("is_carried").then("c_after_run").otherwise(before).fill_null(value=False).alias("after_run"),
        after.fill_null(value=False).alias("_before_run"),
    ).with_columns(run_id("a", "may_be_micro").alias("_stop"))
    line = line.with_columns(
        pl.col("since_us").first().over("_stop"),
        pl.col("after_run").first().over("_stop"),
        pl.col("_before_run").last().over("_stop"),
        pl.col("to_us").last().over("_stop").alias("_until"),
    )
    short = pl.col("_until") - pl.col("since_us") <= pl.col("micro_stop_limit_us")
    micro = pl.col("may_be_micro") & pl.col("after_run") & pl.col("_before_run") & short
    sub = pl.when(micro).then(pl.lit(SubClass.MICRO_STOP.value)).otherwise("sub_class")
    return line.with_columns(pl.col("sub_class").alias("plain_sub"), sub.alias("sub_class"))
