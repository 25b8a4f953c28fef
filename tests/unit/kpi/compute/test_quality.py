"""What is said of the readings of one series in one day, by hand."""

from datetime import date
from typing import Any

import pytest

from kpi.compute import compute
from model.registry import Series
from tests.unit.kpi.compute.plants import HOUR, MINUTE, UNIT, inputs, plant, readings, series, us

DAY = date(2026, 11, 20)
T0 = us("2026-11-20T00:00")
STATE = {"quantity": "state", "kind": "state"}
ON = [(T0 - MINUTE, "EXECUTE")]
Column = list[tuple[int, float | str | None]]


def measured(column: Column, *, until_us: int | None = None, states: Any = ON, **rules: Any) -> dict[str, Any]:
    """Quality of a temperature that is due every minute, unless told otherwise."""
    rules = {"kind": "gauge", "expected_period_us": MINUTE, **rules}
    site = plant(series=(Series(asset=UNIT, name="temperature", quantity="temperature", **rules),))
    given = series(STATE, {"quantity": "temperature", **rules})
    tables = compute(inputs(site, [DAY], series=given, readings=readings(states, column), until_us=until_us))
    return tables.quality.filter(name="temperature").row(0, named=True)


def every(minutes: int, first: int = 0, last: int = 1440) -> Column:
    return [(T0 + each * MINUTE, float(each % 7)) for each in range(first, last + 1, minutes)]


def test_a_full_day_has_all_its_readings_and_no_gap() -> None:
    found = measured(every(1))
    assert (found["rows"], found["received"], found["expected"]) == (1440, 1440, 1440)
    assert (found["gaps"], found["gap_us"], found["flat_spans"], found["last_us"]) == (0, 0, 0, T0 + 24 * HOUR)


def test_gaps_count_where_they_begin_and_last_whole() -> None:
    column: Column = [*every(1, 0, 100), *every(1, 110, 200), (T0 + 201 * MINUTE, None), *every(1, 205, 1430)]
    found = measured(column, max_gap_us=5 * MINUTE)
    assert (found["gaps"], found["gap_us"], found["longest_gap_us"]) == (3, 24 * MINUTE, 10 * MINUTE)
    assert (found["rows"], found["received"]) == (len(column) - 1, len(column) - 2)


def test_what_began_before_the_day_is_time_but_no_gap_of_it() -> None:
    found = measured([(T0 - HOUR, 1.0), *every(1, 30)])
    assert (found["gaps"], found["gap_us"]) == (0, 30 * MINUTE)
    assert measured([])["gap_us"] == 24 * HOUR


def test_one_that_reports_changes_only_is_covered_until_it_says_otherwise() -> None:
    column: Column = [(T0 - HOUR, 1.0), (T0 + 2 * HOUR, None), (T0 + 5 * HOUR, 2.0)]
    found = measured(column, expected_period_us=None)
    assert (found["expected"], found["gaps"], found["gap_us"]) == (0, 1, 3 * HOUR)


def test_an_open_day_is_judged_until_now() -> None:
    found = measured(every(1, 0, 100), until_us=T0 + 102 * MINUTE)
    assert (found["to_us"], found["expected"], found["gap_us"]) == (T0 + 102 * MINUTE, 102, 0)


@pytest.mark.parametrize(("off", "spans", "minutes"), [(None, 1, 110), (90, 1, 80), (50, 0, 0)])
def test_a_value_stands_still_only_while_the_unit_produces(off: int | None, spans: int, minutes: int) -> None:
    still: Column = [(ts, 5.0 if T0 + 10 * MINUTE <= ts < T0 + 120 * MINUTE else value) for ts, value in every(1)]
    states = ON if off is None else [*ON, (T0 + off * MINUTE, "STOPPED")]
    found = measured(still, states=states)
    assert (found["flat_spans"], found["flat_us"]) == (spans, minutes * MINUTE)
    assert measured(still, states=states, flat_limit_us=2 * HOUR)["flat_spans"] == 0


def test_values_that_cannot_be_are_counted() -> None:
    column: Column = [*every(1), (T0 + MINUTE // 2, -300.0), (T0 + MINUTE // 3, 900.0)]
    assert measured(sorted(column), valid_low=-50.0, valid_high=400.0)["out_of_range"] == 2


def test_falls_of_a_counter_are_counted_in_their_day() -> None:
    column: Column = [(T0 - MINUTE, 5.0), (T0 + MINUTE, 2.0), (T0 + HOUR, 9.0), (T0 + 2 * HOUR, 1.0)]
    given = series(STATE, {"quantity": "good_count"})
    tables = compute(inputs(plant(), [DAY], series=given, readings=readings(ON, column)))
    assert tables.quality.filter(name="good_count")["resets"].to_list() == [2]
