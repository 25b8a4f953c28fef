"""Which KPIs a site feeds, and that what is missing is named."""

import pytest

from kpi.catalogue import CATALOGUE
from kpi.feeding import Known, fed, known, needs
from model.registry import Routing, SpecLimit
from tests.unit.kpi.making import series, site

PLANT = site(routings=(Routing(ideal_cycle_us=1_000_000),))


def missing(kpi: str, of: Known) -> tuple[str, ...]:
    return fed(of, [kpi])[0].missing


def test_signals_and_routings_feed_what_telemetry_can() -> None:
    site_known = known(PLANT, frozenset())
    answers = {each.kpi.id: each.is_fed for each in fed(site_known)}
    assert all(answers[kpi] for kpi in ("availability", "oee", "nee", "mtbf", "mttr", "scrap_ratio", "setup_ratio"))
    assert not any(answers[kpi] for kpi in ("energy", "cp", "first_pass_yield", "worker_efficiency", "inventory_turns"))


@pytest.mark.parametrize("kpi", [kpi for kpi, entry in CATALOGUE.items() if entry.iso_number], ids=str)
def test_each_iso_kpi_says_what_it_needs_at_an_empty_site(kpi: str) -> None:
    empty = known(site(series=(), routings=()), frozenset())
    assert needs(CATALOGUE[kpi])
    assert missing(kpi, empty)


def test_a_record_feeds_the_kpis_of_its_fields_and_no_other() -> None:
    records = {("order", ""), ("order", "capacity"), ("maintenance", "corrective"), ("inspection", "inspected")}
    site_known = known(PLANT, records)
    assert missing("equipment_load_ratio", site_known) == ()
    assert missing("throughput_rate", site_known) == ()
    assert missing("corrective_maintenance_ratio", site_known) == ()
    assert missing("actual_to_planned_scrap_ratio", site_known) == ("records of kind 'order' with planned_scrap",)
    assert missing("first_pass_yield", site_known) == ("records of kind 'inspection' with first_pass_good",)


def test_capability_needs_values_limits_and_for_cp_subgroups() -> None:
    values = {("inspection", "characteristic"), ("inspection", "value")}
    assert "limits" in missing("cm", known(PLANT, values))[0]
    limited = site(spec_limits=(SpecLimit(characteristic="d", lower=1.0, upper=2.0),))
    assert missing("cm", known(limited, values)) == ()
    assert "subgroup" in missing("cp", known(limited, values))[0]
    assert missing("cp", known(limited, values | {("inspection", "subgroup")})) == ()


def test_energy_of_all_media_needs_any_of_its_sources() -> None:
    metered = site(series=(*PLANT.series, series("m1", "energy", "active_energy")))
    assert missing("comprehensive_energy_consumption", known(metered, frozenset())) == ()
    assert missing("comprehensive_energy_consumption", known(PLANT, {("energy", "medium")})) == ()
    assert "'energy' or 'fuel'" in missing("comprehensive_energy_consumption", known(PLANT, frozenset()))[0]
