"""How the units of a line stand for it, and that A × E × Q = OEE and the loss tree hold under every rule."""

from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpi.explained.losses import losses
from kpi.explained.rules import rule_text
from kpi.rollup.rolling import RollupInputs, rollup, scopes_of, wide_rows
from model.registry import Asset, Site
from model.vocabulary import Grain
from tests.unit.kpi.making import pick, pieces, rollup_inputs, site, time


def line(rule: str, **more: Any) -> Site:
    return site(
        assets=(
            Asset(key="", level="site"),
            Asset(key="line", level="line", parent="", roll_up=rule, **more),
            Asset(key="m1", level="unit", parent="line"),
            Asset(key="m2", level="unit", parent="line"),
        )
    )


def day() -> list[dict[str, Any]]:
    """m1 is slow and stops, m2 comes last: it makes 900 pieces in setup, production and delay."""
    return [
        time("m1", "production", 2_000),
        time("m1", "delay", 1_000, sub_class="fault"),
        time("m1", "planned_down", 600),
        *pieces("m1", 1_000, 40),
        time("m2", "production", 2_400),
        time("m2", "setup", 300),
        time("m2", "delay", 300, sub_class="micro_stop"),
        time("m2", "not_scheduled", 600, shift=""),
        *pieces("m2", 880, 10),
        *pieces("m2", 0, 10, time_class="setup"),
    ]


DAY = frozenset({Grain.DAY})
RULES = [
    line("sum"),
    line("parallel"),
    line("constraint", constraint_key="m1"),
    line("last", last_key="m2"),
    line("last", last_key="m2", constraint_key="m1"),
]


def rows_of(inputs: RollupInputs) -> list[dict[str, Any]]:
    return wide_rows(inputs, scopes_of(inputs), frozenset(Grain)).to_dicts()


@pytest.mark.parametrize("plant", RULES, ids=["sum", "parallel", "constraint", "last", "last-at-constraint"])
def test_the_identity_and_the_loss_tree_hold_at_every_scope_and_grain(plant: Site) -> None:
    inputs = rollup_inputs(plant, day())
    values = rollup(inputs)
    names = ("oee_availability", "effectiveness", "quality_ratio", "oee")
    keys = ["asset", "grain", "production_day", "window_start", "shift", "job", "product"]
    for variant in ("", "capped"):
        of = values.filter(pl.col("variant") == variant, pl.col("kpi").is_in(names))
        wide = of.pivot("kpi", index=keys, values="value").drop_nulls(names)
        assert {"", "line", "m1", "m2"} == set(wide["asset"])
        for row in wide.iter_rows(named=True):
            product = row["oee_availability"] * row["effectiveness"] * row["quality_ratio"]
            assert product == pytest.approx(row["oee"], rel=1e-12)
    for row in rows_of(inputs):
        calendar = sum(row[f"{name}_s"] for name in ("production", "setup", "delay", "planned_down", "not_scheduled"))
        assert sum(leaf.seconds for leaf in losses(row)) == pytest.approx(calendar, abs=1e-9)


def test_the_last_unit_counts_in_the_time_of_the_constraint() -> None:
    values = rollup(rollup_inputs(line("last", last_key="m2", constraint_key="m1"), day()))
    row = pick(values, "oee", of="line")
    assert (row["numerator"], row["denominator"]) == (880.0, 3_000.0)
    assert row["flags"] == ["assume_order", "line_last"]
    assert pick(values, "good_quantity", of="line")["value"] == 880.0
    assert pick(values, "good_quantity", of="")["value"] == 880.0
    assert pick(values, "availability", of="")["value"] == pytest.approx(2 / 3)


def test_the_last_unit_alone_stands_for_its_line_without_a_constraint() -> None:
    values = rollup(rollup_inputs(line("last", last_key="m2"), day()))
    for kpi in ("oee", "availability", "produced_quantity"):
        assert pick(values, kpi, of="line")["value"] == pick(values, kpi, of="m2")["value"]


def test_time_is_lent_to_counts_where_the_constraint_counts_nothing() -> None:
    atoms = [each for each in day() if each["asset"] == "m2" or each["quantity"] == "time"]
    plant = line("last", last_key="m2", constraint_key="m1")
    silent = site(assets=plant.assets, series=tuple(each for each in plant.series if each.name == "state"))
    row = pick(rollup(rollup_inputs(silent, atoms), DAY), "oee", of="line")
    assert (row["numerator"], row["denominator"]) == (880.0, 3_000.0)
    assert "units_without_counts" not in row["flags"]


def test_the_rule_in_force_is_stated_with_the_value() -> None:
    for plant in RULES:
        rule = plant.assets[1].roll_up
        flags = pick(rollup(rollup_inputs(plant, day()), DAY), "availability", of="line")["flags"]
        assert flags == ["assume_order", *([] if rule == "sum" else [f"line_{rule}"])]


def test_rejects_of_setup_are_start_up_losses_and_the_rest_is_said_where_no_setup_is_seen() -> None:
    values = rollup(rollup_inputs(line("sum"), day()), DAY)
    of_last = {kpi: pick(values, kpi, of="m2") for kpi in ("startup_loss", "defect_loss", "reduced_speed_loss")}
    assert {kpi: row["value"] for kpi, row in of_last.items()} == {
        "startup_loss": 10.0,
        "defect_loss": 10.0,
        "reduced_speed_loss": 1_500.0,
    }
    assert "startup_not_told" not in of_last["startup_loss"]["flags"]
    assert "startup_not_told" in pick(values, "startup_loss", of="m1")["flags"]
    row = next(each for each in rows_of(rollup_inputs(line("sum"), day())) if each["scope"] == "m1")
    assert {leaf.key: leaf.big_loss for leaf in losses(row)}["defects"] == "process defects and reduced yield"


seconds = st.integers(0, 86_400_000_000).map(lambda us: us / 1e6)
shares = st.floats(0, 1.5)


@settings(max_examples=40, deadline=None)
@given(times=st.lists(seconds, min_size=7, max_size=7), ideal=shares, good=st.floats(0, 1), start=st.floats(0, 1))
def test_the_loss_tree_adds_up_whatever_happened(times: list[float], ideal: float, good: float, start: float) -> None:
    classes = ("production", "setup", "delay", "down_no_order", "planned_down", "not_scheduled", "unknown")
    row: dict[str, Any] = {f"{name}_s": length for name, length in zip(classes, times, strict=True)}
    row |= {f"{name}_s": 0.0 for name in ("fault", "starved", "blocked")}
    row |= {"micro_stop_s": row["delay_s"] / 2, "counted_production_s": row["production_s"] / 2}
    total = row["production_s"] * ideal
    row |= {"ideal_total_s": total, "ideal_good_s": total * good, "ideal_startup_total_s": total * (1 - good) * start}
    found = losses(row)
    assert sum(leaf.seconds for leaf in found) == pytest.approx(sum(times), abs=1e-6, rel=1e-12)
    named = [leaf.big_loss for leaf in found if leaf.big_loss]
    assert len(named) == len(set(named))


def test_an_explanation_says_the_rule() -> None:
    said = [rule_text(plant, "line", ["m1", "m2"]) for plant in RULES]
    assert said == [
        "sum: time and counts of all units below, added",
        "parallel: time and counts of machines side by side, added",
        "constraint: time and counts of m1",
        "last: counts of m2 in the time of m2",
        "last: counts of m2 in the time of m1",
    ]
    assert rule_text(RULES[0], "m1", ["m1"]) == rule_text(RULES[0], "line", ["line"]) == ""


def test_an_explanation_of_a_site_names_the_lines_that_are_not_merely_added() -> None:
    assert ";" not in rule_text(RULES[0], "", ["m1", "m2"])
    said = rule_text(RULES[2], "", ["m1"])
    assert said == "sum: time and counts of all units below, added; line by constraint: time and counts of m1"
