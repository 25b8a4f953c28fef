"""Time classes by hand: each test is a morning of one machine, with the seconds that must come out."""

from datetime import date
from typing import Any

import polars as pl
import pytest

from kpi.compute import compute
from kpi.frames import Tables
from model.registry import Job, PlannedStop, Reason, ShiftRule, StateRule
from tests.unit.kpi.compute.plants import (
    HOUR,
    MINUTE,
    UNIT,
    amount,
    annotations,
    events,
    inputs,
    plant,
    readings,
    seconds,
    series,
    symbols,
    us,
)

DAY = date(2026, 11, 20)
T0 = us("2026-11-20T00:00")
STATE = {"quantity": "state", "kind": "state"}
COUNT = {"quantity": "good_count"}
EARLY = tuple(ShiftRule(shift="early", cycle_day=day, start="06:00", end="14:00") for day in range(7))
REASONS = (
    Reason(key="jam", time_class="delay", sub_class="fault"),
    Reason(key="change", time_class="setup"),
    Reason(key="talk"),
)


def at(*states: tuple[float, str | None]) -> list[tuple[int, float | str | None]]:
    """States by minutes after midnight; the first holds from before."""
    return [
        (T0 - MINUTE if number == 0 else T0 + int(minute * MINUTE), state)
        for number, (minute, state) in enumerate(states)
    ]


def morning(
    *states: tuple[float, str | None],
    site: dict[str, Any] | None = None,
    unit: dict[str, Any] | None = None,
    **frames: Any,
) -> Tables:
    return compute(
        inputs(plant(unit, **(site or {})), [DAY], series=series(STATE), readings=readings(at(*states)), **frames)
    )


def test_states_of_packml_become_time_classes() -> None:
    day = morning((0, "Execute"), (60, "SUSPENDED"), (70, "ABORTED"), (90, "SETUP"), (100, "UNDEFINED"), (110, "IDLE"))
    assert seconds(day) == {
        ("production", ""): 3600, ("delay", "starved"): 600, ("delay", "fault"): 1200, ("setup", ""): 600,
        ("unknown", ""): 600, ("delay", "other"): 86400 - 6600,
    }  # fmt: skip


def test_what_no_signal_tells_is_unknown_and_an_unmapped_state_is_listed() -> None:
    day = morning((0, "EXECUTE"), (10, None), (20, "BROKEN?"), (30, "UNAVAILABLE"), (40, "EXECUTE"))
    assert seconds(day, ("time_class",)) == {"production": 86400 - 1800, "unknown": 1800}
    assert {"kind": "unmapped_state", "asset": UNIT, "state": "BROKEN?", "duration_us": 10 * MINUTE} in day.findings
    assert not [each for each in day.findings if each.get("state") == "UNAVAILABLE"]


def test_a_rule_of_an_ancestor_wins_over_the_shipped_model_and_the_own_one_over_both() -> None:
    rules = (
        StateRule(state="idle", time_class="setup"),
        StateRule(state="IDLE", time_class="delay", sub_class="blocked", asset="line"),
        StateRule(state="HELD", time_class="delay", sub_class="fault", asset="line"),
        StateRule(state="Held", time_class="production", asset=UNIT),
    )
    day = morning((0, "IDLE"), (60, "HELD"), site={"state_rules": rules})
    assert seconds(day) == {("delay", "blocked"): 3600, ("production", ""): 86400 - 3600}


@pytest.mark.parametrize(("limit_min", "sub"), [(4, "other"), (5, "micro_stop"), (6, "micro_stop")])
def test_a_micro_stop_is_as_long_as_the_limit_at_most(limit_min: int, sub: str) -> None:
    day = morning(
        (0, "EXECUTE"), (60, "STOPPED"), (62, "IDLE"), (65, "EXECUTE"), unit={"micro_stop_limit_us": limit_min * MINUTE}
    )
    assert seconds(day) == {("production", ""): 86400 - 300, ("delay", sub): 300}


def test_a_stop_with_a_cause_or_beside_another_stop_is_no_micro_stop() -> None:
    day = morning((0, "EXECUTE"), (10, "SUSPENDED"), (12, "EXECUTE"), (20, "ABORTED"), (21, "IDLE"), (22, "EXECUTE"))
    assert seconds(day) == {
        ("production", ""): 86400 - 240,
        ("delay", "starved"): 120,
        ("delay", "fault"): 60,
        ("delay", "other"): 60,
    }


def test_a_micro_stop_is_judged_whole_before_hours_shifts_and_days_cut_it() -> None:
    states = [(T0 - MINUTE, "EXECUTE"), (T0 + 14 * HOUR - MINUTE, "IDLE"), (T0 + 14 * HOUR + 2 * MINUTE, "EXECUTE"),
              (T0 + 24 * HOUR - MINUTE, "IDLE"), (T0 + 24 * HOUR + MINUTE, "EXECUTE")]  # fmt: skip
    late = tuple(ShiftRule(shift="late", cycle_day=day, start="14:00", end="06:00") for day in range(7))
    day = compute(
        inputs(plant(shifts=EARLY + late, day_start="00:00"), [DAY], series=series(STATE), readings=readings(states))
    )
    micro = day.intervals.filter(pl.col("sub_class") == "micro_stop")
    minutes = (pl.col("to_us") - pl.col("from_us")) // MINUTE
    assert micro.select("shift", minutes).rows() == [("early", 1), ("late", 2), ("late", 2)]


def test_the_first_stop_of_all_is_not_between_running_pieces() -> None:
    day = compute(
        inputs(plant(), [DAY], series=series(STATE), readings=readings([(T0, "IDLE"), (T0 + MINUTE, "EXECUTE")]))
    )
    assert seconds(day) == {("delay", "other"): 60, ("production", ""): 86340}


def test_the_calendar_lies_on_top_and_planned_stops_keep_their_reason() -> None:
    stops = (
        PlannedStop(key="tea", start="10:00", end="10:15"),
        PlannedStop(key="x", reason="audit", start="13:50", end="14:30"),
    )
    day = morning((0, "EXECUTE"), site={"shifts": EARLY, "planned_stops": stops})
    classes = seconds(day, ("time_class", "reason"))
    assert classes == {
        ("production", ""): 8 * 3600 - 1500, ("planned_down", "tea"): 900, ("planned_down", "audit"): 600,
        ("not_scheduled", ""): 16 * 3600,
    }  # fmt: skip


def test_the_newest_annotation_wins_over_the_state_but_not_over_the_calendar() -> None:
    notes = annotations(
        (T0 + 5 * HOUR, T0 + 7 * HOUR, "jam", None), (T0 + 6 * HOUR + 30 * MINUTE, T0 + 8 * HOUR, "change", "p")
    )
    day = morning((0, "EXECUTE"), site={"shifts": EARLY, "reasons": REASONS}, annotations=notes)
    found = seconds(day, ("time_class", "sub_class", "reason", "origin", "product"))
    assert found == {
        ("not_scheduled", "", "", "calendar", ""): 16 * 3600, ("delay", "fault", "jam", "annotation", ""): 1800,
        ("setup", "", "change", "annotation", "p"): 5400, ("production", "", "", "signal", ""): 6 * 3600,
    }  # fmt: skip


def test_a_stop_reason_explains_the_whole_stop_and_only_that() -> None:
    told = events(
        (T0 + 70 * MINUTE, "stop_reason", "", {"reason": "talk"}),
        (T0 + 75 * MINUTE, "stop_reason", "change", {}),
        (T0 + 200 * MINUTE, "stop_reason", "jam", {}),
        (T0 + 301 * MINUTE, "stop_reason", "talk", {}),
    )
    states = ((0, "EXECUTE"), (60, "STOPPED"), (72, "IDLE"), (80, "EXECUTE"), (300, "HELD"), (302, "EXECUTE"))
    day = morning(*states, site={"reasons": REASONS}, events=told)
    assert seconds(day, ("time_class", "sub_class", "reason")) == {
        ("production", "", ""): 86400 - 1320, ("setup", "", "change"): 1200, ("delay", "other", "talk"): 120,
    }  # fmt: skip
    assert [each["reason"] for each in day.findings if each["kind"] == "stop_reason_outside_stop"] == ["jam"]


@pytest.mark.parametrize(
    ("assume", "expected"), [(True, {"delay": 1800}), (False, {"delay": 600, "down_no_order": 1200})]
)
def test_a_stop_without_an_order_is_no_delay_where_orders_are_recorded(assume: bool, expected: dict[str, int]) -> None:
    jobs = (Job(asset=UNIT, key="j1", from_us=T0, to_us=T0 + 70 * MINUTE, product="p"),)
    changed = events((T0 + 85 * MINUTE, "job_change", "j2", {}), (T0 + 88 * MINUTE, "job_change", "", {}))
    states = ((0, "EXECUTE"), (63, "IDLE"), (93, "EXECUTE"))
    day = morning(*states, site={"jobs": jobs}, unit={"assume_order": assume}, events=changed)
    assert seconds(day, ("time_class",)) == {"production": 86400 - 1800, **expected}
    assert seconds(day, ("job", "product"))["j1", "p"] == 4200


def test_a_state_that_needs_parts_is_production_only_while_parts_are_counted() -> None:
    states = at((0, "EXECUTE"), (60, "STARTING"), (80, "EXECUTE"), (100, "STARTING"), (120, "EXECUTE"))
    counts = [(T0 - MINUTE, 5.0), (T0 + 60 * MINUTE, 9.0), (T0 + 120 * MINUTE, 10.0), (T0 + 121 * MINUTE, 11.0)]
    day = compute(inputs(plant(), [DAY], series=series(STATE, COUNT), readings=readings(states, counts)))
    assert seconds(day) == {("production", ""): 86400 - 1200, ("delay", "other"): 1200}
    assert amount(day, "good", time_class="production") == 6


def test_production_that_needs_parts_is_a_delay_without_them() -> None:
    slow = StateRule(state="STARTING", time_class="production", needs_parts=True)
    states = at((0, "EXECUTE"), (60, "STARTING"), (70, "EXECUTE"), (80, "STARTING"), (90, "EXECUTE"))
    counts = [(T0 - MINUTE, 5.0), (T0 + 85 * MINUTE, 6.0)]
    site = plant({"micro_stop_limit_us": 0}, state_rules=(slow,))
    day = compute(inputs(site, [DAY], series=series(STATE, COUNT), readings=readings(states, counts)))
    assert seconds(day) == {("production", ""): 86400 - 600, ("delay", ""): 600}


def test_a_silent_unit_is_unknown_from_its_limit_to_its_next_reading() -> None:
    counts = [(T0 + minute * MINUTE, 1.0) for minute in (30, 50, 100, 130)]
    unit = {"max_silence_us": 30 * MINUTE}
    day = compute(
        inputs(plant(unit), [DAY], series=series(STATE, COUNT), readings=readings(at((0, "EXECUTE")), counts))
    )
    unknown = day.intervals.filter(pl.col("time_class") == "unknown").select("from_us", "to_us", "origin").rows()
    spans = [(29, 30), (80, 100), (160, 1440)]
    assert unknown == [(T0 + begin * MINUTE, T0 + end * MINUTE, "none") for begin, end in spans]


def test_failures_close_whole_and_planned_time_inside_does_not_end_them() -> None:
    stops = (PlannedStop(key="tea", start="07:30", end="08:00"),)
    states = ((0, "EXECUTE"), (7 * 60, "ABORTED"), (9 * 60, "EXECUTE"), (11 * 60, "ABORTED"), (12 * 60, "SUSPENDED"),
              (13 * 60, "ABORTED"))  # fmt: skip
    day = morning(*states, site={"shifts": EARLY, "planned_stops": stops})
    assert (amount(day, "failures"), amount(day, "between_failures")) == (2, 2)
    durations = day.atoms.filter(pl.col("quantity") != "time").drop_nulls("duration_us")
    rows = durations.sort("hour_us", "quantity").select("quantity", "hour_us", pl.col("duration_us") // MINUTE).rows()
    assert rows == [
        ("repair_time", T0 + 9 * HOUR, 90), ("time_between_failures", T0 + 11 * HOUR, 120),
        ("repair_time", T0 + 12 * HOUR, 60), ("time_between_failures", T0 + 13 * HOUR, 0),
    ]  # fmt: skip
    (line,) = [each for each in day.carry["payload"] if '"failure"' in each]
    assert f'"open_us":{60 * MINUTE}' in line


def test_the_mode_of_a_machine_changes_what_its_states_mean() -> None:
    cleaning = StateRule(state="IDLE", mode="Manual", time_class="planned_down")
    site = plant({"micro_stop_limit_us": 0}, state_rules=(cleaning,))
    states = at((0, "EXECUTE"), (60, "IDLE"), (120, "EXECUTE"))
    said: list[tuple[int, str | None]] = [(30, "SETUP"), (40, "EXECUTE"), (90, "manual"), (130, None)]
    modes = [(T0 + minute * MINUTE, mode) for minute, mode in said]
    given = series(STATE, {"quantity": "mode", "kind": "state"})
    day = compute(inputs(site, [DAY], series=given, readings=readings(states, modes), symbols=symbols("manual")))
    found = day.intervals.select("from_us", "time_class").rows()
    assert [((ts - T0) // MINUTE, time_class) for ts, time_class in found] == [
        (0, "production"), (30, "setup"), (40, "production"), (60, "delay"), (90, "planned_down"),
        (120, "setup"), (130, "production"),
    ]  # fmt: skip
