"""Metrics of state intervals: how time is classed, what stops are known by, changeovers, repeated failures."""

import math
from itertools import pairwise

import polars as pl

from maturity.facts import Facts
from maturity.metrics.coverage import PLANNED, heard_share, known_share, of_states
from maturity.metrics.measured import Measured, Metrics, Parameters
from maturity.reasons import because

METRICS = Metrics()
_DAY_US = 86_400_000_000
_FEWEST = 2  # changeovers
_WAITS = ("starved", "blocked")
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
        | pl.any_horizontal(pl.lit(value=False), *(pl.col(name).ne_missing(pl.col(name).shift()) for name in same))
    ).fill_null(value=True)
    first = [pl.col(name).first() for name in rows.columns if name not in ("from_us", "to_us", "seconds")]
    return (
        rows.sort("asset", "from_us")
        .with_columns(begins.cum_sum().alias("run"))
        .group_by("run", maintain_order=True)
        .agg(*first, pl.col("from_us").min(), pl.col("to_us").max(), pl.col("seconds").sum())
        .drop("run")
    )


def _share(part: pl.DataFrame, whole: pl.DataFrame, complete: float | None, lacking: str) -> Measured:
    """Seconds of a part over seconds of the whole; `lacking` says why there may be no whole (maturity.reasons)."""
    assets = tuple(whole["asset"].unique().sort())
    total = float(whole["seconds"].sum())
    if not total:
        return Measured.nothing(because(lacking), assets)
    value = float(part["seconds"].sum()) / total
    detail = {"minutes": round(total / 60, 1), "of_them": round(float(part["seconds"].sum()) / 60, 1)}
    return Measured(value, complete, assets, detail=detail)


@METRICS.add("data.named_state_share", "1", "1 - time in no known state over planned busy time, all machines together.")
def named_state_share(facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """Unknown time is in the value itself; complete is what was heard of the machines' series."""
    del parameters
    rows = intervals_of(facts, scope)
    value = known_share(rows)
    if value is None:
        return Measured.nothing(because("no_states"))
    return Measured(value, heard_share(facts, scope), tuple(rows["asset"].unique().sort()))


@METRICS.add(
    "data.stop_reason_share",
    "1",
    "Share of unplanned stop time that carries a reason; micro-stops, and starved or blocked time without one, apart.",
)
def stop_reason_share(facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """Reason-coded delay over all delay that needs a reason.

    A micro-stop has none by definition; a machine that waits for another one has its reason there, and says which side.
    """
    del parameters
    rows = intervals_of(facts, scope)
    needs_one = ~pl.col("sub_class").is_in(["micro_stop", *_WAITS]) | (pl.col("reason") != "")
    stops = rows.filter(pl.col("time_class") == "delay", needs_one)
    complete = of_states(facts, scope, rows)
    return _share(stops.filter(pl.col("reason") != ""), stops, complete, "no_unplanned_stop")


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
        return Measured.nothing(because("no_such_stop"), assets)
    by_signal = stops.filter((pl.col("origin") == "signal") | (pl.col("original_class") == "delay"))
    complete = of_states(facts, scope, rows)
    return Measured(by_signal.height / stops.height, complete, assets, detail={"stops": stops.height})


@METRICS.add(
    "data.starved_blocked_share", "1", "Time starved or blocked over planned busy time, all machines together."
)
def starved_blocked_share(facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """Only where at least one interval is such a wait: no wait at all cannot be told from states that never say so."""
    del parameters
    rows = intervals_of(facts, scope)
    waits = rows.filter(pl.col("sub_class").is_in(_WAITS))
    if waits.is_empty():
        return Measured.nothing(because("no_waits"))
    complete = of_states(facts, scope, rows)
    return _share(waits, rows.filter(pl.col("time_class").is_in(PLANNED)), complete, "no_planned_time")


def changeovers(facts: Facts, scope: str) -> pl.DataFrame:
    """Whole changeovers: set-up time without a gap."""
    return joined(intervals_of(facts, scope).filter(pl.col("time_class") == "setup"), [])


@METRICS.add(
    "data.changeover_variation",
    "1",
    "Standard deviation of the lengths of changeovers, each over the mean of its machine's (two or more of a machine).",
)
def changeover_variation(facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """Pooled within machines: one that takes longer than another by nature does not make them unstable."""
    del parameters
    found = changeovers(facts, scope).with_columns(
        (pl.col("seconds") / pl.col("seconds").mean().over("asset")).alias("relative"),
        pl.len().over("asset").alias("n"),
    )
    several = found.filter(pl.col("n") >= _FEWEST)
    freedom = several.height - several["asset"].n_unique()
    if freedom < 1:
        return _too_few(found)
    squares = float(several.select(((pl.col("relative") - 1) ** 2).sum()).item())
    return _of_changeovers(facts, scope, several, math.sqrt(squares / freedom))


@METRICS.add(
    "data.changeover_median", "s", "Median length of changeovers of all machines; set-up time without a gap is one."
)
def changeover_median(facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """Median in seconds of two changeovers at least."""
    del parameters
    found = changeovers(facts, scope)
    if found.height < _FEWEST:
        return _too_few(found)
    return _of_changeovers(facts, scope, found, _number(found["seconds"].median()))


def _too_few(found: pl.DataFrame) -> Measured:
    counts = ", ".join(f"{asset}: {count}" for asset, count in found.group_by("asset").len().sort("asset").iter_rows())
    reason = because("few_changeovers", counts=counts or because("nothing"))
    return Measured.nothing(reason, tuple(found["asset"].unique().sort()))


def _of_changeovers(facts: Facts, scope: str, found: pl.DataFrame, value: float) -> Measured:
    complete = of_states(facts, scope, intervals_of(facts, scope))
    return Measured(value, complete, tuple(found["asset"].unique().sort()), detail={"changeovers": found.height})


@METRICS.add(
    "data.repeat_failure_rate",
    "1",
    "Share of failures with a reason that the machine had failed for shortly before, inside the window.",
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
        return Measured.nothing(because("no_reasons_of_failures"), assets)
    repeated = sum(
        1
        for _, group in named.group_by("asset", "reason")
        for before, after in pairwise(group.sort("from_us").select("from_us", "to_us").iter_rows())
        if after[0] - before[1] <= within
    )
    detail = {"failures": failures.height, "with_reason": named.height, "repeated": repeated}
    return Measured(repeated / named.height, of_states(facts, scope, rows), assets, detail=detail)


@METRICS.add(
    "data.alarm_response_median", "s", "Median time from an alert to its acknowledgement, or to the window's end."
)
def alarm_response_median(facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """Median over all alerts that were raised in the window; one that nobody answered counts until its end."""
    del scope, parameters
    if facts.alerts.is_empty():
        return Measured.nothing(because("no_alerts"))
    ends = pl.col("acknowledged_us").fill_null(facts.bounds_us[1])
    waits = facts.alerts.select(((ends - pl.col("from_us")) / 1e6).alias("s"))["s"]
    return Measured(_number(waits.median()), None, (), detail={"alerts": facts.alerts.height})


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) else float("nan")
