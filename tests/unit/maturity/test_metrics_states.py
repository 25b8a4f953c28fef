"""Metrics of state intervals: stops, reasons, changeovers, repeated failures, answers to alerts."""

from typing import Any

import pytest

from maturity import facts as schemas
from tests.unit.maturity.invented_facts import (
    DAYS,
    at,
    facts,
    frame,
    interval,
    intervals,
    measure,
    qualities,
    quality,
)

B: dict[str, Any] = {"asset": "l/b"}
STATES = [
    "data.named_state_share",
    "data.stop_reason_share",
    "data.stops_by_signal_share",
    "data.starved_blocked_share",
    "data.changeover_variation",
    "data.changeover_median",
    "data.repeat_failure_rate",
    "data.alarm_response_median",
]


@pytest.mark.parametrize("metric", STATES)
def test_nothing_there_is_nothing_known(metric: str) -> None:
    found = measure(metric, facts())
    assert (found.value, bool(found.missing)) == (None, True)


@pytest.mark.parametrize("metric", [name for name in STATES if name != "data.named_state_share"])
def test_production_alone_tells_of_no_stop(metric: str) -> None:
    assert measure(metric, facts(intervals=intervals(interval(0, 10, "production")))).value is None


def test_unknown_time_is_not_named() -> None:
    rows = intervals(interval(0, 9, "production"), interval(9, 10, "unknown"), interval(10, 24, "not_scheduled"))
    assert measure("data.named_state_share", facts(intervals=rows)).value == pytest.approx(0.9)


def test_a_state_held_by_a_silent_machine_is_not_complete() -> None:
    """Nothing came on the second day, and the other machine was never heard."""
    found = facts(
        intervals=intervals(interval(0, 24, "production"), interval(24, 48, "production")),
        quality=qualities(quality(DAYS[0], 144, 144), quality(DAYS[1], 0, 144)),
    )
    shown = measure("data.named_state_share", found)
    assert (shown.value, shown.completeness) == (1.0, 0.25)


def test_a_machine_that_speaks_by_exception_may_be_silent_on_days_off() -> None:
    found = facts(
        intervals=intervals(interval(0, 24, "production", **B), interval(24, 48, "not_scheduled", **B)),
        quality=qualities(quality(DAYS[0], 5, **B), quality(DAYS[1], 0, **B)),
    )
    assert measure("data.named_state_share", found, "critical_machines").completeness == 1.0


def test_neither_a_micro_stop_nor_a_wait_needs_a_reason() -> None:
    rows = intervals(
        interval(0, 1, "delay", "fault", reason="belt"),
        interval(1, 2, "delay", "other"),
        interval(2, 6, "delay", "micro_stop"),
        interval(6, 9, "delay", "starved"),  # what it waits for is a stop of another machine
        interval(9, 11, "delay", "blocked", reason="no pallet"),
    )
    found = measure("data.stop_reason_share", facts(intervals=rows))
    assert (found.value, found.detail) == (0.75, {"minutes": 240.0, "of_them": 180.0})


def test_stops_by_signal_are_whole_and_long_enough() -> None:
    told = {"origin": "annotation", "original_class": "delay"}
    rows = intervals(
        interval(0, 1, "delay", "fault"),
        interval(1, 2, "delay", "fault", **told),  # the same stop
        interval(3, 4, "delay", "other", origin="annotation", original_class="production"),
        interval(5, 5.01, "delay", "other"),  # 36 s
    )
    found = measure("data.stops_by_signal_share", facts(intervals=rows), min_stop_s=60)
    assert (found.value, found.detail["stops"]) == (0.5, 2)


def test_waits_are_shares_of_planned_time_where_they_can_be_told() -> None:
    rows = intervals(
        interval(0, 8, "production"), interval(8, 9, "delay", "starved"), interval(9, 10, "delay", "blocked")
    )
    assert measure("data.starved_blocked_share", facts(intervals=rows)).value == pytest.approx(0.2)
    others = intervals(interval(0, 8, "production"), interval(8, 9, "delay", "fault"))
    assert measure("data.starved_blocked_share", facts(intervals=others)).value is None


def setups(*hours: float, **more: str) -> list[dict[str, Any]]:
    """Changeovers of so many hours, one every six hours."""
    return [interval(6 * place, 6 * place + length, "setup", **more) for place, length in enumerate(hours)]


def test_variation_is_within_machines() -> None:
    """Machine b takes ten times as long, and is as steady as a."""
    rows = intervals(*setups(0.4, 0.6), *setups(4.0, 6.0, **B))
    found = measure("data.changeover_variation", facts(intervals=rows))
    assert found.value == pytest.approx(0.2 * 2**0.5)
    assert found.detail["changeovers"] == 4
    single = intervals(*setups(0.4), *setups(4.0, **B))
    assert "l/a: 1, l/b: 1" in str(measure("data.changeover_variation", facts(intervals=single)).missing)


def test_touching_parts_of_a_changeover_are_one() -> None:
    rows = intervals(interval(5, 6, "setup", shift="A"), interval(6, 7, "setup", shift="B"), interval(10, 11, "setup"))
    assert measure("data.changeover_median", facts(intervals=rows)).value == 1.5 * 3600


def test_failures_repeat_on_the_same_machine_for_the_same_reason() -> None:
    fault = [
        interval(0, 1, "delay", "fault", reason="belt"),
        interval(5, 6, "delay", "fault", reason="belt"),
        interval(5, 6, "delay", "fault", reason="belt", **B),
        interval(30, 31, "delay", "fault", reason="drive"),
        interval(40, 41, "delay", "fault"),
    ]
    found = measure("data.repeat_failure_rate", facts(intervals=intervals(*fault)), within_days=1)
    assert (found.value, found.detail) == (0.25, {"failures": 5, "with_reason": 4, "repeated": 1})
    assert measure("data.repeat_failure_rate", facts(intervals=intervals(*fault)), within_days=0.1).value == 0.0


def test_an_alert_that_nobody_answered_counts_until_the_end() -> None:
    rows = [{"from_us": at(0), "acknowledged_us": at(1)}, {"from_us": at(46)}, {"from_us": at(10)}]
    found = measure("data.alarm_response_median", facts(alerts=frame(schemas.ALERTS, rows)))
    assert found.value == 2 * 3600
