"""Baselines over several drivers and of weeks: certified regressions, gates, expected energy that adds up."""

from datetime import date, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from kpi.energy.fitting import UnfitError
from kpi.energy.fitting_many import FittedMany, Point, fitted_many, points_of
from kpi.energy.regression import Fit, fit, why_unfit
from kpi.errors import KpiError
from kpi.rollup.rolling import rollup
from model.registry import BaselineDriver
from tests.unit.kpi.carbon.test_carbon import energy, plant
from tests.unit.kpi.energy.test_baselines import baseline
from tests.unit.kpi.making import MONDAY, atom, pick, pieces, rollup_inputs, time

# NIST StRD Longley (higher difficulty): employment, then price index, GNP, unemployed, forces, population, year.
LONGLEY = """
60323 83.0 234289 2356 1590 107608 1947
61122 88.5 259426 2325 1456 108632 1948
60171 88.2 258054 3682 1616 109773 1949
61187 89.5 284599 3351 1650 110929 1950
63221 96.2 328975 2099 3099 112075 1951
63639 98.1 346999 1932 3594 113270 1952
64989 99.0 365385 1870 3547 115094 1953
63761 100.0 363112 3578 3350 116219 1954
66019 101.2 397469 2904 3048 117388 1955
67857 104.6 419180 2822 2857 118734 1956
68169 108.4 442769 2936 2798 120445 1957
66513 110.8 444546 4681 2637 121950 1958
68655 112.6 482704 3813 2552 123366 1959
69564 114.2 502601 3931 2514 125368 1960
69331 115.7 518173 4806 2572 127852 1961
70551 116.9 554894 4007 2827 130081 1962
"""
SLOPES = (
    *(15.0618722713733, -0.358191792925910e-1, -2.02022980381683),
    *(-1.03322686717359, -0.511041056535807e-1, 1829.15146461355),
)
ERRORS = (
    *(84.9149257747669, 0.334910077722432e-1, 0.488399681651699),
    *(0.214274163161675, 0.226073200069370, 455.478499142212),
)


def test_the_certified_regression_of_longley_is_reproduced() -> None:
    y, *drivers = zip(*(map(float, line.split()) for line in LONGLEY.split("\n") if line), strict=True)
    found = fit(drivers, y)
    assert found is not None
    assert [term.slope for term in found.terms] == pytest.approx(SLOPES, rel=1e-9)
    assert [term.se for term in found.terms] == pytest.approx(ERRORS, rel=1e-9)
    assert found.intercept == pytest.approx(-3482258.63459582, rel=1e-9)
    assert found.r_squared == pytest.approx(0.995479004577296, rel=1e-12)
    assert found.cv_rmse * sum(y) / len(y) == pytest.approx(304.854073561965, rel=1e-9)
    assert why_unfit(found, ["x"] * 6) == "16 points are fewer than 36"


def made(count: int = 24, noise: float = 1.0, **more: float) -> Fit | None:
    a = [float(n % 7) for n in range(count)]
    b = [float(n % 5) for n in range(count)]
    rest = [noise * ((n * 37) % 11 - 5) for n in range(count)]
    y = [100 + more.get("a", 3.0) * p + more.get("b", 8.0) * q + r for p, q, r in zip(a, b, rest, strict=True)]
    return fit([a, b], y)


@pytest.mark.parametrize(
    ("of", "why"),
    [
        (made(noise=0.1), None),
        (made(10), "10 points are fewer than 12"),
        (made(noise=6.0), "adjusted R² is"),
        (made(noise=0.5, a=0.01), "the slope of a may be chance"),
        (made(noise=0.1, b=-8.0), "the slope of b is negative"),
        (fit([[1.0, 2.0, 3.0, 4.0], [2.0, 4.0, 6.0, 8.0]], [1.0, 2.0, 3.0, 5.0]), "a driver does not vary"),
    ],
)
def test_only_a_good_fit_is_a_baseline(of: Fit | None, why: str | None) -> None:
    told = why_unfit(of, ("a", "b"))
    assert told is None if why is None else told is not None and told.startswith(why)


def test_too_wide_a_rest_is_refused_although_the_drivers_explain_most() -> None:
    x = [float(n) for n in range(24)]
    found = fit([x], [10 * n * n - 100.0 + 100 * (n % 2) for n in x])
    assert "CV(RMSE)" in str(why_unfit(found, ("x",)))


def days() -> list[dict[str, Any]]:
    """Five days of two products and some setup: 40 kWh + 0.5 a piece of p, 2 a piece of q, 30 an hour of setup."""
    atoms = []
    for day in range(5):
        p, q, setup = 100.0 + 10 * day, 20.0 + 5 * (day % 2), 600.0 * day
        atoms += [*pieces("m1", p, day=day, product="p"), *pieces("m1", q, day=day, product="q", hour=8)]
        atoms += [time("m1", "setup", setup, day=day), energy(40 + 0.5 * p + 2 * q + 30 * setup / 3600, day=day)]
    return atoms


def several(**more: Any) -> Any:
    terms = (("good:p", 0.5, 0.0, 200.0), ("good:q", 2.0, 0.0, 30.0), ("setup_h", 30.0, 0.0, 1.0))
    listed = tuple(BaselineDriver(driver=n, slope=s, driver_from=lo, driver_to=hi) for n, s, lo, hi in terms)
    return baseline(driver="good:p + good:q + setup_h", slope=0.0, drivers=listed, valid_from="2026-03-02", **more)


def test_expected_energy_is_the_sum_over_the_drivers_and_adds_up() -> None:
    values = rollup(rollup_inputs(plant(baselines=(several(),)), days()))
    rows = values.filter(asset="m1", kpi="energy_saving", grain="day")
    assert rows["value"].to_list() == pytest.approx([0.0] * 5, abs=1e-9)
    expected = values.filter(asset="m1", kpi="energy_expected", grain="day")["value"].sum()
    for grain in ("week", "month"):
        assert pick(values, "energy_expected", grain=grain)["value"] == pytest.approx(expected, rel=1e-12)
        assert pick(values, "energy_performance", grain=grain)["value"] == pytest.approx(1.0)
    narrow = replace(several(), drivers=(replace(several().drivers[0], driver_to=120.0), *several().drivers[1:]))
    flagged = rollup(rollup_inputs(plant(baselines=(narrow,)), days())).filter(kpi="energy_expected", grain="day")
    assert [bool(flags) for flags in flagged.sort("production_day")["flags"].to_list()] == [
        False,
        False,
        False,
        False,
        True,
    ]


def test_a_baseline_of_weeks_judges_weeks_only() -> None:
    atoms = [each for day in range(14) for each in (*pieces("m1", 10.0 * day, day=day), energy(30.0, day=day))]
    weekly = baseline(intercept=70.0, slope=0.5, grain="week", driver_to=800.0, valid_from="2026-03-02")
    values = rollup(rollup_inputs(plant(baselines=(weekly,)), atoms))
    rows = values.filter(asset="m1", kpi="energy_expected")
    assert set(rows["grain"]) == {"week"}
    assert rows.sort("production_day")["value"].to_list() == pytest.approx([70 + 0.5 * 210, 70 + 0.5 * 700])
    tight = replace(weekly, driver_to=300.0)
    flags = rollup(rollup_inputs(plant(baselines=(tight,)), atoms)).filter(asset="m1", kpi="energy_expected")
    assert flags.sort("production_day")["flags"].to_list() == [[], ["outside_baseline"]]


def metered(day: int) -> list[dict[str, Any]]:
    return [atom("m1", name, qualifier="active_energy", amount=96.0, day=day) for name in ("expected", "received")]


def test_points_are_days_or_whole_weeks_with_the_amounts_of_each_driver() -> None:
    atoms = [*days(), *(each for day in range(5) for each in metered(day))]
    of = rollup_inputs(plant(), atoms)
    found = points_of(of, "m1", ("good:p", "good:q", "setup_h"), "day")
    assert [each.drivers for each in found][:2] == [(100.0, 20.0, 0.0), (110.0, 25.0, pytest.approx(1 / 6))]
    assert [each.first for each in found] == [MONDAY + timedelta(days=n) for n in range(5)]
    (week,) = points_of(of, "m1", ("good", "scheduled_h"), "week")
    assert (week.first, week.days, week.drivers[0], week.completeness) == (MONDAY, 5, 710.0, 1.0)
    assert fitted_many([week], ("good",), "week", 0.95).left_out == ((MONDAY, "5 metered days"),)
    with pytest.raises(KpiError, match="no driver 'luck'"):
        points_of(of, "m1", ("luck",), "day")


def test_the_frozen_model_names_its_drivers_and_what_was_left_out() -> None:
    points = []
    for n in range(16):
        good, setup = 100.0 + n % 7, 5.0 + n % 4
        kwh = 50 + 3.0 * good + 9.0 * setup + 0.1 * (n % 3)
        points.append(Point(date(2026, 1, 5) + timedelta(days=7 * n), (good, setup), kwh, 7, 1.0))
    poor = Point(date(2026, 6, 1), (1.0, 1.0), 1.0, 7, 0.5)
    found = fitted_many([*points, poor], ("good", "setup_h"), "week", 0.95)
    model = found.model(date(2026, 1, 5), date(2026, 6, 7))
    assert (model["grain"], model["driver"], model["n"]) == ("week", "good + setup_h", 16)
    assert [(each["driver"], each["unit"], each["driver_from"]) for each in model["drivers"]] == [
        ("good", "piece", 100.0), ("setup_h", "h", 5.0),
    ]  # fmt: skip
    assert model["left_out"] == [{"day": "2026-06-01", "why": "completeness 0.500"}]
    with pytest.raises(UnfitError, match="fewer than 12"):
        fitted_many(points[:8], ("good", "setup_h"), "week", 0.95).model(MONDAY, MONDAY)
    assert isinstance(found, FittedMany)
