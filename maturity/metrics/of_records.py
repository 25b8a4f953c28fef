"""Metrics `record.*`: what only the records of other systems can show, from record sets that a site uploads.

`RECORD_SETS` states what a record of each kind may hold; times are RFC 3339, `from` and `to` of the record itself are
its beginning and end. A record that lacks what a metric reads does not count for it, neither way.
"""

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from maturity.facts import Facts
from maturity.metrics.measured import Measured, Metrics, Parameters
from maturity.metrics.of_states import intervals_of, joined

METRICS = Metrics()
_SYSTEM = "system"

# Kind of record → its fields beside key, asset, from and to.
RECORD_SETS: dict[str, Mapping[str, str]] = {
    "maintenance": {"type": "preventive or corrective", "due": "by when it was to be done"},
    "work_order": {"alarm": "key of the alarm that it answers", "opened_by": "system or person"},
    "order": {
        "due": "promised end",
        "planned_to": "planned end",
        "quantity": "ordered pieces",
        "delivered": "delivered pieces",
        "released": "when the other system released it",
        "received": "when it was there by interface",
    },
    "plan": {"recorded": "when the plan was recorded", "planned_quantity": "pieces", "shift": "shift key"},
    "replan": {"disruption": "when the disruption began"},
    "milk_run": {"planned": "time of the timetable"},
    "inventory": {"stock": "pieces between stations", "minimum": "least allowed", "maximum": "most allowed"},
    "replenishment": {"signal": "electronic or other", "part_class": "A, B or C"},
    "tag_read": {"tagged": "yes or no", "visible": "when the system showed it"},
    "trace": {"machine": "asset", "parameters": "yes or no"},
    "mission": {"triggered_by": "system or person"},
    "call_off": {"sent_by": "system or person"},
    "shutdown": {"idle_s": "length of the idle period", "by": "system or person, empty = nobody"},
    "deviation": {"corrected_by": "system or person"},
    "problem": {
        "stop": "when the stop began that it is about",
        "trigger": "key of the trigger that it answers",
        "part": "missing part",
        "flagged_by": "system or person",
        "cause_found": "when the root cause was recorded",
        "resolved_by": "system or person",
    },
    "trigger_rule": {"rule": "when a problem is to be solved"},
    "trigger": {"shift": "shift key"},
    "onboarding": {},
}


@dataclass(frozen=True)
class Row:
    """A record with its payload at hand."""

    key: str
    asset: str
    from_us: int
    to_us: int | None
    said: Mapping[str, Any]
    zone: ZoneInfo

    def time(self, name: str) -> int | None:
        """A time of the payload in µs UTC, null where it is missing or none."""
        try:
            at = datetime.fromisoformat(str(self.said.get(name) or ""))
        except ValueError:
            return None
        at = at if at.tzinfo else at.replace(tzinfo=self.zone)
        return round(at.timestamp() * 1e6)

    def number(self, name: str) -> float | None:
        """A number of the payload, null where it is missing or none."""
        try:
            value = float(self.said[name])
        except (KeyError, TypeError, ValueError):
            return None
        return value if math.isfinite(value) else None

    def text(self, name: str) -> str:
        """A text of the payload, empty where it is missing."""
        return str(self.said.get(name) or "").strip()

    def is_yes(self, name: str) -> bool:
        """Whether a yes-or-no field says yes."""
        return self.text(name).lower() in ("yes", "true", "1")


Judge = Callable[[Row], bool | None]
Length = Callable[[Row], float | None]


def rows_of(facts: Facts, kind: str) -> Iterator[Row]:
    """Records of a kind."""
    zone = ZoneInfo(facts.site.timezone)
    found = facts.records.filter(pl.col("kind") == kind).sort("from_us", "key")
    for key, asset, start, end, payload in found.select("key", "asset", "from_us", "to_us", "payload").iter_rows():
        yield Row(key, asset, start, end, json.loads(payload), zone)


def missing(kind: str) -> str:
    """How to provide records of a kind."""
    fields = ", ".join(("key", "asset", "from", "to", *RECORD_SETS[kind]))
    return f"There are no such records in the window: `haidang records import --kind {kind}` takes a CSV with {fields}."


def _share(name: str, kind: str, explanation: str, judge: Judge, parameters: tuple[str, ...] = ()) -> None:
    """Declare the share of records that are good; a record on which the judge has no opinion does not count."""

    def measure(facts: Facts, scope: str, given: Parameters) -> Measured:
        del scope, given
        said = [verdict for row in rows_of(facts, kind) if (verdict := judge(row)) is not None]
        if not said:
            return Measured.nothing(missing(kind))
        return Measured(sum(said) / len(said), None, (), detail={"records": len(said)})

    METRICS.add(f"record.{name}", "1", explanation, parameters, (kind,))(measure)


def _median(name: str, kind: str, unit: str, explanation: str, length: Length) -> None:
    """Declare the median of a length of the records."""

    def measure(facts: Facts, scope: str, given: Parameters) -> Measured:
        del scope, given
        lengths = [found for row in rows_of(facts, kind) if (found := length(row)) is not None]
        if not lengths:
            return Measured.nothing(missing(kind))
        return Measured(float(median(lengths)), None, (), detail={"records": len(lengths)})

    METRICS.add(f"record.{name}", unit, explanation, (), (kind,))(measure)


def _by(row: Row, field: str) -> bool | None:
    """Whether the system did it; no opinion where nobody said who."""
    return row.text(field) == _SYSTEM if row.text(field) else None


def _in_time(row: Row, planned: str, slack_us: float = 0.0) -> bool | None:
    """Whether it ended by a planned time; an open record is late once it is overdue for good, so it counts against."""
    due = row.time(planned)
    if due is None:
        return None
    return row.to_us is not None and row.to_us <= due + slack_us


def _hours(start: int | None, end: int | None) -> float | None:
    return None if start is None or end is None or end < start else (end - start) / 3.6e9


def _preventive(row: Row) -> bool | None:
    return _in_time(row, "due") if row.text("type") == "preventive" else None


def _in_full(row: Row) -> bool | None:
    wanted, delivered = row.number("quantity"), row.number("delivered")
    on_time = _in_time(row, "due")
    return None if on_time is None or wanted is None or delivered is None else on_time and delivered >= wanted


def _within_limits(row: Row) -> bool | None:
    stock, least, most = (row.number(name) for name in ("stock", "minimum", "maximum"))
    return None if stock is None or least is None or most is None else least <= stock <= most


def _of_a_parts(row: Row) -> bool | None:
    return row.text("signal") == "electronic" if row.text("part_class").upper() in ("", "A") else None


def _recorded_before(row: Row) -> bool | None:
    recorded = row.time("recorded")
    return None if recorded is None else recorded <= row.from_us


def _flagged(row: Row) -> bool | None:
    return row.text("flagged_by") == _SYSTEM and bool(row.text("part")) if row.text("flagged_by") else None


def _traced(row: Row) -> bool:
    return bool(row.text("machine") or row.asset) and row.is_yes("parameters")


def _of_long_idle(row: Row) -> bool | None:
    idle, least = row.number("idle_s"), 1800
    return row.text("by") == _SYSTEM if idle is not None and idle > least else None


def _closed(row: Row) -> bool:
    return row.to_us is not None and row.to_us - row.from_us <= 30 * 86_400e6


def _working_days(row: Row) -> float | None:
    """Begun working days from Monday to Saturday."""
    if row.to_us is None:
        return None
    first, last = (datetime.fromtimestamp(each / 1e6, row.zone).date().toordinal() for each in (row.from_us, row.to_us))
    sunday = 6
    return float(sum((day + sunday) % 7 != sunday for day in range(first, last + 1)))


_share("maintenance_on_time", "maintenance", "Share of planned maintenance done by its due time.", _preventive)
_share(
    "schedule_adherence",
    "order",
    "Share of orders that ended by their planned end.",
    lambda row: _in_time(row, "planned_to"),
)
_share("on_time_in_full", "order", "Share of orders delivered by their promised end, in full.", _in_full)
_share(
    "wip_within_limits",
    "inventory",
    "Share of stock readings between stations that lie inside the limits.",
    _within_limits,
)
_share(
    "electronic_replenishment_share",
    "replenishment",
    "Share of replenishments of A parts called electronically.",
    _of_a_parts,
)
_share(
    "tagged_share",
    "tag_read",
    "Share of containers or orders that are identified by a tag.",
    lambda row: row.is_yes("tagged"),
)
_share("traced_units_share", "trace", "Share of units or lots linked to machine, time and parameters.", _traced)
_share(
    "autonomous_mission_share",
    "mission",
    "Share of transports that the system triggered.",
    lambda row: _by(row, "triggered_by"),
)
_share(
    "automatic_call_off_share", "call_off", "Share of call-offs that the system sent.", lambda row: _by(row, "sent_by")
)
_share("plan_before_shift", "plan", "Share of plans that were recorded before their shift began.", _recorded_before)
_share(
    "closed_loop_share",
    "deviation",
    "Share of deviations that the system corrected.",
    lambda row: _by(row, "corrected_by"),
)
_share(
    "material_stop_flagged_share",
    "problem",
    "Share of stops for missing material that the system flagged with the part.",
    _flagged,
)
_share("actions_closed_share", "problem", "Share of problems closed within 30 days.", _closed)
_share(
    "self_resolved_share",
    "problem",
    "Share of problems that the system resolved itself.",
    lambda row: _by(row, "resolved_by"),
)
_share(
    "automatic_shutdown_share",
    "shutdown",
    "Share of long idle periods that the system ended or shifted.",
    _of_long_idle,
    ("min_idle_min",),
)
_median(
    "lead_time_median",
    "order",
    "h",
    "Median time from the beginning to the end of orders.",
    lambda row: _hours(row.from_us, row.to_us),
)
_median(
    "replan_time_median",
    "replan",
    "h",
    "Median time from a disruption to the new plan.",
    lambda row: _hours(row.time("disruption"), row.to_us),
)
_median(
    "root_cause_median",
    "problem",
    "h",
    "Median time until the root cause is recorded.",
    lambda row: _hours(row.from_us, row.time("cause_found")),
)
_median(
    "onboarding_days_median",
    "onboarding",
    "d",
    "Median working days from the decision to the first data of a machine.",
    _working_days,
)


@METRICS.add(
    "record.milk_run_on_time", "1", "Share of milk runs near their timetable.", ("tolerance_min",), ("milk_run",)
)
def milk_run_on_time(facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """Runs that began within the tolerance of the planned time, over all runs with a planned time."""
    del scope
    tolerance = float(parameters.get("tolerance_min", 10)) * 60e6
    off = [abs(row.from_us - at) for row in rows_of(facts, "milk_run") if (at := row.time("planned")) is not None]
    if not off:
        return Measured.nothing(missing("milk_run"))
    return Measured(sum(each <= tolerance for each in off) / len(off), None, (), detail={"records": len(off)})


@METRICS.add("record.tag_delay_p95", "s", "95th percentile of the time until a tag read is visible.", (), ("tag_read",))
def tag_delay_p95(facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """From the read (`from`) to `visible`."""
    del scope, parameters
    reads = [(row.from_us, row.time("visible")) for row in rows_of(facts, "tag_read") if row.is_yes("tagged")]
    delays = sorted((seen - read) / 1e6 for read, seen in reads if seen is not None)
    if not delays:
        return Measured.nothing(missing("tag_read"))
    return Measured(delays[math.ceil(0.95 * len(delays)) - 1], None, (), detail={"records": len(delays)})


@METRICS.add(
    "record.order_interface_share",
    "1",
    "Share of orders that came by interface soon after their release.",
    ("max_delay_min",),
    ("order",),
)
def order_interface_share(facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """Released orders that were received within the delay."""
    del scope
    longest = float(parameters.get("max_delay_min", 15)) * 60e6
    orders = [(row.time("released"), row.time("received")) for row in rows_of(facts, "order")]
    released = [(start, end) for start, end in orders if start is not None]
    if not released:
        return Measured.nothing(missing("order"))
    soon = sum(end is not None and 0 <= end - start <= longest for start, end in released)
    return Measured(soon / len(released), None, (), detail={"records": len(released)})


@METRICS.add(
    "record.alarm_work_order_share", "1", "Share of maintenance alarms that opened a work order.", (), ("work_order",)
)
def alarm_work_order_share(facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """Alarms (events) whose key a work order opened by the system names, over all alarms."""
    del parameters
    machines = list(facts.assets_of(scope))
    alarms = facts.events.filter(pl.col("kind") == "alarm", pl.col("asset").is_in(machines))["key"].to_list()
    orders = {row.text("alarm") for row in rows_of(facts, "work_order") if row.text("opened_by") == _SYSTEM}
    if not alarms:
        return Measured.nothing("No alarm event came in the window: map the machines' alarms.")
    if not orders and not any(True for _ in rows_of(facts, "work_order")):
        return Measured.nothing(missing("work_order"))
    return Measured(sum(key in orders for key in alarms) / len(alarms), None, (), detail={"alarms": len(alarms)})


@METRICS.add(
    "record.problem_record_share",
    "1",
    "Share of long unplanned stops with a problem record.",
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
        return Measured.nothing("There is no such stop in the window.")
    if not problems:
        return Measured.nothing(missing("problem"))
    spans = list(stops.select("asset", "from_us", "to_us").iter_rows())
    told = sum(any(_is_about(problem, span) for problem in problems) for span in spans)
    return Measured(told / len(spans), None, facts.assets_of(scope), detail={"stops": len(spans)})


def _is_about(problem: tuple[str, int | None, int], stop: tuple[str, int, int]) -> bool:
    asset, at, begun = problem
    if asset and asset != stop[0]:
        return False
    return stop[1] <= at <= stop[2] if at is not None else stop[1] <= begun <= stop[2] + 86_400e6


@METRICS.add(
    "record.trigger_rule_share", "1", "Share of lines with a rule that triggers problem solving.", (), ("trigger_rule",)
)
def trigger_rule_share(facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """Lines with at least one rule of their own or of the whole site."""
    del parameters
    lines = facts.assets_of(scope)
    named = {row.asset for row in rows_of(facts, "trigger_rule")}
    if not lines:
        return Measured.nothing("The site has no lines: register them in the site file.")
    if not named:
        return Measured.nothing(missing("trigger_rule"))
    covered = [line for line in lines if line in named or "" in named]
    return Measured(len(covered) / len(lines), None, lines, detail={"covered": covered})


@METRICS.add(
    "record.trigger_recorded_share",
    "1",
    "Share of trigger events that got a problem record.",
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
    "The same for the shift and line that does worst.",
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
    return [(row, row.key in answered) for row in rows_of(facts, "trigger")]
