"""Regressions against certified ones, and the gates of a baseline."""

import math

from kpi.energy.performance import fit, why_unfit

# NIST Statistical Reference Datasets, linear regression, Norris (36 observations: y, x).
NORRIS = """
0.1 0.2  338.8 337.4  118.1 118.2  888.0 884.6  9.2 10.1  228.1 226.5  668.5 666.3  998.5 996.3  449.1 448.6
778.9 777.0  559.2 558.2  0.3 0.4  0.1 0.6  778.1 775.5  668.8 666.9  339.3 338.0  448.9 447.5  10.8 11.6
557.7 556.0  228.3 228.1  998.0 995.8  888.8 887.6  119.6 120.2  0.3 0.3  0.6 0.3  557.6 556.8  339.3 339.1
888.0 887.2  998.5 999.0  778.9 779.0  10.2 11.1  117.6 118.3  228.9 229.2  668.4 669.1  449.2 448.9  0.2 0.5
"""
CERTIFIED = {
    "slope": 1.00211681802045,
    "intercept": -0.262323073774029,
    "se_slope": 0.429796848199937e-03,
    "se_intercept": 0.232818234301152,
    "r_squared": 0.999993745883712,
}


def test_a_certified_regression_is_reproduced_to_twelve_digits() -> None:
    numbers = [float(text) for text in NORRIS.split()]
    found = fit(numbers[1::2], numbers[0::2])
    assert found is not None
    assert found.n == 36
    answers = {"slope": found.line.slope, "intercept": found.line.intercept}
    answers |= {name: getattr(found, name) for name in ("se_slope", "se_intercept", "r_squared")}
    for name, certified in CERTIFIED.items():
        assert math.isclose(answers[name], certified, rel_tol=1e-12), name


def test_an_offset_does_not_cost_digits() -> None:
    shifted = fit([1e9 + x for x in range(20)], [3.0 * x + 1e9 for x in range(20)])
    assert shifted is not None
    assert math.isclose(shifted.line.slope, 3.0, rel_tol=1e-12)


def test_a_driver_that_does_not_vary_gives_no_line() -> None:
    assert fit([5.0, 5.0, 5.0], [1.0, 2.0, 3.0]) is None
    assert why_unfit(None) == "the driver does not vary"


def test_gates_of_a_baseline() -> None:
    few = fit([1.0, 2.0, 3.0], [1.0, 2.0, 3.1])
    loose = fit([float(x) for x in range(12)], [0.0, 9.0, 1.0, 8.0, 2.0, 7.0, 3.0, 6.0, 4.0, 5.0, 1.0, 9.0])
    good = fit([float(x) for x in range(12)], [2.0 * x + 1 for x in range(12)])
    assert why_unfit(few) == "3 points are fewer than 12"
    assert "R²" in (why_unfit(loose) or "")
    assert why_unfit(good) is None
