"""Emission factors by the local hour of use: of the zone's grid, of its residual mix, of contracts, of fuels and gases.

In: a registry snapshot and the hours in which energy was used. Out: the factor of each hour, and whether it is of an
earlier year because none is published yet. A factor of another zone is never taken.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import polars as pl

from kpi.carbon.market import shares_on
from kpi.carbon.warming import NoFactorError, gwp
from model.registry import EmissionFactor, Site

FACTORS = pl.Schema(
    {
        "hour_us": pl.Int64,
        "kg_per_kwh": pl.Float64,
        "lags": pl.Boolean,
        "rest_kg_per_kwh": pl.Float64,  # residual mix, the grid's average where there is none
        "no_residual": pl.Boolean,
        "share": pl.Float64,  # covered by contracts of a share
        "share_kg_per_kwh": pl.Float64,  # share x factor of those contracts, summed
    }
)
SUBSTANCES = pl.Schema(
    {
        **dict.fromkeys(("quantity", "qualifier"), pl.String()),
        **dict.fromkeys(("fossil", "methane", "nitrous", "biogenic", "refrigerant"), pl.Float64()),
        "known": pl.Boolean(),
    }
)
_MASSES = pl.Schema({"product": pl.String, "mass_kg": pl.Float64})
Factors = tuple[float | None, bool, float | None, bool, float, float]  # the columns of FACTORS after the hour


@dataclass(frozen=True)
class FactorInForce:
    """A factor in kg CO2e per kWh; `lags` when it is the newest one published, for a later date."""

    kg_per_kwh: float
    lags: bool


def factor_on(
    factors: Iterable[EmissionFactor], zone: str | None, local_date: date, basis: str = "location"
) -> FactorInForce | None:
    """Choose the factor of a zone and basis for a local date of consumption, None where there is none.

    A date after the newest factor takes that one, lagging; a date before the first or inside a hole has none.
    """
    day = local_date.isoformat()
    of_zone = [item for item in factors if item.zone == zone and item.basis == basis]
    for item in sorted(of_zone, key=lambda item: item.valid_from):
        if item.valid_from <= day < item.valid_to:
            return FactorInForce(item.kg_per_kwh, lags=False)
    if of_zone and day >= max(item.valid_to for item in of_zone):
        newest = max(of_zone, key=lambda item: item.valid_to)
        return FactorInForce(newest.kg_per_kwh, lags=True)
    return None


def factors_of_hours(site: Site, hours_us: Iterable[int]) -> pl.DataFrame:
    """Look up the factors of each hour by its local date; a null factor means that the zone has none."""
    zone = ZoneInfo(site.timezone)
    by_date: dict[date, Factors] = {}
    rows = []
    for hour in sorted(set(hours_us)):
        local = datetime.fromtimestamp(hour // 1_000_000, UTC).astimezone(zone).date()
        if local not in by_date:
            by_date[local] = _on(site, local)
        rows.append((hour, *by_date[local]))
    return pl.DataFrame(rows, schema=FACTORS, orient="row")


def _on(site: Site, local: date) -> Factors:
    grid = factor_on(site.emission_factors, site.grid_zone, local)
    residual = factor_on(site.emission_factors, site.grid_zone, local, "residual")
    rest = residual or grid
    return (
        grid.kg_per_kwh if grid else None,
        bool(grid and grid.lags),
        rest.kg_per_kwh if rest else None,
        residual is None,
        *shares_on(site.energy_contracts, local),
    )


def factors_of_substances(site: Site) -> pl.DataFrame:
    """List kg CO2e per TJ of each fuel by gas, and per kg of each refrigerant that the site's report lists."""
    methane, nitrous = gwp("CH4", site.gwp_set), gwp("N2O", site.gwp_set)
    rows = [
        (
            "fuel_tj",
            each.fuel,
            0.0 if each.biogenic else each.co2_kg_per_tj,
            each.ch4_kg_per_tj * methane,
            each.n2o_kg_per_tj * nitrous,
            each.co2_kg_per_tj if each.biogenic else 0.0,
            0.0,
            True,
        )
        for each in site.fuel_factors
    ]
    return pl.DataFrame(rows, schema=SUBSTANCES, orient="row")


def with_substances(atoms: pl.DataFrame, site: Site) -> pl.DataFrame:
    """Put factors of fuels and gases and masses of products beside the atoms; null where there is none."""
    gases = atoms.filter(pl.col("quantity") == "refrigerant_kg")["qualifier"].unique().sort().to_list()
    known = [(gas, potential) for gas in gases if (potential := _potential(gas, site.gwp_set)) is not None]
    rows = [("refrigerant_kg", gas, 0.0, 0.0, 0.0, 0.0, potential, True) for gas, potential in known]
    factors = pl.concat([factors_of_substances(site), pl.DataFrame(rows, schema=SUBSTANCES, orient="row")])
    masses = pl.DataFrame([(each.key, each.mass_kg) for each in site.products], schema=_MASSES, orient="row")
    found = atoms.join(factors, on=["quantity", "qualifier"], how="left", maintain_order="left")
    return found.join(masses, on="product", how="left", maintain_order="left")


def _potential(gas: str, assessment: str) -> float | None:
    try:
        return gwp(gas, assessment)
    except NoFactorError:
        return None


_energy, _amount = pl.col("quantity") == "energy", pl.col("amount")
_substance = pl.col("quantity").is_in(["fuel_tj", "refrigerant_kg"])
_rest = _amount * (1.0 - pl.col("share"))


def _of_energy(amount: pl.Expr) -> pl.Expr:
    return pl.when(_energy).then(amount).fill_null(0.0)


def _of_substance(factor: str) -> pl.Expr:
    return pl.when(_substance).then(_amount * pl.col(factor)).fill_null(0.0)


# Base sums over atoms with the columns of FACTORS and SUBSTANCES beside them, in kg CO2e, kWh or rows.
OF_ENERGY: dict[str, pl.Expr] = {
    "co2e_kg": _of_energy(_amount * pl.col("kg_per_kwh")),
    "shared_kwh": _of_energy(_amount * pl.col("share")),
    "shared_kg": _of_energy(_amount * pl.col("share_kg_per_kwh")),
    "rest_kg": _of_energy(_rest * pl.col("rest_kg_per_kwh")),
}
ROWS: dict[str, pl.Expr] = {
    "without_factor": (_energy & pl.col("kg_per_kwh").is_null()).cast(pl.Int64),
    "lagging_rows": (_energy & pl.col("lags")).cast(pl.Int64),
    "no_residual_rows": (_energy & pl.col("no_residual") & (pl.col("share") < 1)).cast(pl.Int64),
}
OF_SUBSTANCES: dict[str, pl.Expr] = {
    "fuel_co2_kg": _of_substance("fossil"),
    "fuel_ch4_co2e_kg": _of_substance("methane"),
    "fuel_n2o_co2e_kg": _of_substance("nitrous"),
    "biogenic_co2_kg": _of_substance("biogenic"),
    "refrigerant_co2e_kg": _of_substance("refrigerant"),
    "scope1_rows": _substance.cast(pl.Int64),
    "scope1_without_factor": (_substance & pl.col("known").is_null()).cast(pl.Int64),
}
# kg of good pieces by the mass of their product, and the pieces of which it is not known.
_is_good = (pl.col("quantity") == "good") | ((pl.col("quantity") == "unattributed") & (pl.col("qualifier") != "reject"))
OF_GOODS: dict[str, pl.Expr] = {
    "good_kg": pl.when(_is_good).then(_amount * pl.col("mass_kg")).fill_null(0.0),
    "good_unweighed": pl.when(_is_good & pl.col("mass_kg").is_null()).then(_amount).fill_null(0.0),
}
SUMS = {**OF_ENERGY, **ROWS, **OF_SUBSTANCES, **OF_GOODS}
