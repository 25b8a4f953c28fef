"""Metrics of state intervals: how time is classed, what stops are known by, changeovers, repeated failures."""

from itertools import pairwise
from typing import Any

import polars as pl

from maturity.facts import Facts
from maturity.metrics.measured import Measured, Metrics, Parameters

METRICS = Metrics()
PLANNED = ("production", "setup", "delay", "down_no_order", "unknown")
_DAY_US = 86_400_000_000
_seconds = (pl.col("to_us") - pl.col("from_us")) / 1e6


def intervals_of(facts: Facts, scope: str) -> pl.DataFrame:
    """Intervals of a scope with their length in seconds, by asset and time."""
    rows = facts.intervals.filter(pl.col("asset").is_in(list(facts.assets_of(scope))))
    return rows.sort("asset", "from_us").with_columns(_seconds.alias("seconds"))


def joined(rows: pl.DataFrame, same: list[str]) -> pl.DataFrame:
    """Join intervals of an asset that follow each other without a gap and are the same in these columns."""
    begins = (
        (pl.col("asset") != pl.col("asset").shift())
        | (pl.col("from_us") != pl.col("to_us").shift())
        | pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift()) for name in same)
    ).fill_null(value=True)
    first = [pl.col(name).first() for name in rows.columns if name not in ("from_us", "to_us", "seconds")]
    return (
        rows.sort("asset", "from_us")
        .with_columns(begins.cum_sum().alias("run"))
        .group_by("run", maintain_order=True)
        .agg(*first, pl.col("from_us").min(), pl.col("to_us").max(), pl.col("seconds").sum())
        .drop("run")
    )


def known_share(rows: pl.DataFrame) -> float | None:
    """Share of planned time in which the state is known; null where nothing was planned."""
    planned = rows.filter(pl.col("time_class").is_in(PLANNED))
    total = float(planned["seconds"].sum())
    unknown = float(planned.filter(pl.col("time_class") == "unknown")["seconds"].sum())
    return 1 - unknown / total if total else None


def _share(part: pl.DataFrame, whole: pl.DataFrame, rows: pl.DataFrame, what: str) -> Measured:
    """Seconds of a part over seconds of the whole."""
    assets = tuple(rows["asset"].unique().sort())
    total = float(whole["seconds"].sum())
    if not total:
        return Measured.nothing(f"There is no {what} in the window.", assets)
    value = float(part["seconds"].sum()) / total
    detail = {"minutes": round(total / 60, 1), "of_them": round(float(part["seconds"].sum()) / 60, 1)}
    return Measured(value, known_share(rows), assets, detail=detail)


@METRICS.add("data.named_state_share", "1", "Share of planned busy time in which a machine's state is known and named.")
def named_state_share(facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """1 - unknown time / planned busy time; it is its own completeness."""
    del parameters
    rows = intervals_of(facts, scope)
    value = known_share(rows)
    if value is None:
        return Measured.nothing("No machine of the scope has planned time with states: connect a state signal.")
    return Measured(value, None, tuple(rows["asset"].unique().sort()))


@METRICS.add("data.stop_reason_share", "1", "Share of unplanned stop time, micro-stops apart, that carries a reason.")
def stop_reason_share(facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """Reason-coded delay over all delay; a micro-stop has no reason by definition."""
    del parameters
    rows = intervals_of(facts, scope)
    stops = rows.filter(pl.col("time_class") == "delay", pl.col("sub_class") != "micro_stop")
    return _share(stops.filter(pl.col("reason") != ""), stops, rows, "unplanned stop")


@METRICS.add(
    "data.stops_by_signal_share",
    "1",
    "Share of stops of some length that signals showed by themselves.",
    ("min_stop_s",),
)
def stops_by_signal_share(facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """Stops begun by a signal, also where an annotation named the reason afterwards."""
    rows = intervals_of(facts, scope)
    stops = joined(rows.filter(pl.col("time_class") == "delay"), [])
    stops = stops.filter(pl.col("seconds") > float(parameters.get("min_stop_s", 60)))
    assets = tuple(rows["asset"].unique().sort())
    if stops.is_empty():
        return Measured.nothing("There is no such stop in the window.", assets)
    by_signal = stops.filter((pl.col("origin") == "signal") | (pl.col("original_class") == "delay"))
    return Measured(by_signal.height / stops.height, known_share(rows), assets, detail={"stops": stops.height})


@METRICS.add("data.starved_blocked_share", "1", "Time waiting for material or for space, over planned busy time.")
def starved_blocked_share(facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """Starved and blocked time over planned busy time."""
    del parameters
    rows = intervals_of(facts, scope)
    waits = rows.filter(pl.col("sub_class").is_in(["starved", "blocked"]))
    told = rows.filter(pl.col("sub_class") != "")
    if told.is_empty() and waits.is_empty():
        return Measured.nothing("No state of the site tells starved or blocked: map states to these sub-classes.")
    return _share(waits, rows.filter(pl.col("time_class").is_in(PLANNED)), rows, "planned time")


def changeovers(facts: Facts, scope: str) -> pl.DataFrame:
    """Whole changeovers: set-up time without a gap."""
    return joined(intervals_of(facts, scope).filter(pl.col("time_class") == "setup"), [])


@METRICS.add("data.changeover_variation", "1", "Standard deviation over mean of the lengths of changeovers.")
def changeover_variation(facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """Sample standard deviation over mean."""
    del parameters
    return _of_changeovers(facts, scope, lambda lengths: _number(lengths.std()) / _number(lengths.mean()))


@METRICS.add("data.changeover_median", "s", "Median length of changeovers.")
def changeover_median(facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """Median in seconds."""
    del parameters
    return _of_changeovers(facts, scope, lambda lengths: _number(lengths.median()))


def _of_changeovers(facts: Facts, scope: str, statistic: Any) -> Measured:
    found = changeovers(facts, scope)
    assets = tuple(found["asset"].unique().sort())
    fewest = 2
    if found.height < fewest:
        return Measured.nothing(f"There are {found.height} changeovers in the window; two are the least.", assets)
    rows = intervals_of(facts, scope)
    return Measured(statistic(found["seconds"]), known_share(rows), assets, detail={"changeovers": found.height})


@METRICS.add(
    "data.repeat_failure_rate",
    "1",
    "Share of failures that had the same reason on the same machine shortly before.",
    ("within_days",),
)
def repeat_failure_rate(facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """Failures with a reason that the machine had within so many days, over failures with a reason."""
    within = float(parameters.get("within_days", 30)) * _DAY_US
    rows = intervals_of(facts, scope)
    failures = joined(rows.filter(pl.col("sub_class") == "fault"), [])
    named = failures.filter(pl.col("reason") != "")
    assets = tuple(rows["asset"].unique().sort())
    if named.is_empty():
        return Measured.nothing("No failure of the window has a reason: give stops reasons.", assets)
    repeated = sum(
        1
        for _, group in named.group_by("asset", "reason")
        for before, after in pairwise(group.sort("from_us").select("from_us", "to_us").iter_rows())
        if after[0] - before[1] <= within
    )
    detail = {"failures": failures.height, "with_reason": named.height, "repeated": repeated}
    return Measured(repeated / named.height, known_share(rows), assets, detail=detail)


@METRICS.add("data.alarm_response_median", "s", "Median time from an alert to its acknowledgement.")
def alarm_response_median(facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """Median over all alerts; one that nobody answered counts until the end of the window."""
    del scope, parameters
    if facts.alerts.is_empty():
        return Measured.nothing(
            "There are no alerts in the window: switch on alert rules and answer them in the console."
        )
    ends = pl.col("acknowledged_us").fill_null(facts.bounds_us[1])
    waits = facts.alerts.select(((ends - pl.col("from_us")) / 1e6).alias("s"))["s"]
    return Measured(_number(waits.median()), None, (), detail={"alerts": facts.alerts.height})


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else float("nan")
