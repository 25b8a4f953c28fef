"""Fits a baseline over the days of a period: rows of base sums in, the frozen model out. Pure.

A day enters when its energy was metered as completely as the site asks and its driver is known; the others are named.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from kpi.catalogue import CATALOGUE
from kpi.energy.baselines import DRIVERS, UNITS, check_driver
from kpi.energy.performance import LEAST_R_SQUARED, Fit, fit, why_unfit
from kpi.errors import KpiError
from kpi.rollup.rolling import RollupInputs, scopes_of, wide_rows
from kpi.rollup.status import completeness
from model.vocabulary import Grain


class UnfitError(KpiError):
    """The days give no baseline to judge by; the text says why."""


@dataclass(frozen=True)
class Day:
    """One point: driver, energy in kWh, share of the expected meter readings that came."""

    day: date
    driver: float
    kwh: float
    completeness: float | None


@dataclass(frozen=True)
class Fitted:
    """A fit and the days that it left out, with the reason."""

    driver: str
    fit: Fit | None
    days: tuple[date, ...]
    left_out: tuple[tuple[date, str], ...]

    def model(self, first: date, last: date, least: float = LEAST_R_SQUARED) -> dict[str, Any]:
        """Give what is frozen.

        Raises:
            UnfitError: it is no baseline to judge by, or its R² is below the least.
        """
        reason = why_unfit(self.fit, least)
        if self.fit is None or reason is not None:
            raise UnfitError(f"{reason} ({len(self.days)} days fitted, {len(self.left_out)} left out)")
        found = self.fit
        return {
            "driver": self.driver,
            "driver_unit": UNITS[self.driver],
            "grain": "day",
            "slope": found.line.slope,
            "intercept": found.line.intercept,
            "r_squared": found.r_squared,
            "n": found.n,
            "se_slope": found.se_slope,
            "se_intercept": found.se_intercept,
            "p_slope": found.p_slope,
            "driver_from": found.driver_from,
            "driver_to": found.driver_to,
            "from": first.isoformat(),
            "to": last.isoformat(),
            "left_out": [{"day": day.isoformat(), "why": why} for day, why in self.left_out],
        }


def days_of(inputs: RollupInputs, scope: str, driver: str) -> list[Day]:
    """Give the points of a scope from its stored pieces.

    Raises:
        KpiError: there is no such driver.
    """
    check_driver(driver)
    wide = wide_rows(inputs, scopes_of(inputs), frozenset({Grain.DAY})).filter(pl.col("scope") == scope, "has_energy")
    share = completeness(CATALOGUE["energy"]).alias("share")
    rows = wide.select("production_day", DRIVERS[driver].alias("driver"), "energy_kwh", share).sort("production_day")
    return [Day(*row) for row in rows.iter_rows()]


def fitted(days: Sequence[Day], driver: str, gate: float) -> Fitted:
    """Fit the days whose completeness is known and not below the gate."""
    why = [why_left_out(each.completeness, gate) for each in days]
    kept = [each for each, reason in zip(days, why, strict=True) if reason is None]
    left_out = tuple((each.day, reason) for each, reason in zip(days, why, strict=True) if reason is not None)
    found = fit([each.driver for each in kept], [each.kwh for each in kept]) if kept else None
    return Fitted(driver, found, tuple(each.day for each in kept), left_out)


def why_left_out(completeness: float | None, gate: float) -> str | None:
    """Why a point with so many of its expected readings does not enter a fit, None where it does."""
    if completeness is None:
        return "no expected readings"
    return None if completeness >= gate else f"completeness {completeness:.3f}"
