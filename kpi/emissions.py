"""Greenhouse gases of fuels, refrigerants and bought electricity (GHG Protocol scopes 1 and 2), and product footprints.

Pure: activities and factors in, kg CO2e out. Factors that come with the product stand in model/data, each with source.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from model.data import fuels, warming_potentials


_FORMULA = {"R14": "CF4", "R116": "C2F6", "R744": "CO2"}  # refrigerants that the tables list by their formula


class NoFactorError(KeyError):
    """No factor is known for what is asked: there is no result, never one with another factor."""

    def __str__(self) -> str:
        return str(self.args[0])


@dataclass(frozen=True)
class FuelFactors:
    """kg per TJ on net calorific value; `ncv_tj_per_gg` in TJ/Gg (= MJ/kg)."""

    co2: float
    ch4: float
    n2o: float
    ncv_tj_per_gg: float
    biogenic: bool = False


@dataclass(frozen=True)
class FuelEmissions:
    """Emissions of burning a fuel in kg; biogenic CO2 stands apart and is not in `co2e_kg`."""

    tj: float
    co2_kg: float
    ch4_kg: float
    n2o_kg: float
    co2e_kg: float
    biogenic_co2_kg: float


@dataclass(frozen=True)
class Instrument:
    """Energy covered by a contract or certificate, and its factor."""

    kwh: float
    kg_per_kwh: float


@dataclass(frozen=True)
class Scope2:
    """Both figures of bought electricity in kg CO2e; `coverage` is the share that instruments cover."""

    location_based_kg: float
    market_based_kg: float
    coverage: float


def gwp(gas: str, assessment: str) -> float:
    """Global warming potential over 100 years in kg CO2e per kg, of a gas or of a shipped blend.

    Raises:
        NoFactorError: the gas or the assessment report is not listed.
    """
    known = warming_potentials()
    listed = known["sets"].get(assessment.upper())
    if listed is None:
        raise NoFactorError(f"no set {assessment!r}; there are: {', '.join(known['sets'])}")
    name = _gas_name(gas)
    if name in known["blends"]:
        return blend_gwp(known["blends"][name], listed)
    if name not in listed:
        raise NoFactorError(f"{assessment} lists no {gas!r}")
    return float(listed[name])


def blend_gwp(mass_share: Mapping[str, float], component_gwp: Mapping[str, float]) -> float:
    """Potential of a blend by mass share; shares that add up to 100 are percent."""
    whole = 100.0 if abs(sum(mass_share.values()) - 100) < 1 else 1.0
    return sum(share * component_gwp[gas] for gas, share in mass_share.items()) / whole


def shipped_fuel(fuel: str) -> FuelFactors:
    """Factors of a listed fuel.

    Raises:
        NoFactorError: it is not listed, or its heating value is the site's own.
    """
    found = fuels().get(fuel)
    if found is None or found["ncv"] is None:
        raise NoFactorError(f"no complete factors are shipped for {fuel!r}: give the site's own")
    return FuelFactors(found["co2"], found["ch4"], found["n2o"], found["ncv"], found.get("biogenic", False))


def fuel_emissions(mass_kg: float, factors: FuelFactors, assessment: str) -> FuelEmissions:
    """Emissions of burning a mass of fuel (IPCC 2006, volume 2: activity × NCV × factor, × GWP).

    Methane and nitrous oxide of biomass stay in the total, its CO2 does not.
    """
    tj = mass_kg * factors.ncv_tj_per_gg / 1e6
    co2, ch4, n2o = tj * factors.co2, tj * factors.ch4, tj * factors.n2o
    fossil = 0.0 if factors.biogenic else co2
    total = fossil + ch4 * gwp("CH4", assessment) + n2o * gwp("N2O", assessment)
    return FuelEmissions(tj, fossil, ch4, n2o, total, co2 - fossil)


def refrigerant_kg(gas: str, topped_up_kg: float, assessment: str) -> float:
    """Emissions in kg CO2e of the refrigerant that was topped up, taken as lost."""
    return topped_up_kg * gwp(gas, assessment)


def scope2(kwh: float, grid: float, instruments: Iterable[Instrument], residual: float) -> Scope2:
    """Location- and market-based emissions of bought electricity (GHG Protocol Scope 2 Guidance).

    Args:
        kwh: energy bought.
        grid: average of the grid, kg/kWh.
        instruments: contracts and certificates that meet the quality criteria.
        residual: residual mix in kg/kWh for what no instrument covers; the grid's average where there is none.
    """
    held = list(instruments)
    covered = sum(each.kwh for each in held)
    market = sum(each.kwh * each.kg_per_kwh for each in held) + max(0.0, kwh - covered) * residual
    return Scope2(kwh * grid, market, min(1.0, covered / kwh) if kwh > 0 else 0.0)


def activity_kg(activity: float, kg_per_unit: float) -> float:
    """Emissions in kg of an amount of anything with a factor of its own."""
    return activity * kg_per_unit


def product_footprint(upstream_kg: float, electricity_kwh: float, grid_kg_per_kwh: float) -> float:
    """Partial footprint of one declared unit in kg CO2e: what came in, and the electricity used on it."""
    return upstream_kg + activity_kg(electricity_kwh, grid_kg_per_kwh)


def specific_embedded_emissions(
    attributed_t: float, activity_level_t: float, precursors: Iterable[tuple[float, float]]
) -> float | None:
    """Specific embedded emissions in t CO2e per t of goods (CBAM, Implementing Regulation (EU) 2025/2547).

    Args:
        attributed_t: emissions attributed to the goods, t.
        activity_level_t: goods made, t.
        precursors: mass in t and specific embedded emissions of each precursor.
    """
    if activity_level_t <= 0:
        return None
    return (attributed_t + sum(mass * see for mass, see in precursors)) / activity_level_t


def _gas_name(gas: str) -> str:
    """`R-404A`, `HFC-134a`, `PFC-14` and `r32` as the tables write them."""
    name = gas.strip().upper().replace(" ", "")
    for prefix in ("HCFC-", "HCFC", "HFC-", "HFC", "PFC-", "PFC", "R-"):
        if name.startswith(prefix):
            name = "R" + name.removeprefix(prefix)
            break
    known = warming_potentials()
    listed = {each.upper(): each for each in (*known["sets"]["AR6"], *known["blends"])}
    return str(listed.get(_FORMULA.get(name, name), gas))
