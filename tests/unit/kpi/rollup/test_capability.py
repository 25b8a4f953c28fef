"""Capability of characteristics: from records to values, exact over every window and scope."""

import json
import statistics
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import polars as pl
import pytest

from kpi.catalogue.columns import SAMPLES
from kpi.compute import compute
from kpi.compute.samples import QUANTITIES
from kpi.frames import RECORDS, Tables
from kpi.rollup.rolling import RollupInputs, rollup
from model.registry import ShiftRule, SpecLimit
from tests.unit.kpi.compute.plants import HOUR, UNIT, inputs, plant, us

DAYS = (date(2026, 3, 2), date(2026, 3, 3))
FIRST, SECOND, THIRD = (10.02, 10.04, 9.97, 10.01), (10.06, 10.03, 10.08), (9.98, 10.0)
LOWER, UPPER = 9.9, 10.1
SHIFTS = tuple(ShiftRule(shift="A", cycle_day=day, start="00:00", end="23:59") for day in range(7))
SITE = plant(
    shifts=SHIFTS,
    spec_limits=(
        SpecLimit(characteristic="diameter", lower=9.0, upper=11.0),
        SpecLimit(characteristic="diameter", product="shaft", lower=LOWER, upper=UPPER),
        SpecLimit(characteristic="roughness", upper=2.0),
    ),
)
Record = tuple[str, int, Mapping[str, Any]]


def record(key: str, hours: float, **payload: Any) -> Record:
    said = {"characteristic": "diameter", "product": "shaft", **payload}
    return key, us("2026-03-02") + round(hours * HOUR), said


def tables(*records: Record) -> Tables:
    rows = [(UNIT, "inspection", key, at, at, json.dumps(payload)) for key, at, payload in records]
    return compute(inputs(SITE, DAYS, records=pl.DataFrame(rows, RECORDS, orient="row")))


def values(*records: Record) -> pl.DataFrame:
    found = tables(*records)
    return rollup(RollupInputs(SITE, found.atoms, found.interval_series, found.windows, us("2027-01-01")))


def value(found: pl.DataFrame, kpi: str, grain: str = "month", of: str = UNIT, name: str = "diameter") -> float | None:
    rows = found.filter(asset=of, kpi=kpi, grain=grain, variant=name)
    return rows["value"].item() if len(rows) else None


def indices(mean: float, deviation: float) -> tuple[float, float]:
    return (UPPER - LOWER) / (6 * deviation), min(UPPER - mean, mean - LOWER) / (3 * deviation)


GROUPS = (
    record("g1", 8, values=list(FIRST)),
    record("g2", 9, values="10.06; 10.03 10.08"),
    record("g3", 32, values=list(THIRD)),
)


def test_the_columns_are_the_quantities() -> None:
    assert SAMPLES == QUANTITIES


def test_every_window_is_as_if_its_values_were_measured_at_once() -> None:
    found = values(*GROUPS)
    everything = (*FIRST, *SECOND, *THIRD)
    mean = statistics.fmean(everything)
    overall = indices(mean, statistics.stdev(everything))
    within = sum(statistics.variance(group) * (len(group) - 1) for group in (FIRST, SECOND, THIRD))
    subgroups = indices(mean, (within / (len(everything) - 3)) ** 0.5)
    shifts = ((*FIRST, *SECOND), THIRD)
    of_runs = sum(statistics.variance(run) * (len(run) - 1) for run in shifts)
    runs = indices(mean, (of_runs / (len(everything) - 2)) ** 0.5)
    for of in (UNIT, "line", ""):
        for grain in ("week", "month"):
            for index, critical, expected in (("pp", "ppk", overall), ("cp", "cpk", subgroups), ("cm", "cmk", runs)):
                assert value(found, index, grain, of) == pytest.approx(expected[0], rel=1e-9)
                assert value(found, critical, grain, of) == pytest.approx(expected[1], rel=1e-9)
    day = found.filter(asset=UNIT, kpi="pp", grain="day", variant="diameter").sort("production_day")["value"]
    first = (UPPER - LOWER) / (6 * statistics.stdev((*FIRST, *SECOND)))
    assert day.to_list() == [
        pytest.approx(first, rel=1e-9),
        pytest.approx((UPPER - LOWER) / 6 / statistics.stdev(THIRD)),
    ]
    assert set(found.filter(kpi="pp", grain="product")["product"]) == {"shaft"}


def test_single_values_make_runs_and_totals_but_no_subgroups() -> None:
    found = values(*(record(str(n), 8 + n / 10, value=each, run="trial") for n, each in enumerate(FIRST)))
    assert value(found, "cm") == value(found, "pp") == pytest.approx(0.2 / 6 / statistics.stdev(FIRST), rel=1e-9)
    assert value(found, "cp") is None
    named = values(*(record(str(n), 8 + n / 10, value=each, subgroup="g") for n, each in enumerate(FIRST)))
    assert value(named, "cp") == pytest.approx(value(found, "cm"), rel=1e-9)


@pytest.mark.parametrize("given", [(10.0,), (10.03, 10.03, 10.03)], ids=["one", "equal"])
def test_too_little_gives_no_value(given: tuple[float, ...]) -> None:
    found = values(record("r", 8, values=list(given)))
    assert [value(found, kpi) for kpi in ("cm", "cmk", "cp", "cpk", "pp", "ppk")] == [None] * 6


def test_with_one_limit_only_the_critical_indices_exist() -> None:
    found = values(record("r", 8, characteristic="roughness", values=[1.0, 1.2, 1.4]))
    assert value(found, "ppk", name="roughness") == pytest.approx((2.0 - 1.2) / (3 * 0.2))
    assert value(found, "pp", name="roughness") is None


def test_a_mean_outside_the_limits_is_below_zero() -> None:
    found = values(record("r", 8, values=[10.2, 10.22, 10.18]))
    assert value(found, "cpk") == pytest.approx((10.1 - 10.2) / (3 * 0.02))


def test_limits_are_of_the_record_then_of_the_product_then_of_any() -> None:
    own = values(record("r", 8, values=[10.0, 10.2], lower=9.5, upper=10.5))
    general = values(record("r", 8, values=[10.0, 10.2], product="bolt"))
    assert value(own, "pp") == pytest.approx(1.0 / 6 / statistics.stdev((10.0, 10.2)))
    assert value(general, "pp") == pytest.approx(2.0 / 6 / statistics.stdev((10.0, 10.2)))


def test_what_cannot_be_used_is_said() -> None:
    found = tables(
        record("no limit", 8, characteristic="colour", values=[1, 2, 3]),
        record("no number", 8, values="10.1 wide"),
        record("no name", 8, characteristic="", value=10.0),
        record("no float", 8, values=[10**400, 10.0]),
        record("no width", 8, value=10.0, lower=10.0, upper=10.0),
    )
    kinds = {(each["kind"], each.get("record"), each.get("values")) for each in found.findings}
    assert ("missing_spec_limit", None, 3) in kinds
    odd = ("no number", "no name", "no float", "no width")
    assert {("bad_record", f"inspection {key}", None) for key in odd} <= kinds
    assert found.atoms.filter(pl.col("quantity").is_in(QUANTITIES)).is_empty()


def test_the_order_of_records_and_the_span_do_not_matter() -> None:
    forwards = tables(*GROUPS).atoms
    assert forwards.equals(tables(*reversed(GROUPS)).atoms)
    rows = [(UNIT, "inspection", key, at, at, json.dumps(payload)) for key, at, payload in GROUPS]
    whole = inputs(SITE, DAYS, records=pl.DataFrame(rows, RECORDS, orient="row"))
    days = [compute(replace(whole, days=(day,))).atoms for day in DAYS]
    of_samples = pl.col("quantity").is_in(QUANTITIES)
    assert (
        pl.concat(days)
        .filter(of_samples)
        .sort(days[0].columns)
        .equals(forwards.filter(of_samples).sort(forwards.columns))
    )
