"""Worked examples of greenhouse gases and product footprints, answered by the product's own functions."""

from collections.abc import Callable
from typing import Any

from kpi import pact
from kpi.emissions import (
    FuelFactors,
    Instrument,
    activity_kg,
    blend_gwp,
    fuel_emissions,
    product_footprint,
    refrigerant_kg,
    scope2,
    specific_embedded_emissions,
)
from kpi.worked.result import Answers, Inputs, UnsupportedError

KG_PER_T = 1000.0


def activity_x_factor(given: Inputs) -> Answers:
    """Emissions of any activity with a factor."""
    return {"kg": activity_kg(given["activity"], given["kg_per_unit"])}


def scope1_fuel(given: Inputs) -> Answers:
    """A fuel burned, by mass or by volume and density."""
    mass_kg = given["mass_kg"] if "mass_kg" in given else given["volume_l"] * given["density_kg_per_l"]
    names = ("co2_kg_per_tj", "ch4_kg_per_tj", "n2o_kg_per_tj", "ncv_tj_per_gg")
    found = fuel_emissions(mass_kg, FuelFactors(*(given[name] for name in names)), given["gwp_set"])
    return {name: getattr(found, name) for name in ("tj", "co2_kg", "ch4_kg", "n2o_kg", "co2e_kg")}


def scope1_fuels(given: Inputs) -> Answers:
    """Three fuels with factors per unit of fuel."""
    units = {"gas": "m3", "coal": "t", "diesel": "l"}
    found = {
        f"{fuel}_t": activity_kg(given[f"{fuel}_{unit}"], given[f"{fuel}_kg_per_{unit}"]) / KG_PER_T
        for fuel, unit in units.items()
    }
    return {**found, "total_t": sum(found.values())}


def scope1_refrigerant(given: Inputs) -> Answers:
    """Refrigerant topped up."""
    return {"kgco2e": refrigerant_kg(given["gas"], given["topped_up_kg"], given["gwp_set"])}


def gwp_blend(given: Inputs) -> Answers:
    """Potential of a blend."""
    return {"gwp100": blend_gwp(given["mass_share"], given["component_gwp"])}


def scope2_dual(given: Inputs) -> Answers:
    """Bought electricity, both ways."""
    held = [Instrument(each["kwh"], each["kg_per_kwh"]) for each in given.get("instruments", ())]
    residual = given.get("residual_kg_per_kwh")  # where a country has none, the grid average takes its place
    grid = given["grid_kg_per_kwh"]
    found = scope2(given["consumption_kwh"], grid, held, grid if residual is None else residual)
    return {
        "location_based_t": found.location_based_kg / KG_PER_T,
        "market_based_t": found.market_based_kg / KG_PER_T,
        "coverage": found.coverage,
    }


def scope12(given: Inputs) -> Answers:
    """A year of electricity, gas and material from monthly amounts; factors in pounds per unit."""
    months, pounds = given["months"], given["lb_per_t"]
    found = {
        "electricity_t": activity_kg(given["electricity_kwh_month"] * months, given["grid_lb_per_kwh"] / pounds),
        "gas_t": activity_kg(given["gas_mmbtu_month"] * months, given["gas_lb_per_mmbtu"] / pounds),
        "material_t": activity_kg(given["material_t_month"] * months, given["material_t_per_t"]),
    }
    return {**found, "total_t": sum(found.values())}


def pcf(given: Inputs) -> Answers:
    """Partial footprint of a product."""
    inputs = (given["upstream_kg_per_kg"], given["electricity_kwh_per_kg"], given["grid_kg_per_kwh"])
    return {"kgco2e_per_kg": product_footprint(*inputs)}


def pcf_intensity(given: Inputs) -> Answers:
    """Emissions per tonne of output: goods without precursors."""
    return {"tco2e_per_t": specific_embedded_emissions(given["tco2e"], given["output_t"], ())}


def cbam_see(given: Inputs) -> Answers:
    """Specific embedded emissions with precursors."""
    precursors = [(each["mass_t"], each["see"]) for each in given.get("precursors", ())]
    return {"see_t_per_t": specific_embedded_emissions(given["attributed_t"], given["activity_level_t"], precursors)}


def cbam_cost(given: Inputs) -> Answers:
    """Certificates for embedded emissions at a price."""
    return {"cost_eur": activity_kg(given["emissions_t"], given["price_eur_per_t"])}


def pact_required(given: Inputs) -> Answers:
    """Fields that a footprint must carry."""
    found = pact.required(str(given["version"]))
    if found is None:
        raise UnsupportedError(f"version {given['version']} of the data exchange is not known here")
    return {part: list(names) for part, names in found.items()}


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
