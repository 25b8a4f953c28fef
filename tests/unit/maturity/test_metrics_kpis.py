"""KPIs over a window: sums over sums, and how complete the data under them are."""

from typing import Any

import msgspec
import pytest

from maturity.metrics import METRICS
from model.registry import Series, ShiftRule
from tests.unit.maturity.invented_facts import DAYS, facts, measure, value, values
from tests.unit.maturity.plain import SITE

A: dict[str, Any] = {"scope": "l/a"}
B: dict[str, Any] = {"scope": "l/b"}


def both(kpi: str, numerator: float, denominator: float) -> list[dict[str, Any]]:
    return [value(kpi, day, numerator, denominator, **scope) for day in DAYS for scope in (A, B)]


def test_every_kpi_of_the_catalogue_says_nothing_about_nothing() -> None:
    names = [name for name in METRICS if name.startswith("kpi.")]
    found = [measure(name, facts()) for name in names]
    assert len(names) > 80
    assert all(each.value is None and "no stored values" in str(each.missing) for each in found)


def test_machines_and_days_are_one_ratio() -> None:
    found = measure("kpi.oee", facts(values=values(*both("oee", 1.0, 2.0)[:3], value("oee", DAYS[1], 9.0, 14.0, **B))))
    assert (found.value, found.completeness, found.assets) == (0.6, 1.0, ("l/a", "l/b"))


def test_a_day_without_a_ratio_keeps_its_sums() -> None:
    """Two days of ten hours, one failure in all: the time between failures is twenty hours."""
    rows = values(value("mtbf", DAYS[0], 36_000.0, 1.0, **B), value("mtbf", DAYS[1], 36_000.0, 0.0, **B))
    assert measure("kpi.mtbf", facts(values=rows), "critical_machines").value == 72_000.0


def test_without_a_single_failure_there_is_no_time_between_them() -> None:
    rows = values(value("mtbf", DAYS[0], 36_000.0, 0.0, **B), value("mtbf", DAYS[1], 36_000.0, 0.0, **B))
    found = measure("kpi.mtbf", facts(values=rows), "critical_machines")
    assert (found.value, "nothing to be divided by" in str(found.missing)) == (None, True)


def test_a_missing_day_a_day_without_value_and_a_silent_machine_are_missing_data() -> None:
    day = values(value("oee", DAYS[0], 1.0, 2.0, **B))
    assert measure("kpi.oee", facts(values=day), "critical_machines").completeness == 0.5
    void = value("oee", DAYS[1], None, 2.0, **B, status="no_ideal_cycle")
    found = measure("kpi.oee", facts(values=values(value("oee", DAYS[0], 1.0, 2.0, **B), void)), "critical_machines")
    assert (found.value, found.completeness) == (0.5, 0.5)
    assert measure("kpi.oee", facts(values=values(*both("oee", 1.0, 2.0)[::2]))).completeness == 0.5


def test_records_are_not_due_on_days_off_and_signals_are() -> None:
    day = values(value("oee", DAYS[0], 1.0, 2.0, **B))
    worked = ShiftRule(shift="1", cycle_day=DAYS[0].weekday(), start="06:00", end="14:00")
    weekdays = msgspec.structs.replace(SITE, shifts=(worked,))
    signal = Series(asset="l/b", name="good", quantity="good_count", unit="1", kind="counter")
    told = msgspec.structs.replace(weekdays, series=(signal,))
    other_day = msgspec.structs.replace(weekdays, shifts=(msgspec.structs.replace(worked, cycle_day=4),))
    sites = {1.0: (weekdays, other_day), 0.5: (told, SITE)}  # a day off of which something is said counts as well
    for complete, of_sites in sites.items():
        for site in of_sites:
            found = measure("kpi.oee", facts(site=site, values=day), "critical_machines")
            assert found.completeness == complete


def test_a_machine_without_a_meter_is_outside_the_energy_of_the_machines() -> None:
    rows = values(*(value("idle_energy_share", day, 1.0, 4.0, **A) for day in DAYS))
    found = measure("kpi.idle_energy_share", facts(values=rows))
    assert (found.value, found.completeness, found.assets) == (0.25, 1.0, ("l/a",))


def test_a_peak_is_the_greatest_of_one_asset_only() -> None:
    rows = [value("demand_peak", day, peak, scope="") for day, peak in zip(DAYS, (80.0, 95.0), strict=True)]
    assert measure("kpi.demand_peak", facts(values=values(*rows)), "site").value == 95.0
    several = values(*(value("demand_peak", DAYS[0], 10.0, **scope) for scope in (A, B)))
    assert "cannot be put together" in str(measure("kpi.demand_peak", facts(values=several)).missing)


def test_what_is_no_sum_holds_for_its_own_day_only() -> None:
    one = value("cpk", DAYS[0], 4.0, 3.0, variant="bore", **B)
    found = measure("kpi.cpk", facts(values=values(one)), "critical_machines", variant="bore")
    assert found.value == pytest.approx(4 / 3)
    two = values(one, value("cpk", DAYS[1], 5.0, 3.0, variant="bore", **B))
    assert measure("kpi.cpk", facts(values=two), "critical_machines", variant="bore").value is None
    assert measure("kpi.cpk", facts(values=two), "critical_machines").value is None


def test_no_data_gives_its_reason() -> None:
    rows = values(value("co2e_location", DAYS[0], None, **B, status="no_factor"))
    found = measure("kpi.co2e_location", facts(values=rows), "critical_machines")
    assert (found.value, "(no emission factor for this zone and time)" in str(found.missing)) == (None, True)


@pytest.mark.parametrize("variant", ["", "capped"])
def test_the_variant_is_the_one_asked_for(variant: str) -> None:
    rows = values(
        *(value("oee", day, 1.0, 2.0, **B) for day in DAYS),
        *(value("oee", day, 1.0, 4.0, **B, variant="capped") for day in DAYS),
    )
    expected = 0.25 if variant else 0.5
    assert measure("kpi.oee", facts(values=rows), "critical_machines", variant=variant).value == expected
