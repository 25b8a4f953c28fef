"""Energy performance after ISO 50006: fitted lines, what makes one a baseline, running sums of savings.

Pure. Sums are exact (`math.fsum` of centred terms), so that certified regressions are reproduced to the last digits.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

LEAST_POINTS = 12
LEAST_R_SQUARED = 0.75
EXISTS_R_SQUARED = 0.6  # own default: from here on a fit shows that a baseline exists, though nothing is expected by it
EXTRAPOLATION = 0.10
MOST_P = 0.05
_TINY, _STEPS = 1e-300, 300


@dataclass(frozen=True)
class Line:
    """Consumption as a line over its driver; `intercept` is the load that does not depend on output."""

    slope: float
    intercept: float

    def at(self, driver: float) -> float:
        """Expected consumption at a value of the driver."""
        return self.slope * driver + self.intercept

    def plus(self, other: "Line", weight: float = 1.0) -> "Line":
        """Both carriers together, the other one converted by a weight."""
        return Line(self.slope + weight * other.slope, self.intercept + weight * other.intercept)


@dataclass(frozen=True)
class Fit:
    """An ordinary least-squares line with what is needed to judge it; None where it cannot be told."""

    line: Line
    n: int
    r_squared: float | None
    se_slope: float | None
    se_intercept: float | None
    driver_from: float
    driver_to: float

    @property
    def p_slope(self) -> float | None:
        """How likely a slope as far from zero is by chance (two-sided t test)."""
        if self.se_slope is None:
            return None
        return 0.0 if self.se_slope == 0 else two_sided_p(self.line.slope / self.se_slope, self.n - 2)


def fit(driver: Sequence[float], consumption: Sequence[float]) -> Fit | None:
    """Fit a line; None with fewer than two different values of the driver.

    Raises:
        ValueError: there are not as many values of one as of the other.
    """
    if len(driver) != len(consumption):
        raise ValueError(f"{len(driver)} values of the driver stand against {len(consumption)} of consumption")
    n = len(driver)
    if n < 2 or min(driver) == max(driver):
        return None
    mean_x, mean_y = math.fsum(driver) / n, math.fsum(consumption) / n
    dx, dy = [x - mean_x for x in driver], [y - mean_y for y in consumption]
    # The means are rounded; taking out the mean of what is left brings the lost digits back.
    dx, dy = _centred(dx), _centred(dy)
    sxx, syy = math.fsum(x * x for x in dx), math.fsum(y * y for y in dy)
    slope = math.fsum(x * y for x, y in zip(dx, dy, strict=True)) / sxx
    intercept = mean_y - slope * mean_x
    rest = math.fsum((y - slope * x) ** 2 for x, y in zip(dx, dy, strict=True))
    variance = rest / (n - 2) if n > 2 else None
    return Fit(
        Line(slope, intercept),
        n,
        1 - rest / syy if syy > 0 else None,
        None if variance is None else math.sqrt(variance / sxx),
        None if variance is None else math.sqrt(variance * (1 / n + mean_x * mean_x / sxx)),
        min(driver),
        max(driver),
    )


def why_unfit(found: Fit | None, least: float = LEAST_R_SQUARED) -> str | None:
    """Why a fit is no baseline, None where it is one: twelve points, the least R², a slope that is sure."""
    if found is None:
        return "the driver does not vary"
    if found.n < LEAST_POINTS:
        return f"{found.n} points are fewer than {LEAST_POINTS}"
    if found.r_squared is None or found.r_squared < least:
        return f"R² is {found.r_squared or 0:.2f}, {least} is needed"
    if found.p_slope is None or found.p_slope >= MOST_P:
        return f"the slope may be chance: p is {found.p_slope or 0:.3g}, below {MOST_P} is needed"
    if found.line.slope < 0:
        return "the slope is negative: more output cannot need less energy"
    return None


def running_sum(differences: Sequence[float]) -> tuple[float, ...]:
    """Sum of all differences up to each point (CUSUM)."""
    return tuple(accumulate(differences))


def _centred(values: list[float]) -> list[float]:
    rest = math.fsum(values) / len(values)
    return [value - rest for value in values]


def two_sided_p(t: float, degrees: int) -> float:
    """Probability of a t value as far from zero or farther, by Student's distribution."""
    return _incomplete_beta(degrees / (degrees + t * t), degrees / 2, 0.5)


def _incomplete_beta(x: float, a: float, b: float) -> float:
    """Regularised incomplete beta function, by its continued fraction where that converges fast."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x))
    if x < (a + 1) / (a + b + 2):
        return front * _fraction(x, a, b) / a
    return 1 - front * _fraction(1 - x, b, a) / b


def _fraction(x: float, a: float, b: float) -> float:
    """Continued fraction of the incomplete beta function (Lentz)."""
    c, d = 1.0, 1 / _away(1 - (a + b) * x / (a + 1))
    whole = d
    for m in range(1, _STEPS):
        for term in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d, c = 1 / _away(1 + term * d), _away(1 + term / c)
            whole *= c * d
        if abs(c * d - 1) < 1e-15:
            break
    return whole


def _away(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
