"""Scope 1, both figures of scope 2, embedded emissions and footprints, over hand-made pieces."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from msgspec.structs import replace

from kpi.carbon import pact
from kpi.carbon.boundary import boundary
from kpi.carbon.footprint import document, share_of
from kpi.carbon.market import CRITERIA, amounts_within
from kpi.catalogue import CATALOGUE
from kpi.rollup.rolling import rollup
from model.data import fuel_factor_sets
from model.registry import EmissionFactor, EnergyContract, FuelFactor, Product, Site
from model.vocabulary import Grain
from tests.unit.kpi.making import HOUR, MIDNIGHT, MONDAY, atom, pick, pieces, rollup_inputs, series, site, time

DAY, MONTH = frozenset({Grain.DAY}), frozenset({Grain.MONTH})
FUELS = tuple(FuelFactor(**{**row, "source": "test"}) for row in fuel_factor_sets()[0]["fuels"])


def plant(**more: Any) -> Site:
    """The hand-made site with a meter on m1, the shipped fuels and a product of 2 kg."""
    of = site()
    fields = {
        "series": (*of.series, series("m1", "energy", "active_energy")),
        "fuel_set": "ipcc-2006/1",
        "fuel_factors": FUELS,
        "products": (Product(key="P", mass_kg=2.0, name="Bolt"),),
    }
    return replace(of, **{**fields, **more})


def contract(key: str, **more: Any) -> EnergyContract:
    fields = {"kind": "certificate", "kg_per_kwh": 0.0, "valid_from": "2026-01-01", "criteria": tuple(sorted(CRITERIA))}
    return EnergyContract(key=key, **{**fields, **more})


def energy(kwh: float, **more: Any) -> dict[str, Any]:
    return atom("m1", "energy", amount=kwh, time_class="production", **more)


def test_fuel_and_refrigerant_become_scope_1_with_biogenic_co2_apart() -> None:
    diesel, wood = 840 * 43.0 / 1e6, 15.6 * 84.0 / 1e3  # TJ
    of_diesel, of_gas = diesel * (74_100 + 3 * 28 + 0.6 * 265), 0.5 * (0.44 * 3170 + 0.52 * 4800 + 0.04 * 1300)
    atoms = [
        time("m1", "production", 3600),
        *pieces("m1", 100),
        atom("m1", "fuel_tj", qualifier="diesel", amount=diesel),
        atom("line", "fuel_tj", qualifier="wood", amount=wood),
        atom("line", "refrigerant_kg", qualifier="R-404A", amount=0.5),
    ]
    values = rollup(rollup_inputs(plant(), atoms))
    assert pick(values, "co2e_scope1")["value"] == pytest.approx(of_diesel, rel=1e-12)
    assert pick(values, "specific_co2e_scope1")["value"] == pytest.approx(of_diesel / 100, rel=1e-12)
    assert pick(values, "co2e_refrigerant", of="line")["value"] == pytest.approx(of_gas)
    assert pick(values, "co2_biogenic", of="")["value"] == pytest.approx(wood * 112_000)
    of_wood = wood * (30 * 28 + 4 * 265)
    whole = of_diesel + of_wood + of_gas
    assert pick(values, "co2e_scope1", of="")["value"] == pytest.approx(whole, rel=1e-12)
    assert pick(values, "co2e_scope1")["factor_set"] == "ipcc-2006/1, AR5"


def test_the_vietnamese_list_of_fuels_differs_in_methane_of_anthracite_only() -> None:
    ipcc, vietnamese = ({row["fuel"]: row for row in each["fuels"]} for each in fuel_factor_sets())
    assert [fuel for fuel in ipcc if {**ipcc[fuel], "source": ""} != {**vietnamese[fuel], "source": ""}] == [
        "anthracite"
    ]
    assert (ipcc["anthracite"]["ch4_kg_per_tj"], vietnamese["anthracite"]["ch4_kg_per_tj"]) == (10, 1)
    assert vietnamese["anthracite"]["source"].startswith("Decision 2626")


def test_another_report_changes_what_methane_counts_and_an_unknown_fuel_has_no_value() -> None:
    atoms = [atom("m1", "fuel_tj", qualifier="anthracite", amount=1.0)]
    old, new = (
        pick(rollup(rollup_inputs(plant(gwp_set=report), atoms), DAY), "co2e_scope1")["value"]
        for report in ("AR4", "AR6")
    )
    assert (old, new) == pytest.approx((98_300 + 10 * 25 + 1.5 * 298, 98_300 + 10 * 27.9 + 1.5 * 273))
    unknown = pick(rollup(rollup_inputs(plant(fuel_factors=()), atoms), DAY), "co2e_scope1")
    assert (unknown["value"], unknown["status"]) == (None, "no_factor")


def test_without_records_there_is_no_scope_1() -> None:
    values = rollup(rollup_inputs(plant(), [energy(10.0)]))
    assert values.filter(kpi="co2e_scope1").is_empty()


def test_market_based_equals_the_guidance_with_a_residual_mix() -> None:
    residual = EmissionFactor(
        zone="VN", valid_from="2026-01-01", valid_to="2027-01-01", kg_per_kwh=0.7, status="official", basis="residual"
    )
    held = (
        contract("rec", amount_kwh=31 * 10.0, valid_from="2026-03-01", valid_to="2026-04-01"),
        contract("ppa", share=0.25, kg_per_kwh=0.02),
        contract("doubtful", share=0.75, criteria=("vintage",)),
    )
    of = plant(energy_contracts=held, emission_factors=(*site().emission_factors, residual))
    values = rollup(rollup_inputs(of, [energy(600.0), energy(400.0, day=1)]))
    row = pick(values, "co2e_market", of="", grain="month")
    assert row["value"] == pytest.approx(250 * 0.02 + (1000 - 250 - 310) * 0.7, rel=1e-12)
    assert row["flags"] == ["contract_not_qualified"]
    assert pick(values, "contract_coverage", of="", grain="month")["value"] == pytest.approx(0.56)
    assert pick(values, "co2e_location", of="", grain="month")["value"] == pytest.approx(500)
    assert values.filter(kpi="co2e_market")["grain"].unique().to_list() == ["month"]
    assert values.filter(kpi="co2e_market")["asset"].unique().to_list() == [""]


def test_without_residual_mix_the_grid_average_is_taken_and_flagged_until_all_is_covered() -> None:
    values = rollup(rollup_inputs(plant(), [energy(100.0)]))
    row = pick(values, "co2e_market", of="", grain="month")
    assert (row["value"], row["flags"]) == (50.0, ["no_residual_mix"])
    enough = plant(energy_contracts=(contract("rec", amount_kwh=1e6, valid_from="2026-03-01", valid_to="2026-04-01"),))
    row = pick(rollup(rollup_inputs(enough, [energy(100.0)]), MONTH), "co2e_market", of="", grain="month")
    assert (row["value"], row["flags"]) == (0.0, [])


def test_the_months_divide_an_amount_exactly() -> None:
    of = plant(energy_contracts=(contract("ppa", amount_kwh=1000.0, kg_per_kwh=0.1, valid_to="2026-05-01"),))
    zone_midnight = [MIDNIGHT + days * 24 * HOUR for days in (-60, -29, -1, 30, 60)]
    parts = [amounts_within(of, a, b) for a, b in pairwise(zone_midnight)]
    assert sum(kwh for kwh, _ in parts) == pytest.approx(1000.0, rel=1e-12)
    assert sum(kg for _, kg in parts) == pytest.approx(100.0, rel=1e-12)


def test_embedded_emissions_keep_direct_and_indirect_apart() -> None:
    atoms = [
        *pieces("m1", 500, product="P"),
        energy(1000.0),
        atom("m1", "fuel_tj", qualifier="natural_gas", amount=0.01),
        atom("m1", "precursor_direct_t", amount=0.4),
        atom("m1", "precursor_indirect_t", amount=0.1),
    ]
    values = rollup(rollup_inputs(plant(), atoms))
    direct_t = 0.01 * (56_100 + 28 + 0.1 * 265) / 1000
    assert pick(values, "cbam_see_direct")["value"] == pytest.approx((direct_t + 0.4) / 1.0)
    assert pick(values, "cbam_see_indirect")["value"] == pytest.approx((0.5 + 0.1) / 1.0)
    unweighed = rollup(rollup_inputs(plant(), [*atoms, *pieces("m1", 1, product="Q")]))
    assert pick(unweighed, "cbam_see_direct")["status"] == "no_data"


def test_embedded_emissions_each_need_their_own_and_say_what_nobody_recorded() -> None:
    burned = atom("m1", "fuel_tj", qualifier="natural_gas", amount=0.01)
    without_meter = rollup(rollup_inputs(site_of_products(), [*pieces("m1", 500, product="P"), burned]))
    assert pick(without_meter, "cbam_see_direct")["value"] > 0
    assert pick(without_meter, "cbam_see_indirect")["status"] == "no_data"
    only_power = rollup(rollup_inputs(plant(emission_factors=()), [*pieces("m1", 500, product="P"), energy(1000.0)]))
    direct = pick(only_power, "cbam_see_direct")
    assert (direct["value"], direct["flags"]) == (0.0, ["no_direct_records"])
    assert pick(only_power, "cbam_see_indirect")["status"] == "no_factor"


def site_of_products() -> Site:
    """The plant without its meter."""
    return plant(series=site().series)


def test_a_footprint_carries_every_required_field_and_says_that_it_is_partial() -> None:
    atoms = [
        *pieces("m1", 50, product="P"),
        energy(10.0, product="P"),
        energy(30.0, product="Q"),
        atom("m1", "fuel_tj", qualifier="wood", amount=1e-5, product="P"),
    ]
    inputs = rollup_inputs(plant(), atoms)
    share = share_of(inputs, "P", MONDAY, MONDAY)
    found = document(share, inputs.site, {}, datetime(2026, 4, 1, tzinfo=UTC))
    assert pact.missing(found) == ["companyName", "companyIds", "productIds", "pcf.fossilCarbonContent"]
    owner = {"companyName": "A", "companyIds": ["urn:a:b"], "productIds": ["urn:a:p"], "fossilCarbonContent": 0.0}
    whole = document(share, inputs.site, owner, datetime(2026, 4, 1, tzinfo=UTC))
    assert pact.missing(whole) == []
    pcf = whole["pcf"]
    methane_and_nitrous = 1e-5 * (30 * 28 + 4 * 265)
    assert float(pcf["fossilGhgEmissions"]) == pytest.approx((5.0 + methane_and_nitrous) / 50)
    assert float(pcf["pcfExcludingBiogenicUptake"]) == pytest.approx((5.0 + methane_and_nitrous + 1.12) / 50)
    assert (pcf["productMassPerDeclaredUnit"], pcf["ipccCharacterizationFactors"]) == ("2", ["AR5"])
    period = (pcf["referencePeriodStart"], pcf["referencePeriodEnd"])  # of production days, which begin with a shift
    assert period == ("2026-03-02T06:00:00+07:00", "2026-03-03T06:00:00+07:00")
    assert "PARTIAL, gate to gate" in whole["comment"]
    assert "75.0% of the site's electricity" in whole["comment"]
    assert document(share, inputs.site, owner, datetime(2026, 4, 2, tzinfo=UTC))["id"] == whole["id"] != found["id"]


@pytest.mark.parametrize(
    ("kpi", "parts"),
    [
        ("co2e_location", ("location-based", "metered at m1", "vn-grid/1, zone VN")),
        ("co2e_market", ("market-based", "rec (certificate, 0 kg/kWh)", "no residual mix is published")),
        ("co2e_scope1", ("scope 1", "ipcc-2006/1", "AR5", "biogenic CO2 stands apart")),
    ],
)
def test_the_boundary_is_said_in_words(kpi: str, parts: tuple[str, ...]) -> None:
    text = boundary(plant(energy_contracts=(contract("rec", share=0.5),)), CATALOGUE[kpi], "", ["m1"])
    assert text is not None
    assert all(part in text for part in parts), text


def test_the_boundary_says_the_factors_of_its_days() -> None:
    (factor,) = plant().emission_factors
    newest = date.fromisoformat(factor.valid_to) - timedelta(days=1)
    text = boundary(plant(), CATALOGUE["co2e_location"], "", ["m1"], (newest, newest + timedelta(days=1)))
    said = f"{factor.kg_per_kwh:g} kg/kWh"
    assert text is not None
    assert f"local date of use: {said}, {said} (the newest published, of an earlier year)." in text


def test_days_of_a_month_add_up_to_its_scope_1() -> None:
    atoms = [atom("m1", "fuel_tj", qualifier="lpg", amount=0.1 / (day + 1), day=day) for day in range(20)]
    values = rollup(rollup_inputs(plant(), atoms))
    days = values.filter(asset="m1", kpi="co2e_scope1", grain="day")["value"]
    assert days.sum() == pytest.approx(pick(values, "co2e_scope1", grain="month")["value"], rel=1e-12)
