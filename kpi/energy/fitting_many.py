"""Fits a baseline over several drivers, of days or of weeks: stored pieces in, the frozen model out. Pure.

A point enters when its energy was metered as completely as the site asks on each of its days; a week has seven days.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import polars as pl

from kpi.catalogue import CATALOGUE
from kpi.energy import regression
from kpi.energy.baselines import DRIVERS, check_driver, product_of, unit_of
from kpi.energy.fitting import UnfitError, why_left_out
from kpi.energy.performance import LEAST_R_SQUARED
from kpi.rollup.rolling import RollupInputs, scopes_of, wide_rows
from kpi.rollup.status import completeness
from model.vocabulary import Grain

DAYS_OF_WEEK = 7
PointGrain = Literal["day", "week"]


@dataclass(frozen=True)
class Point:
    """Amounts of the drivers and energy in kWh of a day or week, by its first day; days and the least completeness."""

    first: date
    drivers: tuple[float, ...]
    kwh: float
    days: int
    completeness: float | None


@dataclass(frozen=True)
class FittedMany:
    """A fit and the points that it left out, with the reason."""

    names: tuple[str, ...]
    grain: PointGrain
    fit: regression.Fit | None
    points: tuple[date, ...]
    left_out: tuple[tuple[date, str], ...]

    @property
    def unfit(self) -> str | None:
        """Why it is no baseline to judge by, None where it is one."""
        return regression.why_unfit(self.fit, self.names)

    def model(self, first: date, last: date, least: float = LEAST_R_SQUARED) -> dict[str, Any]:
        """Give what is frozen.

        Raises:
            UnfitError: it is no baseline to judge by, or its adjusted R² is below the least.
        """
        unfit = regression.why_unfit(self.fit, self.names, least)
        if self.fit is None or unfit is not None:
            raise UnfitError(f"{unfit} ({len(self.points)} points fitted, {len(self.left_out)} left out)")
        terms = [
            {
                "driver": name, "unit": unit_of(name), "slope": term.slope, "se_slope": term.se, "p_slope": term.p,
                "driver_from": term.low, "driver_to": term.high,
            }
            for name, term in zip(self.names, self.fit.terms, strict=True)
        ]  # fmt: skip
        return {
            "driver": " + ".join(self.names),
            "drivers": terms,
            "grain": self.grain,
            "intercept": self.fit.intercept,
            "r_squared": self.fit.r_squared,
            "adjusted_r_squared": self.fit.adjusted,
            "cv_rmse": self.fit.cv_rmse,
            "n": self.fit.n,
            "from": first.isoformat(),
            "to": last.isoformat(),
            "left_out": [{"day": day.isoformat(), "why": why} for day, why in self.left_out],
        }


def points_of(inputs: RollupInputs, scope: str, names: Sequence[str], grain: PointGrain) -> list[Point]:
    """Give the points of a scope from its stored pieces.

    Raises:
        KpiError: there is no such driver.
    """
    for name in names:
        check_driver(name)
    grains = frozenset({Grain.DAY, Grain.PRODUCT})
    wide = wide_rows(inputs, scopes_of(inputs), grains).filter(pl.col("scope") == scope)
    share = completeness(CATALOGUE["energy"]).alias("_share")
    metered = wide.filter(pl.col("grain") == Grain.DAY.value, "has_energy")
    days = metered.select("production_day", "energy_kwh", share)
    for number, name in enumerate(names):
        days = days.join(_amounts(wide, name).rename({"amount": f"_{number}"}), on="production_day", how="left")
    start = pl.col("production_day").dt.truncate("1w") if grain == "week" else pl.col("production_day")
    columns = [pl.col(f"_{number}").fill_null(0.0).sum() for number in range(len(names))]
    known = pl.when(pl.col("_share").is_not_null().all()).then(pl.col("_share").min())
    rows = days.sort("production_day").group_by(start.alias("first"), maintain_order=True).agg(
        *columns, pl.col("energy_kwh").sum(), pl.len().alias("days"), known.alias("_share")
    )  # fmt: skip
    return [Point(first, tuple(amounts), kwh, count, told) for first, *amounts, kwh, count, told in rows.iter_rows()]


def fitted_many(points: Sequence[Point], names: Sequence[str], grain: PointGrain, gate: float) -> FittedMany:
    """Fit the points that are whole and whose completeness is known and not below the gate."""
    why = {each.first: _why_not(each, grain, gate) for each in points}
    kept = [each for each in points if why[each.first] is None]
    columns = list(zip(*(each.drivers for each in kept), strict=True))
    found = regression.fit(columns, [each.kwh for each in kept]) if kept else None
    left_out = tuple((day, reason) for day, reason in why.items() if reason is not None)
    return FittedMany(tuple(names), grain, found, tuple(each.first for each in kept), left_out)


def _why_not(point: Point, grain: PointGrain, gate: float) -> str | None:
    if grain == "week" and point.days < DAYS_OF_WEEK:
        return f"{point.days} metered days"
    return why_left_out(point.completeness, gate)


def _amounts(wide: pl.DataFrame, name: str) -> pl.DataFrame:
    """Amount of a driver per day; good pieces of one product from the rows of that product."""
    product = product_of(name)
    if product is None:
        rows, amount = wide.filter(pl.col("grain") == Grain.DAY.value), DRIVERS[name]
    else:
        rows, amount = wide.filter(grain=Grain.PRODUCT.value, product=product), DRIVERS["good"]
    return rows.select("production_day", amount.alias("amount"))
