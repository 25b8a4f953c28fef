"""Metrics `record.*` of one kind of record each: the share of good ones, or the median of a length."""

from collections.abc import Callable
from datetime import datetime
from statistics import median

from maturity.facts import Facts
from maturity.metrics.measured import Measured, Metrics, Parameters
from maturity.metrics.record_rows import SYSTEM, Row, missing, rows_of

METRICS = Metrics()
_MONTH_US = 30 * 86_400_000_000

Judge = Callable[[Row], bool | None]
Length = Callable[[Row], float | None]


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
    return row.text(field) == SYSTEM if row.text(field) and row.begins_inside else None


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
    return row.text("flagged_by") == SYSTEM and bool(row.text("part")) if is_about_parts else None


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
        return row.text("by") == SYSTEM if row.begins_inside and idle is not None and idle > least else None

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
