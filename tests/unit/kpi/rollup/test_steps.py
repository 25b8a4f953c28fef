"""Yields over stations, and energy over all media."""

import json
from datetime import date
from typing import Any

import polars as pl
import pytest

from kpi.compute import compute
from kpi.frames import RECORDS, Tables
from kpi.rollup.rolling import rollup
from model.registry import Asset
from tests.unit.kpi.compute.plants import HOUR, UNIT, inputs, plant, us
from tests.unit.kpi.making import atom, pick, pieces, rollup_inputs, site, time


def inspected(of: str, parts: float, good: float, **more: Any) -> list[dict[str, Any]]:
    counts = {"inspected": parts, "first_pass_good": good, "inspections": 1.0}
    return [atom(of, name, amount=amount, **more) for name, amount in counts.items()]


PLANT = site(
    assets=(
        Asset(key="", level="site"),
        Asset(key="line", level="line", parent=""),
        Asset(key="m1", level="unit", parent="line"),
        Asset(key="cell", level="unit", parent="line", roll_up="parallel"),
        Asset(key="p1", level="unit", parent="cell"),
        Asset(key="p2", level="unit", parent="cell"),
    )
)


def test_stations_multiply_and_machines_side_by_side_are_one_station() -> None:
    atoms = [
        *inspected("m1", 100, 90),
        *inspected("m1", 100, 100, day=1),
        *inspected("p1", 60, 60),
        *inspected("p2", 40, 20),
        *inspected("p2", 50, 25, day=1, product="x"),
    ]
    values = rollup(rollup_inputs(PLANT, atoms))
    rows = values.filter(asset="line", kpi="rolled_throughput_yield")
    days = rows.filter(grain="day").sort("production_day")["value"].to_list()
    assert days == [pytest.approx(0.9 * 0.8), pytest.approx(1.0 * 0.5)]
    assert rows.filter(grain="week")["value"].item() == pytest.approx(190 / 200 * 105 / 150)
    assert rows.filter(grain="product")["value"].to_list() == [pytest.approx(0.5)]
    assert set(values.filter(kpi="rolled_throughput_yield")["asset"]) == {"line"}
    assert pick(values, "first_pass_yield", of="line", grain="week")["value"] == pytest.approx(295 / 350)


def test_a_window_without_inspections_has_no_rolled_yield() -> None:
    values = rollup(rollup_inputs(PLANT, [time("m1", "production", 60), *inspected("m1", 10, 9, day=1)]))
    rows = values.filter(asset="line", kpi="rolled_throughput_yield", grain="day")
    assert rows["value"].to_list() == [0.9]


def computed(*records: tuple[str, dict[str, Any]]) -> Tables:
    at = us("2026-03-02") + HOUR
    rows = [(UNIT, "energy", key, at - HOUR, at, json.dumps(payload)) for key, payload in records]
    return compute(inputs(plant(), [date(2026, 3, 2)], records=pl.DataFrame(rows, RECORDS, orient="row")))


STEAM = {"medium": "steam", "amount": 2.0, "unit": "t", "mj_per_unit": 2_700.0, "source": "steam table, 8 bar"}


def test_energy_records_become_megajoules_and_say_what_they_lack() -> None:
    found = computed(
        ("steam", STEAM),
        ("exchanged", {"exchanged_mj": -400.0}),
        ("power", {**STEAM, "medium": "electricity"}),
        ("unsourced", {**STEAM, "source": ""}),
        ("unconverted", {name: STEAM[name] for name in ("medium", "amount", "source")}),
    )
    amounts = dict(found.atoms.group_by("quantity").agg(pl.col("amount").sum()).iter_rows())
    assert (amounts["media_mj"], amounts["exchanged_mj"]) == (5_400.0, -400.0)
    wrong = {each["record"]: each["fields"] for each in found.findings if each["kind"] == "bad_record"}
    assert wrong == {
        "energy power": ["medium"],
        "energy unsourced": ["source"],
        "energy unconverted": ["mj_per_unit"],
    }


def test_all_energy_is_counted_per_piece() -> None:
    atoms = [
        *pieces("m1", 90, 10),
        atom("m1", "media_mj", amount=5_400.0),
        atom("m1", "exchanged_mj", amount=-400.0),
        atom("m1", "energy_records", amount=2.0),
        atom("m1", "fuel_tj", amount=0.002, qualifier="diesel"),
    ]
    row = pick(rollup(rollup_inputs(site(), atoms)), "comprehensive_energy_consumption", of="line")
    assert (row["numerator"], row["denominator"], row["value"]) == (7_000.0, 100.0, 70.0)
