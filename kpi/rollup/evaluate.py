"""Base sums → values: evaluates catalogue expressions over a wide frame (see kpi/catalogue/columns.py)."""

from functools import cache

import polars as pl

from kpi.catalogue import Basis, Kpi
from kpi.catalogue.columns import classed_kwh


def value_columns(kpi: Kpi, variant: str = "") -> list[pl.Expr]:
    """Expressions for numerator, denominator and value; a value without a positive denominator is null.

    Raises:
        KeyError: the KPI has no such variant.
    """
    numerator, whole = parts(kpi, variant, why_missing(kpi).is_not_null())
    value = numerator if kpi.denominator is None else divided(numerator, whole)
    return [numerator.alias("numerator"), whole.alias("denominator"), value.alias("value")]


def parts(kpi: Kpi, variant: str, missing: pl.Expr) -> tuple[pl.Expr, pl.Expr]:
    """Numerator, null where the value is missing, and denominator, null if the KPI has none.

    Raises:
        KeyError: the KPI has no such variant.
    """
    if variant not in kpi.variants and kpi.basis is not Basis.SAMPLE:
        raise KeyError(f"{kpi.id} has no variant {variant!r}")
    part = kpi.capped if variant == "capped" and kpi.capped is not None else kpi.numerator
    whole = pl.lit(None, pl.Float64) if kpi.denominator is None else kpi.denominator.cast(pl.Float64)
    return pl.when(~missing).then(part).cast(pl.Float64), whole


def divided(numerator: pl.Expr, denominator: pl.Expr) -> pl.Expr:
    """The quotient, null without a positive denominator."""
    return pl.when(denominator > 0).then(numerator / denominator)


def why_missing(kpi: Kpi) -> pl.Expr:
    """Status of a row that cannot have a value (no_data, no_ideal_cycle, no_factor, no_tariff), null where it can."""
    return _why_missing(kpi.basis, "cost_vat" in kpi.inputs, "demand_vat_rate" in kpi.inputs)


@cache
def _why_missing(basis: Basis, with_vat: bool, with_demand_vat: bool) -> pl.Expr:
    needs = _NEEDS.get(basis, ())
    if with_vat:
        needs += ((pl.col("without_vat") > 0, "no_tariff"),)
    if with_demand_vat:
        needs += ((pl.col("demand_price").is_not_null() & pl.col("demand_vat_rate").is_null(), "no_tariff"),)
    found = pl.lit(None, pl.String)
    for fails, why in reversed(needs):
        found = pl.when(fails).then(pl.lit(why)).otherwise(found)
    return found


def evaluate(kpi: Kpi, frame: pl.DataFrame, variant: str = "") -> float | None:
    """Value of a KPI over a wide frame of one row."""
    found = frame.select(value_columns(kpi, variant))["value"].item()
    return None if found is None else float(found)


_no_counts, _no_energy = (~pl.col("has_counts"), "no_data"), (~pl.col("has_energy"), "no_data")
_no_grid, _no_fuel = (pl.col("without_factor") > 0, "no_factor"), (pl.col("scope1_without_factor") > 0, "no_factor")
_unweighed = (pl.col("good_unweighed") > 0, "no_data")
_no_price = (pl.col("without_price") > 0, "no_tariff")
# What keeps a value of each basis from being one, and the status that says so; the first one that holds.
_NEEDS: dict[Basis, tuple[tuple[pl.Expr, str], ...]] = {
    Basis.COUNT: (_no_counts,),
    Basis.PERFORMANCE: (_no_counts, (pl.col("no_ideal") > 0, "no_ideal_cycle")),
    Basis.ENERGY: (_no_energy,),
    Basis.SUBMETER: (_no_energy,),
    Basis.REACTIVE: (_no_energy,),
    Basis.ENERGY_TIME: (_no_energy, ((classed_kwh() == 0) & (pl.col("energy_kwh") > 0), "no_data")),
    Basis.COST: (_no_energy, _no_price),
    Basis.BILL: (_no_energy, _no_price, (pl.col("demand_price").is_not_null() & ~pl.col("has_demand"), "no_data")),
    **dict.fromkeys((Basis.DEMAND, Basis.CAPACITY), ((~pl.col("has_demand"), "no_data"),)),
    Basis.CARBON: (_no_energy, _no_grid),
    Basis.MARKET: (_no_energy, _no_grid),
    Basis.SCOPE1: (_no_fuel,),
    Basis.CBAM: (_unweighed, _no_fuel),
    Basis.CBAM_ENERGY: (_unweighed, _no_energy, _no_grid),
}
