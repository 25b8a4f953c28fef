"""Baselines: fitted with gates, frozen, and expected energy that adds up over windows."""

from datetime import date, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from kpi.energy.fitting import Day, UnfitError, days_of, fitted
from kpi.energy.performance import EXISTS_R_SQUARED, two_sided_p
from kpi.rollup.rolling import rollup
from model.registry import Baseline, Site
from tests.unit.kpi.carbon.test_carbon import energy, plant
from tests.unit.kpi.making import MONDAY, atom, pick, pieces, rollup_inputs


def baseline(**more: Any) -> Baseline:
    fields = {"asset": "m1", "kpi": "energy", "driver": "good", "slope": 0.5, "intercept": 40.0, "driver_from": 0.0,
              "driver_to": 200.0, "version": 1, "valid_from": "2026-03-03", "digest": "d" * 64}  # fmt: skip
    return Baseline(**{**fields, **more})


def week(**more: Any) -> tuple[Site, list[dict[str, Any]]]:
    """Monday to Friday: 100, 110, ... pieces and 10 kWh more than the baseline says."""
    atoms = []
    for day in range(5):
        made = 100.0 + 10 * day
        atoms += [
            *pieces("m1", made, day=day),
            energy(50.0 + 0.25 * made, day=day),
            energy(0.25 * made, day=day, hour=9),
        ]
    return plant(baselines=(baseline(),), **more), atoms


def test_expected_energy_is_of_the_days_from_its_date_on_and_adds_up() -> None:
    values = rollup(rollup_inputs(*week()))
    days = values.filter(asset="m1", kpi="energy_expected", grain="day").sort("production_day")
    assert days["value"].to_list() == [40 + 0.5 * made for made in (110, 120, 130, 140)]
    for grain in ("week", "month"):
        row = pick(values, "energy_expected", grain=grain)
        assert row["value"] == pytest.approx(days["value"].sum(), rel=1e-12)
        assert pick(values, "energy_saving", grain=grain)["value"] == pytest.approx(-40.0)
        ratio = pick(values, "energy_performance", grain=grain)
        assert ratio["value"] == pytest.approx((410 + 40) / 410)
    assert values.filter(kpi="energy_expected", asset="line").is_empty()


def test_a_newer_version_counts_from_its_date_and_the_old_one_before() -> None:
    of, atoms = week()
    newer = baseline(version=2, intercept=0.0, valid_from="2026-03-05")
    values = rollup(rollup_inputs(replace(of, baselines=(baseline(), newer)), atoms))
    days = values.filter(asset="m1", kpi="energy_expected", grain="day").sort("production_day")["value"]
    assert days.to_list() == [40 + 55, 40 + 60, 65, 70]


def test_outside_the_fitted_range_the_value_says_so() -> None:
    of, atoms = week()
    narrow = replace(of, baselines=(baseline(driver_from=100.0, driver_to=120.0),))
    values = rollup(rollup_inputs(narrow, atoms)).filter(asset="m1", kpi="energy_performance")
    flagged = [("outside_baseline" in flags) for flags in values.filter(grain="day").sort("production_day")["flags"]]
    assert flagged == [False, False, True, True]  # a tenth of the range is allowed
    assert values.filter(grain="week")["flags"].to_list() == [["outside_baseline"]]


def test_a_day_without_metered_energy_expects_nothing() -> None:
    of, atoms = week()
    idle = [*atoms, *pieces("m1", 77, day=7)]
    values = rollup(rollup_inputs(of, idle))
    assert len(values.filter(asset="m1", kpi="energy_expected", grain="day")) == 4


def test_days_that_were_poorly_metered_are_left_out_of_the_fit() -> None:
    of, atoms = week()
    counts = [
        atom("m1", name, qualifier="active_energy", amount=amount, day=day)
        for day in range(5)
        for name, amount in (("expected", 100.0), ("received", 60.0 if day == 2 else 100.0))
    ]
    days = days_of(rollup_inputs(of, [*atoms, *counts]), "m1", "good")
    assert [(each.driver, each.kwh) for each in days][:2] == [(100.0, 100.0), (110.0, 105.0)]
    found = fitted(days, "good", 0.95)
    assert found.left_out == ((MONDAY + timedelta(days=2), "completeness 0.600"),)
    assert found.fit is not None
    assert (found.fit.line.slope, found.fit.line.intercept) == pytest.approx((0.5, 50.0))
    with pytest.raises(UnfitError, match="4 points are fewer than 12"):
        found.model(MONDAY, MONDAY)


def points(noise: float) -> list[Day]:
    return [
        Day(date(2026, 1, 1) + timedelta(days=n), 10.0 * n, 100 + 2.0 * n + noise * (-1) ** n, 1.0) for n in range(16)
    ]


def test_only_a_good_fit_is_frozen() -> None:
    model = fitted(points(1.0), "good", 0.95).model(date(2026, 1, 1), date(2026, 1, 16))
    assert (model["n"], model["driver_from"], model["driver_to"], model["grain"]) == (16, 0.0, 150.0, "day")
    assert model["r_squared"] > 0.98
    assert model["p_slope"] < 1e-9
    with pytest.raises(UnfitError, match=r"R² is 0\.[0-6]"):
        fitted(points(15.0), "good", 0.95).model(date(2026, 1, 1), date(2026, 1, 16))


def test_a_weak_fit_is_frozen_only_to_show_that_a_baseline_exists() -> None:
    days = (date(2026, 1, 1), date(2026, 1, 16))
    weak = fitted(points(6.0), "good", 0.95)
    with pytest.raises(UnfitError, match=r"R² is 0\.[67]"):
        weak.model(*days)
    assert 0.6 < weak.model(*days, EXISTS_R_SQUARED)["r_squared"] < 0.75
    with pytest.raises(UnfitError, match=r"0\.6 is needed"):
        fitted(points(15.0), "good", 0.95).model(*days, EXISTS_R_SQUARED)


@pytest.mark.parametrize(
    ("t", "degrees", "p"),
    [(2.228138851964939, 10, 0.05), (12.706204736432095, 1, 0.05), (2.6457513, 7, 0.033145), (0.0, 5, 1.0)],
)
def test_probabilities_are_those_of_the_tables(t: float, degrees: int, p: float) -> None:
    assert two_sided_p(t, degrees) == pytest.approx(p, rel=1e-4)
