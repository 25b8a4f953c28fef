"""The generator of plants really makes what the properties are said to hold for."""

from collections import Counter
from random import Random

import polars as pl

from kpi.frames import Inputs, Tables
from model.calendar import calendar_of
from tests.unit.kpi.compute.fleets import PLACES, Fleet, everything_of, inputs_of, tables_of

HOUR_US = 3_600_000_000
PLANTS, LEAST = 60, 10


def fleet(seed: int) -> Fleet:
    chance = Random(seed)  # noqa: S311 - test data
    return Fleet(
        place=PLACES[seed],
        days=3,
        holiday=1,
        day_start="06:00",
        tariff=True,
        calendars=seed,
        numbers=tuple(chance.sample(range(2**40), PLANTS)),
    )


def of_calendars(whole: Inputs, tables: Tables) -> dict[str, int]:
    calendars = [calendar_of(whole.site, each.key) for each in whole.site.assets if each.key.endswith("/m1")]
    length = (pl.col("to_us") - pl.col("from_us")) / HOUR_US
    days = tables.windows.filter(pl.col("shift") == "").with_columns(length.alias("h"))
    return {
        "rotations": sum(any(rule.cycle_days != 7 for rule in each.rules) for each in calendars),
        "changed": sum(any(rule.valid_to for rule in each.rules) for each in calendars),
        "overtime": sum(any(one.kind == "open" for level in each.exceptions for one in level) for each in calendars),
        "closed": sum(any(one.kind == "closed" for level in each.exceptions for one in level) for each in calendars),
        "dated": sum(any(stop.from_us for stop in each.stops) for each in calendars),
        "always": sum(each.always_scheduled for each in calendars),
        "odd_days": days.filter(pl.col("h") != 24).height,
        "holidays": len(whole.site.holidays) * LEAST,
    }


def of_signals(whole: Inputs, sent: pl.DataFrame) -> dict[str, int]:
    rows = sent.sort("series_id", "ts").join(whole.series, on="series_id")
    same = pl.col("series_id") == pl.col("series_id").shift()
    counters = rows.filter(pl.col("kind") == "counter", pl.col("quality") == 0)
    fallen = same & (pl.col("value") < pl.col("value").shift()) & (pl.col("value") > 0)
    return {
        "models": len({each.state_model for each in whole.site.assets if each.key.endswith("/m1")}) * 3,
        "resets": counters.filter(fallen, pl.col("counter_rule") == "reset").height,
        "rollovers": counters.filter(fallen, pl.col("counter_rule") == "rollover").height,
        "false_zeros": counters.filter(same, pl.col("value") == 0, pl.col("counter_rule") == "false_zero").height,
        "lost": rows.filter(pl.col("value").is_null()).height,
        "gaps": rows.filter(same, pl.col("ts") - pl.col("ts").shift() > 4 * HOUR_US).height,
        "submeters": len(whole.site.relations),
        "jobs": len(whole.site.jobs),
        "told": whole.series.filter(pl.col("quantity").is_in(["job", "product"])).height,
    }


def of_records(whole: Inputs) -> dict[str, int]:
    notes = whole.annotations.sort("asset", "from_us")
    overlap = (pl.col("asset") == pl.col("asset").shift()) & (pl.col("from_us") < pl.col("to_us").shift())
    runs = whole.events.filter(pl.col("kind") == "production_run").sort("asset", "from_us")
    return {
        "corrections_over_others": notes.filter(overlap).height,
        "runs_over_others": runs.filter(overlap, pl.col("from_us") != pl.col("from_us").shift()).height,
        "runs": runs.height,
        "reasons": whole.events.filter(pl.col("kind") == "stop_reason").height,
        "open_records": whole.records.filter(pl.col("to_us").is_null()).height,
        "records": whole.records.height,
    }


def test_a_fleet_has_everything_that_a_property_is_said_to_hold_for() -> None:
    found = Counter[str]()
    for each in (fleet(0), fleet(3)):
        whole, tables = inputs_of(each), tables_of(each)
        found.update(of_calendars(whole, tables))
        found.update(of_signals(whole, everything_of(each).readings))
        found.update(of_records(whole))
    assert {name: count for name, count in found.items() if count < LEAST} == {}, found
    classes = tables.atoms.filter(pl.col("quantity") == "time").group_by("time_class", "origin").len()
    assert set(classes["time_class"]) == {
        *("production", "setup", "delay", "down_no_order", "planned_down", "not_scheduled", "unknown")
    }
    assert set(classes["origin"]) == {"signal", "record", "annotation", "calendar", "none"}
    assert set(tables.atoms["sub_class"]) >= {"fault", "micro_stop", "other"}
