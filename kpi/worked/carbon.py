"""Worked examples of greenhouse gases and product footprints, answered by the product's own functions."""

from collections.abc import Callable
from typing import Any

import polars as pl

from kpi.carbon import pact
from kpi.carbon.factors import OF_SUBSTANCES, with_substances
from kpi.carbon.warming import blend_gwp, gwp
from kpi.catalogue.columns import COLUMNS, wide
from kpi.compute.substances import fuel_tj
from kpi.worked.base import value
from kpi.worked.result import Answers, Inputs, UnsupportedError
from model.registry import FuelFactor, Site

KG_PER_T = 1000.0
_BIOMASS = ("wood", "biomass", "bagasse", "husk", "charcoal", "biogas", "biodiesel")
_ATOM = pl.Schema({"quantity": pl.String, "qualifier": pl.String, "amount": pl.Float64, "product": pl.String})


def activity_x_factor(given: Inputs) -> Answers:
    """Emissions of any activity with a factor."""
    return {"kg": given["activity"] * given["kg_per_unit"]}


def scope1_fuel(given: Inputs) -> Answers:
    """A fuel burned, by mass or by volume and density: TJ of its record, with the factors of a site.

    CO2 of biomass is among the gases, but apart from the total.
    """
    factors = {name: given[name] for name in ("co2_kg_per_tj", "ch4_kg_per_tj", "n2o_kg_per_tj", "ncv_tj_per_gg")}
    biogenic = any(word in str(given.get("fuel", "")).lower() for word in _BIOMASS)
    fuel, gwp_set = FuelFactor(fuel="fuel", biogenic=biogenic, **factors), str(given["gwp_set"]).upper()
    stated = ("mass_kg",) if "mass_kg" in given else ("volume_l", "density_kg_per_l")
    tj = fuel_tj({"fuel": fuel.fuel, **{name: given[name] for name in stated}}, {fuel.fuel: fuel})
    if tj is None:
        raise ValueError(f"{' and '.join(stated)}: no amount of fuel")
    site = Site(key="plant", timezone="UTC", gwp_set=gwp_set, fuel_factors=(fuel,))
    frame = _of_substance(site, "fuel_tj", fuel.fuel, tj)
    sums = frame.row(0, named=True)
    return {
        "tj": tj,
        "co2_kg": sums["fuel_co2_kg"] + sums["biogenic_co2_kg"],
        "ch4_kg": sums["fuel_ch4_co2e_kg"] / gwp("CH4", gwp_set),
        "n2o_kg": sums["fuel_n2o_co2e_kg"] / gwp("N2O", gwp_set),
        "co2e_kg": value("co2e_scope1", frame),
    }


def scope1_fuels(given: Inputs) -> Answers:
    """Three fuels with factors per unit of fuel."""
    units = {"gas": "m3", "coal": "t", "diesel": "l"}
    found = {
        f"{fuel}_t": given[f"{fuel}_{unit}"] * given[f"{fuel}_kg_per_{unit}"] / KG_PER_T for fuel, unit in units.items()
    }
    return {**found, "total_t": sum(found.values())}


def scope1_refrigerant(given: Inputs) -> Answers:
    """Refrigerant topped up, of a gas that the set of warming potentials lists."""
    gas, gwp_set = str(given["gas"]), str(given["gwp_set"]).upper()
    gwp(gas, gwp_set)  # one that is not listed has no value in the product: the example is not supported
    site = Site(key="plant", timezone="UTC", gwp_set=gwp_set)
    return {"kgco2e": value("co2e_refrigerant", _of_substance(site, "refrigerant_kg", gas, given["topped_up_kg"]))}


def gwp_blend(given: Inputs) -> Answers:
    """Potential of a blend."""
    return {"gwp100": blend_gwp(given["mass_share"], given["component_gwp"])}


def scope2_dual(given: Inputs) -> Answers:
    """Bought electricity of a month, both ways; instruments are what they cover, so all of them count."""
    held, used, grid = given.get("instruments", ()), given["consumption_kwh"], given["grid_kg_per_kwh"]
    residual = given.get("residual_kg_per_kwh")  # where a country has none, the grid average takes its place
    covered = sum(each["kwh"] for each in held)
    shared = {
        "co2e_kg": used * grid,
        "rest_kg": used * (grid if residual is None else residual),
        "contract_kwh": covered,
        "contract_kg": sum(each["kwh"] * each["kg_per_kwh"] for each in held),
    }
    frame, of_market = wide(energy_kwh=used, **shared), wide(energy_kwh=max(used, covered), **shared)
    return {
        "location_based_t": _tonnes(value("co2e_location", frame)),
        "market_based_t": _tonnes(value("co2e_market", of_market)),
        "coverage": value("contract_coverage", frame),
    }


def scope12(given: Inputs) -> Answers:
    """A year of electricity, gas and material from monthly amounts; factors in pounds per unit."""
    months, pounds = given["months"], given["lb_per_t"]
    found = {
        "electricity_t": given["electricity_kwh_month"] * months * (given["grid_lb_per_kwh"] / pounds),
        "gas_t": given["gas_mmbtu_month"] * months * (given["gas_lb_per_mmbtu"] / pounds),
        "material_t": given["material_t_month"] * months * given["material_t_per_t"],
    }
    return {**found, "total_t": sum(found.values())}


def pcf(given: Inputs) -> Answers:
    """Partial footprint of a declared unit: what came in, and the electricity used on it."""
    electricity_kg = given["electricity_kwh_per_kg"] * given["grid_kg_per_kwh"]
    own = value("specific_co2e", wide(good=1.0, co2e_kg=electricity_kg))
    return {"kgco2e_per_kg": given["upstream_kg_per_kg"] + (own or 0.0)}


def pcf_intensity(given: Inputs) -> Answers:
    """Emissions per tonne of output: goods without precursors."""
    return {"tco2e_per_t": _embedded(given["tco2e"], 0.0, given["output_t"])}


def cbam_see(given: Inputs) -> Answers:
    """Specific embedded emissions with precursors."""
    precursors_t = sum(each["mass_t"] * each["see"] for each in given.get("precursors", ()))
    return {"see_t_per_t": _embedded(given["attributed_t"], precursors_t, given["activity_level_t"])}


def cbam_cost(given: Inputs) -> Answers:
    """Certificates for embedded emissions at a price."""
    return {"cost_eur": given["emissions_t"] * given["price_eur_per_t"]}


def pact_required(given: Inputs) -> Answers:
    """Fields that a footprint must carry."""
    found = pact.required(str(given["version"]))
    if found is None:
        raise UnsupportedError(f"version {given['version']} of the data exchange is not known here")
    return {part: list(names) for part, names in found.items()}


def _of_substance(site: Site, quantity: str, name: str, amount: float) -> pl.DataFrame:
    """Base sums of an amount of a fuel (TJ) or refrigerant (kg)."""
    atom = pl.DataFrame([(quantity, name, float(amount), "")], _ATOM, orient="row")
    sums = (of.alias(name) for name, of in OF_SUBSTANCES.items() if name in COLUMNS)
    return wide(**with_substances(atom, site).select(sums).row(0, named=True))


def _embedded(attributed_t: float, precursors_t: float, goods_t: float) -> float | None:
    frame = wide(fuel_co2_kg=attributed_t * KG_PER_T, precursor_direct_t=precursors_t, good_kg=goods_t * KG_PER_T)
    return value("cbam_see_direct", frame)


def _tonnes(kg: float | None) -> float | None:
    return None if kg is None else kg / KG_PER_T


ADAPTORS: dict[str, Callable[[Inputs], dict[str, Any]]] = {
    "activity_x_factor": activity_x_factor,
    "scope1_fuel": scope1_fuel,
    "scope1_fuels": scope1_fuels,
    "scope1_refrigerant": scope1_refrigerant,
    "gwp_blend": gwp_blend,
    "scope2": scope2_dual,
    "scope12": scope12,
    "pcf": pcf,
    "pcf_intensity": pcf_intensity,
    "cbam_see": cbam_see,
    "cbam_cost": cbam_cost,
    "pact_required": pact_required,
}
