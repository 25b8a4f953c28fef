"""Amounts times factors behind base sums of money, CO2e and mass: they add up to what the value was made of."""

from typing import Any

import pytest
from msgspec.structs import replace

from kpi.energy.split import Held
from kpi.explained.terms import terms
from kpi.rollup.rolling import rollup, scopes_of
from model.registry import EmissionFactor, FuelFactor, Product, Site, Tariff
from tests.unit.kpi.making import atom, pick, pieces, rollup_inputs, series, site, time

GRID = EmissionFactor(zone="VN", valid_from="2020-01-01", valid_to="2030-01-01", kg_per_kwh=0.5, status="own")
DIESEL = FuelFactor(fuel="diesel", co2_kg_per_tj=74_100.0, ch4_kg_per_tj=3.0, n2o_kg_per_tj=0.6, source="test")
PRICES = Tariff(key="t", valid_from="1970-01-01", periods=(), vat_rate=0.1, prices={"normal": 2000.0, "peak": 3000.0})


def plant(**more: Any) -> Site:
    of = site()
    fields = {
        "series": (*of.series, series("m1", "energy", "active_energy"), series("m2", "energy", "active_energy")),
        "grid_zone": "VN",
        "factor_set": "own/1",
        "emission_factors": (GRID,),
        "fuel_set": "own/1",
        "fuel_factors": (DIESEL,),
        "tariffs": (PRICES,),
        "products": (Product(key="P", mass_kg=2.0, name="Bolt"),),
    }
    return replace(of, **{**fields, **more})


def listed(of: Site, scope: str, *sums: str) -> tuple[Any, list[dict[str, Any]]]:
    """Values of a scope, and the terms of base sums."""
    used: dict[str, Any] = {"time_class": "production", "tariff_period": "normal"}
    atoms = [
        *(row for unit in ("m1", "m2") for row in (time(unit, "production", 3600), *pieces(unit, 50))),
        atom("m1", "energy", amount=10.0, **used),
        atom("m2", "energy", amount=4.0, **{**used, "tariff_period": "peak"}),
        atom("m1", "fuel_tj", qualifier="diesel", amount=0.002),
    ]
    inputs = rollup_inputs(of, atoms)
    held = [Held(scopes_of(inputs).sources.filter(scope=scope))]
    return rollup(inputs), terms(inputs.atoms, of, held, sums)


def test_terms_add_up_to_the_value() -> None:
    values, found = listed(plant(), "line", "co2e_kg", "cost", "fuel_co2_kg", "good")
    assert [(row["sum"], row["of"], row["amount"], row["factor"], row["factor_unit"]) for row in found] == [
        ("co2e_kg", "energy", 14.0, 0.5, "kg/kWh"),
        ("cost", "normal", 10.0, 2000.0, "VND/kWh"),
        ("cost", "peak", 4.0, 3000.0, "VND/kWh"),
        ("fuel_co2_kg", "diesel", 0.002, 74_100.0, "kg/TJ"),
    ]
    for kpi, name in (("co2e_location", "co2e_kg"), ("energy_cost", "cost")):
        total = sum(row["result"] for row in found if row["sum"] == name)
        assert pick(values, kpi, of="line")["value"] == pytest.approx(total, rel=1e-12)


def test_a_scope_has_only_its_own_and_mass_is_of_its_product() -> None:
    values, found = listed(plant(), "m2", "co2e_kg", "fuel_co2_kg", "good_kg")
    assert [(row["of"], row["amount"], row["result"]) for row in found[:1]] == [("energy", 4.0, 2.0)]
    assert pick(values, "co2e_location", of="m2")["value"] == 2.0
    assert {row["sum"] for row in found} == {"co2e_kg", "good_kg"}


def test_energy_without_a_price_or_factor_is_said_to_have_none() -> None:
    values, found = listed(plant(tariffs=(), emission_factors=()), "m1", "co2e_kg", "cost")
    assert [(row["sum"], row["amount"], row["factor"], row["result"]) for row in found] == [
        ("co2e_kg", 10.0, None, None),
        ("cost", 10.0, None, None),
    ]
    assert pick(values, "energy_cost")["status"] == "no_tariff"
