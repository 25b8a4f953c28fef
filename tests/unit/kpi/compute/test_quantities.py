"""Counters, records, energy and completeness by hand."""

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest

from kpi.compute import compute
from kpi.frames import Tables
from kpi.sums import ordered_sum, total
from model.registry import Job, PlannedStop, Routing, ShiftRule
from tests.unit.kpi.compute.plants import (
    HOUR,
    MINUTE,
    SECOND,
    UNIT,
    amount,
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
SHIFTS = tuple(ShiftRule(shift="early", cycle_day=day, start="06:00", end="14:00") for day in range(7))


def counter(values: list[float | None], step: int = 5 * MINUTE, **attributes: Any) -> Tables:
    """A counter read every five minutes, first at midnight."""
    rows = [(T0 + number * step, value) for number, value in enumerate(values)]
    return compute(
        inputs(plant(), [DAY], series=series({"quantity": "good_count", **attributes}), readings=readings(rows))
    )


@pytest.mark.parametrize(
    ("values", "attributes", "good"),
    [
        ([10, 12, 15], {}, 5),
        ([10, 12, 3, 5], {}, 7),
        ([65533, 65535, 1], {"counter_rule": "rollover", "counter_modulus": 65536.0}, 4),
        ([2379, 0, 2388], {"counter_rule": "false_zero"}, 9),
        ([2379, 0, 0, 5, 6], {"counter_rule": "false_zero"}, 6),
        ([0, 0, 2], {"counter_rule": "false_zero"}, 2),
        ([2379, None, 2388], {}, 9),
    ],
)
def test_counter_rules(values: list[float | None], attributes: dict[str, Any], good: int) -> None:
    assert amount(counter(values, **attributes), "good") == good


def test_resets_are_counted_and_a_first_sight_is_a_partial_start() -> None:
    findings = counter([None, 10, 3, 5, 1]).findings
    assert {"kind": "counter_reset", "asset": UNIT, "series": "good_count", "times": 2} in findings
    assert {"kind": "partial_start", "asset": UNIT, "series": "good_count", "ts": T0 + 5 * MINUTE} in findings


def test_a_jump_over_a_gap_is_in_no_performance_and_a_spike_in_nothing() -> None:
    read = ((0, 0), (5, 5), (60, 45), (65, 90000), (70, 50), (71, 80000))
    rows = [(T0 + minute * MINUTE, float(value)) for minute, value in read]
    one = series({"quantity": "good_count", "max_gap_us": 10 * MINUTE, "max_rate_per_s": 1.0})
    day = compute(inputs(plant(), [DAY], series=one, readings=readings(rows)))
    found = {name: amount(day, name) for name in ("good", "unattributed", "anomaly", "ideal_time_total")}
    assert found == {"good": 10, "unattributed": 40, "anomaly": 79950, "ideal_time_total": 100}


@pytest.mark.parametrize(
    ("quantities", "good", "reject"),
    [
        (("good_count", "reject_count"), 60, 7), (("total_count", "reject_count"), 53, 7), (("good_count",), 60, 0),
        (("total_count",), 60, 0), (("good_count", "total_count"), 60, 0), (("reject_count",), 0, 7),
    ],
)  # fmt: skip
def test_good_and_reject_from_whatever_is_counted(quantities: tuple[str, ...], good: int, reject: int) -> None:
    ends = {"good_count": 60.0, "total_count": 60.0, "reject_count": 7.0}
    rows = [[(T0, 0.0), (T0 + HOUR, ends[name])] for name in quantities]
    day = compute(
        inputs(plant(), [DAY], series=series(*({"quantity": name} for name in quantities)), readings=readings(*rows))
    )
    assert (amount(day, "good"), amount(day, "reject")) == (good, reject)
    assert amount(day, "ideal_time_total") == 10 * (good + reject)


def test_an_increment_belongs_to_the_piece_that_ends_with_its_reading() -> None:
    changes = events((T0 + HOUR, "product_change", "q", {}), (T0 - HOUR, "product_change", "", {"product": "p"}))
    rows = [(T0 - MINUTE, 0.0), (T0, 1.0), (T0 + HOUR, 3.0), (T0 + 24 * HOUR, 7.0), (T0 + 25 * HOUR, 15.0)]
    routings = (Routing(ideal_cycle_us=30 * SECOND, pieces_per_cycle=3, product="q"),)
    given = inputs(
        plant(routings=routings),
        [DAY],
        series=series({"quantity": "good_count"}),
        readings=readings(rows),
        events=changes,
    )
    day = compute(given)
    assert (amount(day, "good", product="p"), amount(day, "good", product="q")) == (2, 4)
    assert (amount(day, "ideal_time_good"), amount(day, "no_ideal")) == (40, 2)
    assert {"kind": "missing_ideal_cycle", "asset": UNIT, "product": "p", "tool": "", "pieces": 2.0} in day.findings


def test_the_newest_job_wins_and_the_older_one_goes_on_when_it_ends() -> None:
    jobs = (
        Job(asset=UNIT, key="long", from_us=T0 - HOUR, to_us=T0 + 9 * HOUR, product="p"),
        Job(asset=UNIT, key="rush", from_us=T0 + 2 * HOUR, to_us=T0 + 3 * HOUR, product="q"),
        Job(asset=UNIT, key="next", from_us=T0 + 9 * HOUR, to_us=T0 + 10 * HOUR),
    )
    state = {"quantity": "state", "kind": "state"}
    day = compute(inputs(plant(jobs=jobs), [DAY], series=series(state), readings=readings([(T0 - HOUR, "EXECUTE")])))
    hours = {key: spent / 3600 for key, spent in seconds(day, ("job", "product")).items()}
    assert hours == {("long", "p"): 8, ("rush", "q"): 1, ("next", ""): 1, ("", ""): 14}


TELLS = {"quantity": "job", "kind": "state"}
REGISTER = {"quantity": "job", "kind": "gauge"}


@pytest.mark.parametrize(
    ("series_of_job", "column", "keys"),
    [
        (TELLS, ["j1", None, "", "j2"], ("j1", "j2")),
        (REGISTER, [4711.0, None, 0.0, 4712.0], ("4711", "4712")),
    ],
)
def test_a_job_that_the_machine_tells_wins_over_orders_and_events(
    series_of_job: dict[str, Any], column: list[float | str | None], keys: tuple[str, str]
) -> None:
    one, two = keys
    jobs = (
        Job(asset=UNIT, key=one, from_us=T0 - 9 * HOUR, to_us=T0 - 8 * HOUR, product="p"),
        Job(asset=UNIT, key="other", from_us=T0, to_us=T0 + 20 * HOUR, product="r"),
    )
    at = [T0 - HOUR, T0 + 2 * HOUR, T0 + 3 * HOUR, T0 + 4 * HOUR]
    told = events((T0 + HOUR, "job_change", "event", {}), (T0 + 5 * HOUR, "product_change", "q", {}))
    given = inputs(
        plant(jobs=jobs),
        [DAY],
        series=series({"quantity": "state", "kind": "state"}, series_of_job),
        readings=readings([(T0 - HOUR, "EXECUTE")], list(zip(at, column, strict=True))),
        events=told,
        symbols=symbols("j2"),
    )
    hours = {key: spent / 3600 for key, spent in seconds(compute(given), ("job", "product")).items()}
    assert hours == {(one, "p"): 2, ("", ""): 2, (two, ""): 1, (two, "q"): 19}


def test_a_product_that_the_machine_tells_wins_over_that_of_its_order() -> None:
    jobs = (Job(asset=UNIT, key="long", from_us=T0 - HOUR, to_us=T0 + 9 * HOUR, product="p"),)
    given = inputs(
        plant(jobs=jobs),
        [DAY],
        series=series({"quantity": "state", "kind": "state"}, {"quantity": "product", "kind": "state"}),
        readings=readings([(T0 - HOUR, "EXECUTE")], [(T0 + HOUR, "q"), (T0 + 20 * HOUR, "")]),
    )
    hours = {key: spent / 3600 for key, spent in seconds(compute(given), ("job", "product")).items()}
    assert hours[("long", "q")] == 8


def test_what_the_order_that_the_machine_tells_makes_does_not_depend_on_how_often_it_says_so() -> None:
    jobs = (Job(asset=UNIT, key="j1", from_us=T0, product="p"),)
    for again in ([], [(T0 + 2 * HOUR, "j1")], [(T0 - HOUR, "j1"), (T0 + 4 * HOUR, "j1")]):
        given = inputs(
            plant(jobs=jobs),
            [DAY],
            series=series({"quantity": "state", "kind": "state"}, {"quantity": "job", "kind": "state"}),
            readings=readings([(T0 - HOUR, "EXECUTE")], [(T0 - 2 * HOUR, "j1"), *again]),
            events=events((T0 + HOUR, "product_change", "q", {})),
        )
        assert seconds(compute(given), ("job", "product")) == {("j1", "p"): 24 * 3600}


def test_a_job_does_not_change_that_the_machine_tells_no_product() -> None:
    jobs = (Job(asset=UNIT, key="j", from_us=T0 + 3 * HOUR, product="p"),)
    given = inputs(
        plant(jobs=jobs),
        [DAY],
        series=series({"quantity": "state", "kind": "state"}, {"quantity": "product", "kind": "state"}),
        readings=readings([(T0 - HOUR, "EXECUTE")], [(T0 - 2 * HOUR, "q"), (T0 + HOUR, ""), (T0 + 5 * HOUR, "")]),
    )
    hours = {key: spent / 3600 for key, spent in seconds(compute(given), ("job", "product")).items()}
    assert hours == {("", "q"): 1, ("", ""): 2, ("j", ""): 21}


def slot(begin: int, key: str, **payload: Any) -> tuple[int, str, str, dict[str, Any]]:
    return (
        T0 + begin * HOUR,
        "production_run",
        key,
        {"from_us": T0 + begin * HOUR, "to_us": T0 + (begin + 8) * HOUR, **payload},
    )


def test_records_share_their_slot_by_ideal_time_and_none_is_dropped() -> None:
    routings = (Routing(ideal_cycle_us=20 * SECOND, tool="a"), Routing(ideal_cycle_us=10 * SECOND, tool="b"))
    runs = events(
        slot(6, "1", product="p", tool="a", cycles=300, good=290, reject={"short": 10}, total=300),
        slot(6, "2", product="q", tool="b", cycles=200, good=400, job="j"),
        slot(6, "3", product="r", tool="a", cycles=0, good=0),
        slot(14, "4", product="p", tool="none", cycles=0),
    )
    stops = (PlannedStop(key="tea", start="08:00", end="09:00"),)
    day = compute(inputs(plant(shifts=SHIFTS, routings=routings, planned_stops=stops), [DAY], events=runs))
    classes = seconds(day, ("time_class", "product", "job"))
    assert classes["production", "p", ""] == 5 * 3600
    assert classes["production", "q", "j"] == 2 * 3600
    assert {origin for origin, kind in day.intervals.select("origin", "time_class").rows() if kind == "production"} == {
        "record"
    }
    goods = (
        day.atoms.filter(pl.col("quantity") == "good")
        .group_by("product")
        .agg(pl.col("amount").sum())
        .sort("product")
        .rows()
    )
    assert goods == [("p", 290.0), ("q", 400.0), ("r", 0.0)]
    assert (amount(day, "cycles"), amount(day, "reject", qualifier="short")) == (500, 10)
    assert amount(day, "ideal_time_total") == pytest.approx(300 * 20 + 200 * 10, rel=1e-12)
    assert amount(day, "ideal_time_good", product="p") == pytest.approx(290 * 20, rel=1e-12)
    assert amount(day, "good", time_class="planned_down") == 0


def test_a_record_without_cycles_is_a_delay_and_one_without_a_standard_is_listed() -> None:
    runs = events(
        slot(6, "1", product="p", cycles=0), slot(14, "2", product="q", tool="new", cycles=9, good=9, total=10)
    )
    day = compute(inputs(plant(routings=()), [DAY], events=runs))
    assert seconds(day) == {("delay", "other"): 28800, ("production", ""): 28800, ("unknown", ""): 28800}
    assert {"kind": "missing_ideal_cycle", "asset": UNIT, "product": "q", "tool": "new", "pieces": 9.0} in day.findings
    assert [each["total"] for each in day.findings if each["kind"] == "count_mismatch"] == [10.0]
    assert amount(day, "no_ideal") == 9


def test_a_record_whose_counts_are_no_numbers_is_listed_and_keeps_nothing_else_from_being_computed() -> None:
    runs = events(
        slot(6, "1", product="p", cycles="300", good=300),
        *(slot(14, key, **payload) for key, payload in (("2", {"good": "many"}), ("3", {"reject": {"a": 10**400}}))),
    )
    day = compute(inputs(plant(), [DAY], events=runs))
    assert amount(day, "good") == amount(day, "cycles") == 300
    odd = [(each["record"], each["fields"]) for each in day.findings if each["kind"] == "bad_record"]
    assert sorted(odd) == [("production_run 2", ["good"]), ("production_run 3", ["reject"])]


def test_a_record_without_time_of_its_own_counts_on_the_day_of_its_slot() -> None:
    runs = events(slot(16, "1", product="p", cycles=0, good=0), slot(16, "2", product="q", cycles=0, good=3))
    days = [DAY, DAY + timedelta(days=1)]
    whole = compute(inputs(plant(), days, events=runs)).atoms.filter(pl.col("quantity") == "good")
    assert whole.select("production_day", "product", "amount").rows() == [(DAY, "p", 0.0), (DAY, "q", 3.0)]
    assert compute(inputs(plant(), [DAY], events=runs)).atoms.filter(pl.col("quantity") == "good").equals(whole)


def test_energy_is_split_between_readings_and_over_a_gap_has_no_class() -> None:
    meter = {"quantity": "active_energy", "max_gap_us": 2 * HOUR}
    rows = [
        (T0 - HOUR, 100.0),
        (T0 + HOUR, 104.0),
        (T0 + 3 * HOUR, 110.0),
        (T0 + 9 * HOUR, 122.0),
        (T0 + 10 * HOUR, 3.0),
    ]
    states = [(T0 - HOUR, "EXECUTE"), (T0 + 2 * HOUR, "ABORTED")]
    day = compute(
        inputs(
            plant(),
            [DAY],
            series=series(meter, {"quantity": "state", "kind": "state"}),
            readings=readings(rows, states),
        )
    )
    found = {name: amount(day, "energy", time_class=name) for name in ("production", "delay", "")}
    assert found == {"production": 5.0, "delay": 6.0, "": 12.0}
    demand = day.interval_series.select("from_us", "value").rows()
    assert demand[:3] == [(T0, 2.0), (T0 + HOUR // 2, 2.0), (T0 + HOUR, 3.0)]
    assert [at for at, _ in demand] == [T0 + n * HOUR // 2 for n in (0, 1, 2, 3, 4, 5, 18, 19)]


@pytest.mark.parametrize(("label", "inside"), [("end", 4.0), ("start", 8.0)])
def test_interval_meters_are_labelled_at_one_end(label: str, inside: float) -> None:
    meter = {"quantity": "active_energy", "kind": "delta", "interval_us": 15 * MINUTE, "interval_label": label}
    rows = [(T0 + n * 15 * MINUTE, value) for n, value in ((-1, 1.0), (0, 2.0), (1, 4.0), (96, 0.0), (97, 64.0))]
    rows = [row for row in rows if row[0] != T0 or label == "end"] + ([(T0, 4.0)] if label == "start" else [])
    day = compute(inputs(plant(demand_interval_us=15 * MINUTE), [DAY], series=series(meter), readings=readings(rows)))
    assert amount(day, "energy") == inside
    assert day.interval_series["value"][0] == 16.0


def test_power_is_held_until_the_next_value_but_not_over_a_gap() -> None:
    power = {"quantity": "active_power", "kind": "gauge", "max_gap_us": HOUR}
    rows = [(T0 - HOUR // 2, 6.0), (T0 + HOUR // 4, 2.0), (T0 + 5 * HOUR, 1.0), (T0 + 5 * HOUR + MINUTE, None)]
    day = compute(inputs(plant(), [DAY], series=series(power), readings=readings(rows)))
    assert amount(day, "energy") == pytest.approx(6 / 4 + 2 + 1 / 60, rel=1e-12)


def test_completeness_counts_what_came_and_what_was_due() -> None:
    gauge = {"quantity": "temperature", "kind": "gauge", "expected_period_us": 15 * MINUTE}
    rows = [(T0 + n * 15 * MINUTE, None if n == 5 else 20.0) for n in range(97) if n != 7]
    day = compute(inputs(plant(), [DAY], series=series(gauge), readings=readings(rows)))
    assert (amount(day, "received", qualifier="temperature"), amount(day, "expected", qualifier="temperature")) == (
        94,
        96,
    )


def test_sums_do_not_depend_on_order() -> None:
    values = [1e16, 1.0, -1e16, 0.1, 0.2, 0.3] * 50
    one = pl.DataFrame({"k": ["a", "b"] * 150, "v": values})
    assert ordered_sum(one, ["k"], "v").equals(ordered_sum(one.reverse(), ["k"], "v"))
    assert total(one["v"]) == total(one.reverse()["v"])
