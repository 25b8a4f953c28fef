"""Metrics `kpi.*`: every catalogue KPI over the window, from its stored day values; ratios as sum over sum.

A scope of several machines is one number: numerators and denominators of all are added up first.
"""

from functools import partial

import polars as pl

from kpi.catalogue import CATALOGUE
from kpi.catalogue.entry import Aggregation, Kpi
from maturity.facts import Facts
from maturity.metrics.measured import Measured, Metrics, Parameters

METRICS = Metrics()
_NO_VALUE = ("no_data", "no_factor", "no_ideal_cycle", "no_tariff")


def values_of(facts: Facts, kpi: str, scope: str, grain: str = "day", variant: str = "") -> pl.DataFrame:
    """Stored values of a KPI for the assets of a scope, by asset and time."""
    rows = facts.values.filter(
        pl.col("kpi") == kpi,
        pl.col("variant") == variant,
        pl.col("grain") == grain,
        pl.col("scope").is_in(list(facts.assets_of(scope))),
    )
    return rows.sort("scope", "from_us")


def over_window(kpi: Kpi, facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """A KPI over all days of the window and all assets of the scope."""
    variant = str(parameters.get("variant", ""))
    rows = values_of(facts, kpi.id, scope, variant=variant)
    if rows.is_empty():
        return Measured.nothing(f"There are no stored values of {kpi.id} in the window: {kpi.name_en} is not measured.")
    there = rows.filter(pl.col("value").is_not_null())
    assets = tuple(rows["scope"].unique().sort())
    if there.is_empty():
        why = ", ".join(sorted(set(rows["status"]))) or "no data"
        return Measured.nothing(f"{kpi.name_en} has no value in the window ({why}).", assets)
    value = _combined(kpi, there)
    if value is None:
        return Measured.nothing(f"{kpi.name_en} has nothing to be divided by in the window.", assets)
    return Measured(value, completeness_of(rows, facts), assets, detail={"days": there["production_day"].n_unique()})


def completeness_of(rows: pl.DataFrame, facts: Facts) -> float:
    """Completeness of the data under stored values: that of each row, days without a row counting as nothing.

    Days on which an asset has no row at all are missing only if others of the window have one: a window in which
    nothing is scheduled has rows, too.
    """
    expected = rows["scope"].n_unique() * facts.days
    got = rows["completeness"].fill_null(0.0).sum()
    return min(1.0, float(got) / expected) if expected else 0.0


def _combined(kpi: Kpi, rows: pl.DataFrame) -> float | None:
    if kpi.aggregation is not Aggregation.SUM:
        return _number(rows["value"].max())
    numerator = float(rows["numerator"].sum())
    if kpi.denominator is None:
        return numerator
    denominator = float(rows["denominator"].sum())
    return numerator / denominator if denominator > 0 else None


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


for _kpi in CATALOGUE.values():
    METRICS.add(f"kpi.{_kpi.id}", _kpi.unit, _kpi.explanation_en, ("variant",))(partial(over_window, _kpi))
