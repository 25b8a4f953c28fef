"""What base sums of money, CO2e and mass are made of: amounts times the price, factor or mass in force. Pure.

In: the atoms of one window, its registry and what the scope adds up, stretch of days by stretch of days. Out: terms,
one for each factor that was in force, whose results add up to the base sum.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from kpi.carbon.factors import factors_of_hours, with_substances
from kpi.energy.prices import CURRENCY, prices_of_hours
from kpi.energy.split import Held
from kpi.rollup.base import role, share
from model.registry import Site

_amount, _day, _quantity = pl.col("amount"), pl.col("production_day"), pl.col("quantity")
_good = (_quantity == "good") | ((_quantity == "unattributed") & (pl.col("qualifier") != "reject"))


@dataclass(frozen=True)
class _Made:
    """How one base sum is made of atoms."""

    of: pl.Expr  # which atoms
    named: str  # column that says what the amount is of
    unit: str
    factor: pl.Expr
    per: str  # unit of the result
    part: pl.Expr | None = None  # of the amount


def _of_energy(factor: pl.Expr, per: str = "kg", named: str = "quantity", part: pl.Expr | None = None) -> _Made:
    return _Made(_quantity == "energy", named, "kWh", factor, per, part)


def _of_fuel(factor: str) -> _Made:
    return _Made(_quantity == "fuel_tj", "qualifier", "TJ", pl.col(factor), "kg")


_TERMS = {
    "co2e_kg": _of_energy(pl.col("kg_per_kwh")),
    "shared_kg": _of_energy(pl.col("share_kg_per_kwh")),
    "rest_kg": _of_energy(pl.col("rest_kg_per_kwh"), part=1.0 - pl.col("share")),
    "cost": _of_energy(pl.col("price"), CURRENCY, "tariff_period"),
    "cost_vat": _of_energy(pl.col("price") * pl.col("vat_rate"), CURRENCY, "tariff_period"),
    "fuel_co2_kg": _of_fuel("fossil"),
    "fuel_ch4_co2e_kg": _of_fuel("methane"),
    "fuel_n2o_co2e_kg": _of_fuel("nitrous"),
    "biogenic_co2_kg": _of_fuel("biogenic"),
    "refrigerant_co2e_kg": _Made(
        _quantity == "refrigerant_kg", "qualifier", "kg", pl.col("refrigerant"), "kg"
    ),
    "good_kg": _Made(_good, "product", "piece", pl.col("mass_kg"), "kg"),
}  # fmt: skip


def terms(atoms: pl.DataFrame, site: Site, held: Sequence[Held], sums: Iterable[str]) -> list[dict[str, Any]]:
    """List the terms of those of the base sums `sums` that are amounts times factors, in their order.

    Each has `sum`, `of` (energy, tariff period, fuel, gas, product), `amount` in `unit`, `factor` in `factor_unit` and
    `result`; without a factor in force the last two numbers are null, and the term is not in the sum.
    """
    wanted = [name for name in sums if name in _TERMS]
    if not wanted or not held:
        return []
    rows = pl.concat([_held(atoms, each) for each in held])
    rows = with_substances(rows, site).join(factors_of_hours(site, atoms["hour_us"]), on="hour_us", how="left")
    rows = rows.join(prices_of_hours(site, atoms["hour_us"]), on=["hour_us", "tariff_period"], how="left")
    return [row for name in wanted for row in _terms_of(rows, name).to_dicts()]


def _held(atoms: pl.DataFrame, held: Held) -> pl.DataFrame:
    within = atoms.filter(_day.is_between(held.first, held.last))
    return within.join(held.meters, on="asset")


def _terms_of(rows: pl.DataFrame, name: str) -> pl.DataFrame:
    made, of_scope = _TERMS[name], share(name)
    weight = pl.col(of_scope or role(name)).cast(pl.Float64)
    found = rows.filter(made.of, weight > 0).select(
        pl.lit(name).alias("sum"),
        pl.col(made.named).alias("of"),
        (_amount * weight * (1.0 if made.part is None else made.part)).alias("amount"),
        made.factor.alias("factor"),
    )
    sums = found.group_by("sum", "of", "factor").agg(pl.col("amount").sum()).filter(_amount != 0)
    return sums.sort("of", "factor").select(
        "sum", "of", "amount",
        pl.lit(made.unit).alias("unit"),
        "factor",
        pl.lit(f"{made.per}/{made.unit}").alias("factor_unit"),
        (_amount * pl.col("factor")).alias("result"),
    )  # fmt: skip
