"""Shipped state models and a site's own: state and mode of a machine to the class of its time."""

from datetime import date, timedelta

import polars as pl
import pytest

from kpi.compute import compute
from model.data import state_models
from model.registry import StateRule
from model.vocabulary import SubClass, TimeClass
from tests.unit.kpi.compute.plants import (
    HOUR,
    MINUTE,
    UNIT,
    day_by_day,
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
MODE = {"quantity": "mode", "kind": "state"}


def class_of(model: str, state: str, mode: str | None = None, *rules: StateRule, assume_order: bool = True) -> str:
    """The class, sub-class and reason of a whole day in one state and mode."""
    site = plant({"state_model": model, "assume_order": assume_order}, state_rules=rules)
    modes = [] if mode is None else [(T0 - HOUR, mode)]
    given = inputs(
        site, [DAY], series=series(STATE, MODE), readings=readings([(T0 - HOUR, state)], modes),
        symbols=symbols(*{state, mode or state} - {"HELD", "Execute", ""}),
    )  # fmt: skip
    ((found, _),) = seconds(compute(given), ("time_class", "sub_class", "reason")).items()
    return "/".join(found).rstrip("/")


@pytest.mark.parametrize(
    ("model", "state", "mode", "expected"),
    [
        ("packml", "EXECUTE", "Production", "production"),
        ("packml", "HELD", "Production", "delay/other"),
        ("packml", "SUSPENDED", None, "delay/starved"),
        ("packml", "ABORTED", "Production", "delay/fault"),
        ("packml", "EXECUTE", "Maintenance", "delay/other/maintenance"),
        ("packml", "IDLE", "Manual", "setup"),
        ("packml", "STOPPED", "Setup", "setup"),
        ("packml", "UNDEFINED", "Maintenance", "unknown"),
        ("mtconnect", "ACTIVE", None, "production"),
        ("mtconnect", "FEED_HOLD", None, "delay/other"),
        ("mtconnect", "WAIT", None, "delay/starved"),
        ("mtconnect", "UNAVAILABLE", None, "unknown"),
        ("opcua_machinery", "Executing", "Processing", "production"),
        ("opcua_machinery", "Executing", "Setup", "setup"),
        ("opcua_machinery", "NotExecuting", "Processing", "delay/other"),
        ("opcua_machinery", "NotExecuting", "Maintenance", "delay/other/maintenance"),
        ("opcua_machinery", "OutOfService", "Processing", "delay/fault"),
        ("semi_e10", "Productive", None, "production"),
        ("semi_e10", "Standby", None, "delay/other"),
        ("semi_e10", "Engineering", None, "planned_down//engineering"),
        ("semi_e10", "Scheduled_Downtime", None, "planned_down//scheduled_downtime"),
        ("semi_e10", "Unscheduled_Downtime", None, "delay/fault"),
        ("semi_e10", "Non_Scheduled", None, "not_scheduled//non_scheduled"),
        ("packml", "SUSPENDING", "Production", "delay/starved"),
        ("packml", "HOLDING", "Production", "delay/other"),
        *(("packml", name, "Production", "delay/other") for name in ("STARTING", "COMPLETING", "UNHOLDING")),
        *(("packml", name, "Production", "delay/other") for name in ("STOPPING", "STOPPED", "RESETTING", "COMPLETED")),
        *(("packml", name, "Production", "delay/fault") for name in ("ABORTING", "CLEARING")),
        ("opcua_machinery", "NotAvailable", "Processing", "delay/other"),
        ("opcua_machinery", "OutOfService", "Maintenance", "delay/other/maintenance"),
        ("packml", "of nobody", None, "unknown"),
    ],
)
def test_a_state_in_a_mode_has_its_class(model: str, state: str, mode: str | None, expected: str) -> None:
    assert class_of(model, state, mode) == expected


@pytest.mark.parametrize(
    ("model", "state"),
    [
        ("packml", "IDLE"),
        *(("packml", name) for name in ("STOPPED", "ABORTED", "CLEARING", "RESETTING", "COMPLETED")),
        ("mtconnect", "READY"),
        *(("opcua_machinery", name) for name in ("NotExecuting", "OutOfService", "NotAvailable")),
        ("semi_e10", "STANDBY"),
    ],
)
def test_waiting_without_an_order_is_down_where_orders_are_recorded(model: str, state: str) -> None:
    assert class_of(model, state, assume_order=False) == "down_no_order"


def test_a_model_of_the_own_needs_no_shipped_one() -> None:
    rules = (
        StateRule(state="läuft", time_class="production"),
        StateRule(state="steht", time_class="delay", sub_class="blocked", reason="jam"),
        StateRule(state="*", mode="wash", time_class="planned_down", reason="cleaning"),
    )
    told = [
        class_of("own", state, mode, *rules) for state, mode in (("LÄUFT", None), ("steht", None), ("läuft", "Wash"))
    ]
    assert told == ["production", "delay/blocked/jam", "planned_down//cleaning"]
    assert class_of("own", "EXECUTE", None, *rules) == "unknown"


def test_shipped_models_use_known_classes_only() -> None:
    classes, subs = {each.value for each in TimeClass}, {"", *(each.value for each in SubClass)}
    for model, states in state_models().items():
        for name, meaning in states.items():
            assert meaning["time_class"] in classes, (model, name)
            assert meaning.get("sub_class", "") in subs, (model, name)
            assert meaning["time_class"] == "delay" or not meaning.get("sub_class"), (model, name)


@pytest.mark.parametrize(
    ("before", "after", "micro"),
    [
        (None, None, True),  # the pieces of production around it lie past the window
        ("STOPPED", None, False),  # began long before the window
        (None, "HELD", False),  # goes on after it
    ],
)
def test_a_stop_at_the_border_is_judged_by_what_lies_past_it(
    before: str | None, after: str | None, micro: bool
) -> None:
    """From 23:58 on the day before to 00:02, and again at the end of the day."""
    end = T0 + 24 * HOUR
    states = [
        (T0 - HOUR, before or "EXECUTE"), (T0 - 2 * MINUTE, "IDLE"), (T0 + 2 * MINUTE, "EXECUTE"),
        (end - 2 * MINUTE, "IDLE"), (end + 2 * MINUTE, after or "EXECUTE"),
    ]  # fmt: skip
    whole = inputs(plant(), [DAY - timedelta(days=1), DAY], series=series(STATE), readings=readings(states))
    day = day_by_day(whole)[-1]
    stops = day.intervals.filter(pl.col("time_class") == "delay")["sub_class"].to_list()
    assert stops == (
        ["micro_stop"] * 2 if micro else ["other" if before else "micro_stop", "other" if after else "micro_stop"]
    )


def test_the_carry_tells_how_long_a_stop_has_lasted_when_its_begin_is_not_read_any_more() -> None:
    states = [(T0 + 24 * HOUR - 4 * MINUTE, "IDLE"), (T0 + 24 * HOUR + 2 * MINUTE, "EXECUTE")]
    carried = {"class": "delay", "sub": "other", "reason": "", "stop": True, "after_run": True}
    site, at = plant(), [date(2026, 11, 21)]
    for since, sub in ((T0 + 24 * HOUR - 3 * MINUTE, "micro_stop"), (T0 + 24 * HOUR - 4 * MINUTE, "other")):
        given = inputs(
            site,
            at,
            series=series(STATE),
            readings=readings(states),
            carry={UNIT: {"line": {**carried, "since_us": since}}},
        )
        assert compute(given).intervals["sub_class"].to_list()[0] == sub
