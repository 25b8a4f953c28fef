"""Metrics of the records of other systems: a window is judged as of its end, two days after its beginning."""

import json
from typing import Any

import polars as pl
import pytest

from maturity import facts as schemas
from maturity.metrics import METRICS
from model.record_sets import RECORD_SETS
from tests.unit.maturity.invented_facts import (
    at,
    facts,
    frame,
    interval,
    intervals,
    local,
    measure,
    record,
    records,
)

MONTH = 30 * 24


def share(metric: str, *rows: dict[str, Any], **parameters: Any) -> float | None:
    return measure(f"record.{metric}", facts(records=records(*rows)), **parameters).value


def test_every_metric_of_records_names_kinds_that_there_are() -> None:
    kinds = {kind for each in METRICS.values() for kind in each.requires}
    assert kinds <= set(RECORD_SETS)


def test_what_lacks_says_which_table_to_bring() -> None:
    found = measure("record.milk_run_on_time", facts())
    assert "--kind milk_run` takes a CSV with key, asset, from, to, planned" in str(found.missing)


def test_an_open_order_is_late_only_once_it_is_due() -> None:
    """One in time, one late, one open and overdue, one open and not due yet, one that ended before the window."""
    rows = [
        record("order", "1", 1, 10, planned_to=local(10)),
        record("order", "2", 1, 11, planned_to=local(10)),
        record("order", "3", 1, None, planned_to=local(40)),
        record("order", "4", 1, None, planned_to=local(60)),
        record("order", "5", -9, -1, planned_to=local(-2)),
        record("order", "6", 1, 12),
    ]
    assert share("schedule_adherence", *rows) == pytest.approx(1 / 3)


def test_what_ends_after_the_window_was_open_at_its_end() -> None:
    assert share("schedule_adherence", record("order", "1", 1, 90, planned_to=local(60))) is None
    assert share("schedule_adherence", record("order", "1", 1, 90, planned_to=local(40))) == 0.0


def test_in_full_means_all_pieces() -> None:
    rows = [record("order", str(n), 1, 10, due=local(12), quantity=100, delivered=n) for n in (99, 100, 101)]
    late = record("order", "x", 1, 13, due=local(12), quantity=1, delivered=1)
    unknown = record("order", "y", 1, 10, due=local(12), quantity=100)
    assert share("on_time_in_full", *rows, late, unknown) == 0.5


def test_only_planned_maintenance_has_a_due_time() -> None:
    rows = [
        record("maintenance", "1", 1, 2, type="preventive", due=local(3)),
        record("maintenance", "2", 1, 4, type="preventive", due=local(3)),
        record("maintenance", "3", 1, 4, type="corrective", due=local(3)),
    ]
    assert share("maintenance_on_time", *rows) == 0.5


@pytest.mark.parametrize(
    ("metric", "kind", "good", "bad"),
    [
        ("autonomous_mission_share", "mission", {"triggered_by": "system"}, {"triggered_by": "person"}),
        ("automatic_call_off_share", "call_off", {"sent_by": "system"}, {"sent_by": "person"}),
        ("closed_loop_share", "deviation", {"corrected_by": "system"}, {"corrected_by": "person"}),
        ("self_resolved_share", "problem", {"resolved_by": "system"}, {"resolved_by": "person"}),
        ("electronic_replenishment_share", "replenishment", {"signal": "electronic"}, {"signal": "other"}),
        ("tagged_share", "tag_read", {"tagged": "yes"}, {"tagged": "no"}),
        ("traced_units_share", "trace", {"parameters": "yes"}, {"parameters": "yes", "asset": ""}),
        (
            "wip_within_limits",
            "inventory",
            {"stock": 5, "minimum": 5, "maximum": 9},
            {"stock": 10, "minimum": 5, "maximum": 9},
        ),
        ("plan_before_shift", "plan", {"recorded": local(1)}, {"recorded": local(9)}),
        (
            "material_stop_flagged_share",
            "problem",
            {"flagged_by": "system", "part": "p"},
            {"flagged_by": "person", "part": "p"},
        ),
        ("automatic_shutdown_share", "shutdown", {"idle_s": 3600, "by": "system"}, {"idle_s": 3600}),
    ],
)
def test_events_count_in_the_window_in_which_they_begin(
    metric: str, kind: str, good: dict[str, Any], bad: dict[str, Any]
) -> None:
    """Also those without an end: an old one does not come back in every window after it."""
    rows = [record(kind, "1", 8, **good), record(kind, "2", 8, **bad), record(kind, "3", -5, **good)]
    assert share(metric, *rows) == 0.5
    assert share(metric, rows[2]) is None


def test_short_idle_periods_need_no_shutdown() -> None:
    rows = [record("shutdown", "1", 1, idle_s=1200, by="person"), record("shutdown", "2", 1, idle_s=2400, by="system")]
    assert share("automatic_shutdown_share", *rows) == 1.0
    assert share("automatic_shutdown_share", *rows, min_idle_min=15) == 0.5


def test_parts_of_class_b_may_be_called_otherwise() -> None:
    rows = [record("replenishment", str(n), 1, signal="other", part_class=c) for n, c in enumerate("AB")]
    assert share("electronic_replenishment_share", *rows) == 0.0


def test_problems_are_closed_within_a_month_or_overdue() -> None:
    rows = [
        record("problem", "quick", 1, 30),
        record("problem", "slow", 30 - MONTH - 1, 30),
        record("problem", "overdue", 1 - MONTH, None),
        record("problem", "new", 40, None),
        record("problem", "long ago", -200, -100),
    ]
    assert share("actions_closed_share", *rows) == pytest.approx(1 / 3)
    assert share("actions_closed_share", rows[3]) is None


@pytest.mark.parametrize(
    ("metric", "kind", "said", "expected"),
    [
        ("lead_time_median", "order", {}, 4.0),
        ("replan_time_median", "replan", {"disruption": local(4)}, 2.0),
    ],
)
def test_medians_are_of_what_ended_in_the_window(metric: str, kind: str, said: dict[str, Any], expected: float) -> None:
    rows = [record(kind, "1", 2, 6, **said), record(kind, "later", 2, 90, **said), record(kind, "open", 2, **said)]
    assert share(metric, *rows) == expected


def test_the_root_cause_is_timed_from_the_beginning() -> None:
    rows = [
        record("problem", "1", 1, cause_found=local(4)),
        record("problem", "2", 1),
        record("problem", "3", 1, cause_found=local(0)),
    ]
    assert share("root_cause_median", *rows) == 3.0


def test_sundays_are_no_working_days() -> None:
    """The window begins on a Monday: connected on Tuesday, decided on the Saturday before."""
    assert share("onboarding_days_median", record("onboarding", "1", -38, 25)) == 3.0
    assert share("onboarding_days_median", record("onboarding", "2", 1, 2)) == 1.0


def test_milk_runs_keep_their_timetable_within_the_tolerance() -> None:
    rows = [record("milk_run", str(n), 8 + off / 60, planned=local(8)) for n, off in enumerate((-9, 9, 11, 30))]
    assert share("milk_run_on_time", *rows, tolerance_min=10) == 0.5


def test_the_delay_of_tags_is_a_percentile_of_seen_ones() -> None:
    rows = [record("tag_read", str(n), 1, tagged="yes", visible=local(1 + n / 60)) for n in range(1, 21)]
    unseen = record("tag_read", "x", 1, tagged="yes")
    assert share("tag_delay_p95", *rows, unseen) == 19 * 60


def test_orders_by_interface_come_soon_after_their_release() -> None:
    rows = [
        record("order", "1", 2, 5, released=local(1), received=local(1.1)),
        record("order", "2", 2, 5, released=local(1), received=local(2)),
        record("order", "3", 2, 5, released=local(1)),
        record("order", "4", 2, 5, released=local(-30), received=local(-30)),
    ]
    assert share("order_interface_share", *rows, max_delay_min=15) == pytest.approx(1 / 3)


def alarms(*keys: str) -> pl.DataFrame:
    return frame(schemas.EVENTS, [{"asset": "l/a", "kind": "alarm", "key": key, "ts_us": at(1)} for key in keys])


def test_alarms_are_answered_by_orders_that_the_system_opened() -> None:
    rows = records(
        record("work_order", "1", 1, alarm=4711.0, opened_by="system"),  # a table's number is a key as well
        record("work_order", "2", 1, alarm="A2", opened_by="person"),
    )
    found = facts(records=rows, events=alarms("4711", "A2"))
    assert measure("record.alarm_work_order_share", found).value == 0.5
    assert measure("record.alarm_work_order_share", facts(events=alarms("1"))).value is None
    assert "No alarm event" in str(measure("record.alarm_work_order_share", facts(records=rows)).missing)


def test_long_stops_have_problem_records() -> None:
    stops = intervals(
        interval(1, 2, "delay", "fault"), interval(5, 6, "delay", "fault"), interval(8, 8.1, "delay", "fault")
    )
    about = records(record("problem", "1", 20, stop=local(1.5)), record("problem", "2", 7, asset="l/b"))
    assert measure("record.problem_record_share", facts(intervals=stops, records=about), min_stop_s=900).value == 0.5
    soon = records(record("problem", "1", 20))
    assert measure("record.problem_record_share", facts(intervals=stops, records=soon), min_stop_s=900).value == 1.0


def test_rules_of_the_site_are_rules_of_its_lines() -> None:
    elsewhere = facts(records=records(record("trigger_rule", "1", -90, rule="x", asset="m")))
    assert measure("record.trigger_rule_share", elsewhere, "lines").value == 0.0
    whole = facts(records=records(record("trigger_rule", "1", -90, rule="x", asset="")))
    assert measure("record.trigger_rule_share", whole, "lines").value == 1.0


def test_triggers_are_answered_by_key_and_the_worst_shift_counts() -> None:
    rows = records(
        record("trigger", "007", 1, shift="A"),
        record("trigger", "8", 2, shift="A"),
        record("trigger", "9", 30, shift="B"),
        record("problem", "1", 3, trigger="007"),
        record("problem", "2", 31, trigger=9.0),
    )
    assert measure("record.trigger_recorded_share", facts(records=rows)).value == pytest.approx(2 / 3)
    worst = measure("record.trigger_recorded_share_worst", facts(records=rows))
    assert (worst.value, worst.detail["shift"]) == (0.5, "A")


def test_times_without_an_offset_are_local() -> None:
    row = record("milk_run", "1", 8, planned="2026-10-05T01:00:00+00:00")
    assert json.loads(row["payload"])["planned"].endswith("+00:00")
    assert share("milk_run_on_time", row, tolerance_min=1) == 1.0
