"""Metrics `record.*`: what only the records of other systems can show, from record sets that a site uploads.

`model.record_sets` states what a record of each kind may hold. A window is judged as of its end: what ends later is
open, and an open record counts against the site only once it is overdue. A record that lacks what a metric reads does
not count for it, neither way.
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
from maturity.metrics.coverage import of_states
from maturity.metrics.measured import Measured, Metrics, Parameters
from maturity.metrics.of_states import intervals_of, joined
from model.record_sets import RECORD_SETS, as_text

METRICS = Metrics()
_SYSTEM = "system"
_MONTH_US = 30 * 86_400_000_000


@dataclass(frozen=True)
class Row:
    """A record with its payload at hand."""

    key: str
    asset: str
    from_us: int
    to_us: int | None
    said: Mapping[str, Any]
    zone: ZoneInfo
    window: tuple[int, int]

    @property
    def begins_inside(self) -> bool:
        """Whether it begins in the window."""
        return self.window[0] <= self.from_us < self.window[1]

    @property
    def ends_inside(self) -> bool:
        """Whether it ends in the window; one that ends later is open, so far as the window knows."""
        return self.to_us is not None and self.window[0] <= self.to_us

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
        value = self.said.get(name)
        return "" if value is None else as_text(value)

    def is_yes(self, name: str) -> bool:
        """Whether a yes-or-no field says yes."""
        return self.text(name).lower() in ("yes", "true", "1")


Judge = Callable[[Row], bool | None]
Length = Callable[[Row], float | None]


def rows_of(facts: Facts, kind: str) -> Iterator[Row]:
    """Records of a kind that lie in the window, wholly or partly."""
    zone, window = ZoneInfo(facts.site.timezone), facts.bounds_us
    found = facts.records.filter(pl.col("kind") == kind).sort("from_us", "key")
    ends = pl.when(pl.col("to_us") < window[1]).then("to_us").alias("to_us")
    for key, asset, start, end, payload in found.select("key", "asset", "from_us", ends, "payload").iter_rows():
        yield Row(key, asset, start, end, json.loads(payload), zone, window)


def begun(facts: Facts, kind: str) -> Iterator[Row]:
    """Records of a kind that begin in the window."""
    return (row for row in rows_of(facts, kind) if row.begins_inside)


def missing(kind: str) -> str:
    """How to provide records of a kind."""
    fields = ", ".join(("key", "asset", "from", "to", *(field.name for field in RECORD_SETS[kind].fields)))
    return f"There are no such records in the window: `haidang records import --kind {kind}` takes a CSV with {fields}."


def _share(name: str, kind: str, explanation: str, judge: Judge) -> None:
    """Declare the share of records that are good; a record on which the judge has no opinion does not count."""

    def measure(facts: Facts, scope: str, given: Parameters) -> Measured:
        del scope, given
        return _share_of(facts, kind, judge)

    METRICS.add(f"record.{name}", "1", explanation, (), (kind,))(measure)


def _share_of(facts: Facts, kind: str, judge: Judge) -> Measured:
    said = [verdict for row in rows_of(facts, kind) if (verdict := judge(row)) is not None]
    if not said:
        return Measured.nothing(missing(kind))
    return Measured(sum(said) / len(said), None, (), detail={"records": len(said)})


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
    """Whether the system did it; no opinion where nobody said who, or it began in another window."""
    return row.text(field) == _SYSTEM if row.text(field) and row.begins_inside else None


def _in_time(row: Row, planned: str) -> bool | None:
    """Whether it ended by a planned time.

    No opinion on what ended before the window, and on what is open at its end and not due yet.
    """
    due = row.time(planned)
    if due is None:
        return None
    if row.ends_inside:
        return row.to_us is not None and row.to_us <= due
    return False if row.to_us is None and due < row.window[1] else None


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
    if stock is None or least is None or most is None or not row.begins_inside:
        return None
    return least <= stock <= most


def _of_a_parts(row: Row) -> bool | None:
    counts = row.begins_inside and row.text("part_class").upper() in ("", "A")
    return row.text("signal") == "electronic" if counts else None


def _recorded_before(row: Row) -> bool | None:
    recorded = row.time("recorded")
    return recorded <= row.from_us if recorded is not None and row.begins_inside else None


def _flagged(row: Row) -> bool | None:
    is_about_parts = row.begins_inside and (row.text("flagged_by") or row.text("part"))
    return row.text("flagged_by") == _SYSTEM and bool(row.text("part")) if is_about_parts else None


def _tagged(row: Row) -> bool | None:
    return row.is_yes("tagged") if row.begins_inside else None


def _traced(row: Row) -> bool | None:
    return bool(row.text("machine") or row.asset) and row.is_yes("parameters") if row.begins_inside else None


def _closed(row: Row) -> bool | None:
    """Whether what was closed in the window took 30 days at most; open ones count against once they are older."""
    if row.ends_inside:
        return row.to_us is not None and row.to_us - row.from_us <= _MONTH_US
    return False if row.to_us is None and row.from_us + _MONTH_US < row.window[1] else None


def _working_days(row: Row) -> float | None:
    """Begun working days from Monday to Saturday."""
    if row.to_us is None or not row.ends_inside:
        return None
    first, last = (datetime.fromtimestamp(each / 1e6, row.zone).date().toordinal() for each in (row.from_us, row.to_us))
    sunday = 6
    return float(sum((day + sunday) % 7 != sunday for day in range(first, last + 1)))


_share(
    "maintenance_on_time",
    "maintenance",
    "Share of preventive maintenance done by its due time, of that ended in the window or overdue at its end.",
    _preventive,
)
_share(
    "schedule_adherence",
    "order",
    "Share of orders that ended by their planned end, of those ended in the window or overdue at its end.",
    lambda row: _in_time(row, "planned_to"),
)
_share(
    "on_time_in_full",
    "order",
    "Share of orders ended by their promised end and in full, of those ended in the window or overdue at its end.",
    _in_full,
)
_share(
    "wip_within_limits",
    "inventory",
    "Share of stock readings of the window that lie inside their own limits.",
    _within_limits,
)
_share(
    "electronic_replenishment_share",
    "replenishment",
    "Share of the window's replenishments of A parts that were called electronically.",
    _of_a_parts,
)
_share(
    "tagged_share",
    "tag_read",
    "Share of the window's containers or orders that are identified by a tag.",
    _tagged,
)
_share(
    "traced_units_share",
    "trace",
    "Share of the window's units or lots that name a machine and have parameters.",
    _traced,
)
_share(
    "autonomous_mission_share",
    "mission",
    "Share of the window's transports that the system triggered.",
    lambda row: _by(row, "triggered_by"),
)
_share(
    "automatic_call_off_share",
    "call_off",
    "Share of the window's call-offs that the system sent.",
    lambda row: _by(row, "sent_by"),
)
_share(
    "plan_before_shift",
    "plan",
    "Share of plans that begin in the window and were recorded by their beginning.",
    _recorded_before,
)
_share(
    "closed_loop_share",
    "deviation",
    "Share of the window's deviations that the system corrected.",
    lambda row: _by(row, "corrected_by"),
)
_share(
    "material_stop_flagged_share",
    "problem",
    "Share of the window's problems of missing material that the system flagged with the part.",
    _flagged,
)
_share(
    "actions_closed_share",
    "problem",
    "Share of problems closed within 30 days, of those closed in the window or open for longer at its end.",
    _closed,
)
_share(
    "self_resolved_share",
    "problem",
    "Share of the window's problems with a known solver that the system resolved itself.",
    lambda row: _by(row, "resolved_by"),
)


@METRICS.add(
    "record.automatic_shutdown_share",
    "1",
    "Share of idle periods begun in the window and longer than so many minutes that the system ended or shifted.",
    ("min_idle_min",),
    ("shutdown",),
)
def automatic_shutdown_share(facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """An idle period that nobody ended counts against; one of unknown length does not count."""
    del scope
    least = float(parameters.get("min_idle_min", 30)) * 60

    def judge(row: Row) -> bool | None:
        idle = row.number("idle_s")
        return row.text("by") == _SYSTEM if row.begins_inside and idle is not None and idle > least else None

    return _share_of(facts, "shutdown", judge)


_median(
    "lead_time_median",
    "order",
    "h",
    "Median time from beginning to end of the orders that ended in the window.",
    lambda row: _hours(row.from_us, row.to_us) if row.ends_inside else None,
)
_median(
    "replan_time_median",
    "replan",
    "h",
    "Median time from a disruption to the new plan, of plans released in the window.",
    lambda row: _hours(row.time("disruption"), row.to_us) if row.ends_inside else None,
)
_median(
    "root_cause_median",
    "problem",
    "h",
    "Median time until the root cause was recorded, of problems begun in the window that have one.",
    lambda row: _hours(row.from_us, row.time("cause_found")) if row.begins_inside else None,
)
_median(
    "onboarding_days_median",
    "onboarding",
    "d",
    "Median working days (Mon-Sat, begun ones) from decision to first data, of machines connected in the window.",
    _working_days,
)


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
    orders = {row.text("alarm") for row in rows_of(facts, "work_order") if row.text("opened_by") == _SYSTEM}
    if not alarms:
        return Measured.nothing("No alarm event came in the window: map the machines' alarms.")
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
        return Measured.nothing(
            "There is no such stop in the window: if there was some, map the states of the machines."
        )
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
        return Measured.nothing("The site has no lines: register them in the site file.")
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
