"""Base sums → values: evaluates catalogue expressions over a wide frame (see kpi/catalogue/columns.py)."""

import polars as pl

from kpi.catalogue import Basis, Kpi


def value_columns(kpi: Kpi, variant: str = "") -> list[pl.Expr]:
    """Expressions for numerator, denominator and value; a value without a positive denominator is null.

    Raises:
        KeyError: the KPI has no such variant.
    """
    if variant not in kpi.variants and kpi.basis is not Basis.SAMPLE:
        raise KeyError(f"{kpi.id} has no variant {variant!r}")
    part = kpi.capped if variant == "capped" and kpi.capped is not None else kpi.numerator
    missing = why_missing(kpi).is_not_null()
    numerator = pl.when(~missing).then(part).cast(pl.Float64)
    if kpi.denominator is None:
        return [numerator.alias("numerator"), pl.lit(None, pl.Float64).alias("denominator"), numerator.alias("value")]
    whole = kpi.denominator.cast(pl.Float64)
    value = pl.when(whole > 0).then(numerator / whole)
    return [numerator.alias("numerator"), whole.alias("denominator"), value.alias("value")]


def why_missing(kpi: Kpi) -> pl.Expr:
    """Status of a row that cannot have a value (no_data, no_ideal_cycle, no_factor), null where it can."""
    no_data = pl.lit("no_data")
    match kpi.basis:
        case Basis.COUNT:
            return pl.when(~pl.col("has_counts")).then(no_data)
        case Basis.PERFORMANCE:
            without = pl.col("no_ideal") > 0
            return pl.when(~pl.col("has_counts")).then(no_data).when(without).then(pl.lit("no_ideal_cycle"))
        case Basis.ENERGY:
            return pl.when(~pl.col("has_energy")).then(no_data)
        case Basis.DEMAND:
            return pl.when(~pl.col("has_demand")).then(no_data)
        case Basis.CARBON:
            without = pl.col("without_factor") > 0
            return pl.when(~pl.col("has_energy")).then(no_data).when(without).then(pl.lit("no_factor"))
        case _:
            return pl.lit(None, pl.String)


def evaluate(kpi: Kpi, frame: pl.DataFrame, variant: str = "") -> float | None:
    """Value of a KPI over a wide frame of one row."""
    found = frame.select(value_columns(kpi, variant))["value"].item()
    return None if found is None else float(found)
