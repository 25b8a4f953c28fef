"""Greenhouse gases: shipped factors, blends, both figures of scope 2, and the fields of a footprint."""

import pytest

from kpi import pact
from kpi.emissions import (
    FuelFactors,
    Instrument,
    NoFactorError,
    fuel_emissions,
    gwp,
    refrigerant_kg,
    scope2,
    shipped_fuel,
    specific_embedded_emissions,
)


@pytest.mark.parametrize("name", ["R-404A", "R404A", "r404a"])
def test_blends_are_made_by_mass_share(name: str) -> None:
    assert gwp(name, "AR6") == pytest.approx(0.44 * 3740 + 0.52 * 5810 + 0.04 * 1530)


def test_spellings_of_a_gas() -> None:
    assert gwp("HFC-134a", "AR5") == gwp("R-134A", "ar5") == gwp("R134a", "AR5") == 1300
    assert refrigerant_kg("HCFC-22", 2.0, "AR4") == 3620


@pytest.mark.parametrize(("gas", "assessment"), [("R999", "AR5"), ("CH4", "AR3")])
def test_an_unknown_factor_is_never_replaced(gas: str, assessment: str) -> None:
    with pytest.raises(NoFactorError):
        gwp(gas, assessment)


def test_biogenic_carbon_dioxide_stands_apart() -> None:
    wood = FuelFactors(co2=112_000, ch4=30, n2o=4, ncv_tj_per_gg=15.6, biogenic=True)
    found = fuel_emissions(1000.0, wood, "AR5")
    assert found.co2_kg == 0
    assert found.biogenic_co2_kg == pytest.approx(112_000 * 0.0156)
    assert found.co2e_kg == pytest.approx(0.0156 * (30 * 28 + 4 * 265))


def test_a_fuel_without_its_heating_value_needs_the_sites_own() -> None:
    assert shipped_fuel("diesel").ncv_tj_per_gg == 43.0
    with pytest.raises(NoFactorError, match="site's own"):
        shipped_fuel("bituminous_coal")


def test_more_instruments_than_energy_take_no_residual() -> None:
    found = scope2(100.0, 0.5, [Instrument(120.0, 0.0)], residual=0.9)
    assert (found.location_based_kg, found.market_based_kg, found.coverage) == (50.0, 0.0, 1.0)


def test_embedded_emissions_need_goods() -> None:
    assert specific_embedded_emissions(10.0, 5.0, [(2.0, 1.5)]) == 2.6
    assert specific_embedded_emissions(10.0, 0.0, []) is None


def test_what_a_footprint_lacks_is_named() -> None:
    whole = dict.fromkeys(pact.REQUIRED["3"]["footprint"], "x")
    inner = dict.fromkeys(pact.REQUIRED["3"]["pcf"], "1")
    assert pact.missing({**whole, "pcf": inner}) == []
    assert pact.missing({**whole, "pcf": {**inner, "fossilGhgEmissions": ""}}) == ["pcf.fossilGhgEmissions"]
    assert "pcf.declaredUnitAmount" in pact.missing({**whole, "pcf": None})
