"""Metrics `record.*` with a rule of their own: tolerances and delays, and records held against alarms and stops."""

import math

import polars as pl

from maturity.facts import Facts
from maturity.metrics.coverage import of_states
from maturity.metrics.measured import Measured, Metrics, Parameters
from maturity.metrics.of_states import intervals_of, joined
from maturity.metrics.record_rows import SYSTEM, Row, begun, missing, rows_of
from maturity.reasons import because

METRICS = Metrics()


@METRICS.add(
    "record.milk_run_on_time",
    "1",
    "Share of the window's milk runs that began within the tolerance of their timetable.",
    ("tolerance_min",),
    ("milk_run",),
)
def milk_run_on_time(facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """Runs that began within the tolerance of the planned time, over all runs with a planned time."""
    del scope
    tolerance = float(parameters.get("tolerance_min", 10)) * 60e6
    off = [abs(row.from_us - at) for row in begun(facts, "milk_run") if (at := row.time("planned")) is not None]
    if not off:
        return Measured.nothing(missing("milk_run"))
    return Measured(sum(each <= tolerance for each in off) / len(off), None, (), detail={"records": len(off)})


@METRICS.add(
    "record.tag_delay_p95",
    "s",
    "95th percentile of the time from a tag read of the window to its being visible.",
    (),
    ("tag_read",),
)
def tag_delay_p95(facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """From the read (`from`) to `visible`."""
    del scope, parameters
    reads = [(row.from_us, row.time("visible")) for row in begun(facts, "tag_read") if row.is_yes("tagged")]
    delays = sorted((seen - read) / 1e6 for read, seen in reads if seen is not None)
    if not delays:
        return Measured.nothing(missing("tag_read"))
    return Measured(delays[math.ceil(0.95 * len(delays)) - 1], None, (), detail={"records": len(delays)})


@METRICS.add(
    "record.order_interface_share",
    "1",
    "Share of orders released in the window that came by interface within the delay.",
    ("max_delay_min",),
    ("order",),
)
def order_interface_share(facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """Released orders that were received within the delay."""
    del scope
    longest = float(parameters.get("max_delay_min", 15)) * 60e6
    orders = [(row.time("released"), row.time("received")) for row in rows_of(facts, "order")]
    low, high = facts.bounds_us
    released = [(start, end) for start, end in orders if start is not None and low <= start < high]
    if not released:
        return Measured.nothing(missing("order"))
    soon = sum(end is not None and 0 <= end - start <= longest for start, end in released)
    return Measured(soon / len(released), None, (), detail={"records": len(released)})


@METRICS.add(
    "record.alarm_work_order_share",
    "1",
    "Share of the window's alarm events whose key a work order names that the system opened.",
    (),
    ("work_order",),
)
def alarm_work_order_share(facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """Alarms (events) whose key a work order opened by the system names, over all alarms."""
    del parameters
    machines = list(facts.assets_of(scope))
    alarms = facts.events.filter(pl.col("kind") == "alarm", pl.col("asset").is_in(machines))["key"].to_list()
    orders = {row.text("alarm") for row in rows_of(facts, "work_order") if row.text("opened_by") == SYSTEM}
    if not alarms:
        return Measured.nothing(because("no_alarms"))
    if not orders and not any(True for _ in rows_of(facts, "work_order")):
        return Measured.nothing(missing("work_order"))
    return Measured(sum(key in orders for key in alarms) / len(alarms), None, (), detail={"alarms": len(alarms)})


@METRICS.add(
    "record.problem_record_share",
    "1",
    "Share of unplanned stops longer than so many seconds that a problem record of their machine is about.",
    ("min_stop_s",),
    ("problem",),
)
def problem_record_share(facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """A stop has a record when one of its machine names a time inside it, or begins within a day of it."""
    least = float(parameters.get("min_stop_s", 900))
    stops = joined(intervals_of(facts, scope).filter(pl.col("time_class") == "delay"), [])
    stops = stops.filter(pl.col("seconds") > least)
    problems = [(row.asset, row.time("stop"), row.from_us) for row in rows_of(facts, "problem")]
    if stops.is_empty():
        return Measured.nothing(because("no_such_stop"))
    if not problems:
        return Measured.nothing(missing("problem"))
    spans = list(stops.select("asset", "from_us", "to_us").iter_rows())
    told = sum(any(_is_about(problem, span) for problem in problems) for span in spans)
    complete = of_states(facts, scope, intervals_of(facts, scope))
    return Measured(told / len(spans), complete, facts.assets_of(scope), detail={"stops": len(spans)})


def _is_about(problem: tuple[str, int | None, int], stop: tuple[str, int, int]) -> bool:
    asset, at, begun = problem
    if asset and asset != stop[0]:
        return False
    return stop[1] <= at <= stop[2] if at is not None else stop[1] <= begun <= stop[2] + 86_400e6


@METRICS.add(
    "record.trigger_rule_share",
    "1",
    "Share of lines with a trigger rule of their own or of the whole site.",
    (),
    ("trigger_rule",),
)
def trigger_rule_share(facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """Lines with at least one rule of their own or of the whole site."""
    del parameters
    lines = facts.assets_of(scope)
    named = {row.asset for row in rows_of(facts, "trigger_rule")}
    if not lines:
        return Measured.nothing(because("no_lines"))
    if not named:
        return Measured.nothing(missing("trigger_rule"))
    covered = [line for line in lines if line in named or "" in named]
    return Measured(len(covered) / len(lines), None, lines, detail={"covered": covered})


@METRICS.add(
    "record.trigger_recorded_share",
    "1",
    "Share of the window's triggers whose key a problem record names.",
    (),
    ("problem", "trigger"),
)
def trigger_recorded_share(facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """Triggers whose key a problem record names."""
    del scope, parameters
    verdicts = [verdict for _, verdict in _triggers(facts)]
    if not verdicts:
        return Measured.nothing(missing("trigger"))
    return Measured(sum(verdicts) / len(verdicts), None, (), detail={"triggers": len(verdicts)})


@METRICS.add(
    "record.trigger_recorded_share_worst",
    "1",
    "record.trigger_recorded_share of the shift and asset that do worst.",
    (),
    ("problem", "trigger"),
)
def trigger_recorded_share_worst(facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """Least share over all shifts and assets with triggers."""
    del scope, parameters
    groups: dict[tuple[str, str], list[bool]] = {}
    for row, verdict in _triggers(facts):
        groups.setdefault((row.asset, row.text("shift")), []).append(verdict)
    if not groups:
        return Measured.nothing(missing("trigger"))
    shares = {group: sum(verdicts) / len(verdicts) for group, verdicts in groups.items()}
    worst = min(shares, key=lambda group: (shares[group], group))
    return Measured(shares[worst], None, (), detail={"asset": worst[0], "shift": worst[1], "groups": len(groups)})


def _triggers(facts: Facts) -> list[tuple[Row, bool]]:
    answered = {row.text("trigger") for row in rows_of(facts, "problem")} - {""}
    return [(row, row.key in answered) for row in begun(facts, "trigger")]
