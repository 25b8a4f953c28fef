"""Least squares over several drivers, with what is needed to judge the fit. Pure.

Columns are centred twice and scaled before an orthogonal decomposition, so that certified regressions with nearly
dependent drivers are reproduced to many digits.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from kpi.energy.performance import LEAST_POINTS, LEAST_R_SQUARED, MOST_P, two_sided_p

POINTS_PER_DRIVER = 6
MOST_CV = 0.25  # own rule; ASHRAE Guideline 14 asks for 0.15 of monthly and 0.30 of hourly models
_DEPENDENT = 1e-9  # what is left of a scaled driver beside the others

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Term:
    """A driver's part: kWh per unit, its standard error and how likely it is by chance, and the range seen."""

    slope: float
    se: float
    p: float
    low: float
    high: float


@dataclass(frozen=True)
class Fit:
    """Consumption as a constant and a part of each driver; CV(RMSE) is the deviation of the rest over the mean."""

    intercept: float
    terms: tuple[Term, ...]
    n: int
    r_squared: float
    adjusted: float
    cv_rmse: float


def fit(drivers: Sequence[Sequence[float]], consumption: Sequence[float]) -> Fit | None:
    """Fit consumption over drivers (one sequence each); None where they do not vary or depend on each other, or where
    there are no more points than unknowns.
    """
    n, k = len(consumption), len(drivers)
    if k == 0 or n <= k + 1 or any(min(each) == max(each) for each in drivers):
        return None
    means = [math.fsum(each) / n for each in drivers]
    x, y = np.column_stack([_centred(each) for each in drivers]), _centred(consumption)
    scale = np.sqrt((x * x).sum(axis=0))
    q, r = np.linalg.qr(x / scale)
    total = math.fsum(y * y)
    if np.abs(np.diag(r)).min() < _DEPENDENT or total == 0:
        return None
    scaled = np.linalg.solve(r, q.T @ y)
    scaled += np.linalg.solve(r, q.T @ (y - (x / scale) @ scaled))  # one step more against rounding
    rest = math.fsum((y - (x / scale) @ scaled) ** 2)
    slopes, free = scaled / scale, n - k - 1
    inverse = np.linalg.solve(r, np.eye(k))
    errors = np.sqrt((inverse * inverse).sum(axis=1) * rest / free) / scale
    mean = math.fsum(consumption) / n
    terms = [
        Term(slope, se, 0.0 if se == 0 else two_sided_p(slope / se, free), min(each), max(each))
        for slope, se, each in zip(slopes.tolist(), errors.tolist(), drivers, strict=True)
    ]
    return Fit(
        intercept=mean - math.fsum(term.slope * each for term, each in zip(terms, means, strict=True)),
        terms=tuple(terms),
        n=n,
        r_squared=1 - rest / total,
        adjusted=1 - (rest / free) / (total / (n - 1)),
        cv_rmse=math.sqrt(rest / free) / abs(mean) if mean else math.inf,
    )


def why_unfit(found: Fit | None, names: Sequence[str], enough: float = LEAST_R_SQUARED) -> str | None:
    """Why a fit is no baseline, None where it is one; `enough` is the adjusted R² to reach."""
    if found is None:
        return "a driver does not vary, or depends on the others, or there are too few points"
    least = max(LEAST_POINTS, POINTS_PER_DRIVER * len(found.terms))
    if found.n < least:
        return f"{found.n} points are fewer than {least}"
    if found.adjusted < enough:
        return f"adjusted R² is {found.adjusted:.2f}, {enough} is needed"
    if found.cv_rmse > MOST_CV:
        return f"CV(RMSE) is {found.cv_rmse:.2f}, at most {MOST_CV} is allowed"
    reasons = (_why_not(name, term) for name, term in zip(names, found.terms, strict=True))
    return next(filter(None, reasons), None)


def _why_not(name: str, term: Term) -> str | None:
    if term.p >= MOST_P:
        return f"the slope of {name} may be chance: p is {term.p:.3g}, below {MOST_P} is needed"
    return f"the slope of {name} is negative: more of it cannot need less energy" if term.slope < 0 else None


def _centred(values: Sequence[float]) -> Floats:
    mean = math.fsum(values) / len(values)
    once = [value - mean for value in values]
    rest = math.fsum(once) / len(values)  # the mean is rounded: this brings the lost digits back
    return np.array([value - rest for value in once])
