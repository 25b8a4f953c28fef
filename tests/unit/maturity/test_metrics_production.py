"""Metrics of counts, orders, energy, carbon and what models foretold."""

from typing import Any

import msgspec
import polars as pl
import pytest

from maturity import facts as schemas
from model.registry import AssetRelation, Baseline, EmissionFactor
from tests.unit.maturity.invented_facts import (
    DAYS,
    at,
    facts,
    frame,
    interval,
    intervals,
    measure,
    qualities,
    quality,
    record,
    records,
    value,
    values,
)
from tests.unit.maturity.plain import SITE

SHIFT = {"grain": "shift", "shift": "A"}


def made(kpi: str, count: float | None, place: int = 0, **more: Any) -> dict[str, Any]:
    return value(kpi, DAYS[place], count, **{**SHIFT, **more})


def test_output_without_an_ideal_cycle_is_not_known_well_enough() -> None:
    rows = values(
        made("produced_quantity", 90),
        made("produced_quantity", 10, 1),
        made("effectiveness", 0.8),
        made("effectiveness", None, 1),
        value("produced_quantity", DAYS[0], 90),
        value("produced_quantity", DAYS[1], 10),
    )
    found = measure("data.ideal_cycle_share", facts(values=rows))
    assert (found.value, found.completeness) == (0.9, 1.0)


def oee_of(scope: str, days: tuple[int, ...] = (0, 1), factor: float | None = 0.9) -> list[dict[str, Any]]:
    names = ("oee", "availability", "quality_ratio")
    rows = [made(kpi, 0.8, day, scope=scope) for kpi in names for day in days]
    return rows + [made("effectiveness", factor, day, scope=scope) for day in days]


def test_oee_counts_with_all_factors_on_all_days() -> None:
    assert measure("data.machines_with_kpi", facts(values=values(*oee_of("l/a"), *oee_of("l/b")))).value == 1.0
    half = values(*oee_of("l/a"), *oee_of("l/b", (0,)))
    found = measure("data.machines_with_kpi", facts(values=half))
    assert (found.value, found.detail["with"]) == (0.5, ["l/a"])
    assert measure("data.machines_with_kpi", facts(values=values(*oee_of("l/a", factor=None)))).value == 0.0


FEEDS = msgspec.structs.replace(SITE, relations=(AssetRelation(from_asset="l/a", to_asset="l/b", kind="feeds"),))


def test_stations_are_compared_shift_by_shift() -> None:
    """Ten lost in one shift and ten too many in the next do not cancel out."""
    rows = values(
        made("good_quantity", 100),
        made("good_quantity", 100, 1),
        made("produced_quantity", 90, scope="l/b"),
        made("produced_quantity", 110, 1, scope="l/b"),
    )
    assert measure("data.station_count_difference", facts(site=FEEDS, values=rows), "lines").value == 0.1
    assert "`feeds`" in str(measure("data.station_count_difference", facts(values=rows), "lines").missing)
    alone = facts(site=FEEDS, values=rows.filter(pl.col("scope") == "l/a"))
    assert measure("data.station_count_difference", alone, "lines").value is None


def hour(begin: float, count: float) -> dict[str, Any]:
    return made("produced_quantity", count, grain="hour", shift="", from_us=at(begin), to_us=at(begin + 1))


def test_hours_of_a_plan_are_near_its_rate_or_not() -> None:
    plan = record("plan", "1", 8, 12, planned_quantity=400)
    rows = values(hour(8, 100), hour(9, 111), hour(10, 90), value("produced_quantity", DAYS[0], 301))
    found = measure("data.takt_attainment", facts(values=rows, records=records(plan)), tolerance=0.1)
    assert (found.value, found.detail["hours"], found.completeness) == (0.5, 4, 0.5)


def test_hours_of_a_plan_outside_the_window_do_not_count() -> None:
    plan = record("plan", "1", 44, 52, planned_quantity=800)
    rows = values(*(hour(begin, 100) for begin in range(44, 48)))
    found = measure("data.takt_attainment", facts(values=rows, records=records(plan)))
    assert (found.value, found.detail["hours"]) == (1.0, 4)


def test_run_time_has_an_order_and_a_product() -> None:
    rows = values(
        value("production_time", DAYS[0], 100.0),
        value("production_time", DAYS[1], 100.0),
        made("production_time", 180.0, grain="job", job="J"),
        made("production_time", 190.0, grain="product", product="P"),
    )
    found = measure("data.order_identity_share", facts(values=rows))
    assert (found.value, found.detail["by_product"]) == (0.9, 0.95)


def test_scrap_by_product_needs_scrap() -> None:
    none = values(value("scrap_quantity", DAYS[0], 0.0))
    assert "No scrap" in str(measure("data.scrap_by_product_share", facts(values=none)).missing)
    rows = values(value("scrap_quantity", DAYS[0], 10.0), made("scrap_quantity", 8.0, grain="product", product="P"))
    assert measure("data.scrap_by_product_share", facts(values=rows)).value == 0.8


def test_carbon_of_orders_is_by_volume() -> None:
    rows = values(
        made("good_quantity", 30, grain="job", job="J"),
        made("good_quantity", 10, grain="job", job="K"),
        made("co2e_location", 5.0, grain="job", job="J"),
        made("co2e_location", None, grain="job", job="K"),
    )
    assert measure("data.order_carbon_share", facts(values=rows)).value == 0.75


def test_sub_meters_are_judged_by_all_energy_of_the_site() -> None:
    """A second main meter without any sub-meter is in the whole."""
    all_energy = [value("energy", day, 100.0, scope="") for day in DAYS]
    below = [value("energy_submetered", day, 45.0, scope="", completeness=0.9) for day in DAYS]
    found = measure("data.submetered_energy_share", facts(values=values(*all_energy, *below)), "site")
    assert found.value == pytest.approx(0.45)
    assert found.completeness == pytest.approx(0.9)
    alone = measure("data.submetered_energy_share", facts(values=values(*all_energy)), "site")
    assert (alone.value, str(alone.missing)) == (None, "No meter below a main meter is connected: connect sub-meters.")
    assert "main meter" in str(measure("data.submetered_energy_share", facts(), "site").missing)


def test_a_day_without_energy_is_missing() -> None:
    rows = values(value("energy", DAYS[0], 10.0, scope="", completeness=0.8))
    assert measure("data.energy_completeness", facts(values=rows), "site").value == 0.4


@pytest.mark.parametrize(("valid_to", "lag"), [("2024-01-01", 3.0), ("2027-01-01", 0.0)])
def test_the_factor_is_as_old_as_its_last_year(valid_to: str, lag: float) -> None:
    factor = EmissionFactor(
        zone="VN", valid_from="2020-01-01", valid_to=valid_to, kg_per_kwh=0.7, status="official", source="x"
    )
    site = msgspec.structs.replace(SITE, grid_zone="VN", emission_factors=(factor,))
    assert measure("data.factor_year_lag", facts(site=site)).value == lag
    unsourced = msgspec.structs.replace(site, emission_factors=(msgspec.structs.replace(factor, source=""),))
    assert measure("data.factor_year_lag", facts(site=unsourced)).value is None
    coming = msgspec.structs.replace(site, emission_factors=(msgspec.structs.replace(factor, valid_from="2026-12-01"),))
    assert measure("data.factor_year_lag", facts(site=coming)).value is None


def test_significant_users_are_metered_finely_or_not() -> None:
    rows = values(value("energy", DAYS[0], 50.0), value("energy", DAYS[0], 50.0, scope="l/b"))
    meters = frame(
        schemas.SERIES, [{"asset": asset, "name": "e", "quantity": "active_energy"} for asset in ("l/a", "l/m")]
    )
    fine = qualities(*(quality(day, 96, name="e") for day in DAYS), quality(DAYS[0], 24, name="e", asset="l/m"))
    found = facts(values=rows, series=meters, quality=fine)
    assert measure("data.fine_metered_share", found, max_interval_min=15).value == 0.5
    measures = AssetRelation(from_asset="l/m", to_asset="l/b", kind="meters")
    site = msgspec.structs.replace(SITE, relations=(measures,))
    both = qualities(*(quality(day, 96, name="e", asset=asset) for day in DAYS for asset in ("l/a", "l/m")))
    found = facts(site=site, values=rows, series=meters, quality=both)
    assert measure("data.fine_metered_share", found, max_interval_min=15).value == 1.0


def test_carbon_of_a_day_is_whole_with_the_unit() -> None:
    rows = values(
        *(value("good_quantity", day, 5.0, scope="") for day in DAYS),
        *(value("co2e_location", day, 5.0, scope="") for day in DAYS),
        value("specific_co2e", DAYS[0], 5.0, 5.0, scope=""),
    )
    assert measure("data.carbon_days_share", facts(values=rows), "site").value == 0.5


def baseline(version: int, fit: float | None, valid_from: str = "2026-01-01") -> Baseline:
    return Baseline(
        asset="",
        kpi="energy",
        driver="good",
        slope=1.0,
        intercept=0.0,
        driver_from=0.0,
        driver_to=1.0,
        version=version,
        valid_from=valid_from,
        digest="",
        r_squared=fit,
    )


def test_the_fit_is_that_of_the_newest_version_in_force() -> None:
    site = msgspec.structs.replace(
        SITE, baselines=(baseline(1, 0.9), baseline(2, 0.5), baseline(3, 0.99, "2027-01-01"))
    )
    assert measure("data.energy_baseline_fit", facts(site=site)).value == 0.5
    without = msgspec.structs.replace(SITE, baselines=(baseline(1, None),))
    assert measure("data.energy_baseline_fit", facts(site=without)).value is None


def test_days_off_the_expected_energy_raise_an_alert() -> None:
    rows = values(
        *(value("energy_performance", day, part, 1.0, scope="") for day, part in zip(DAYS, (1.2, 0.8), strict=True))
    )
    alerts = frame(schemas.ALERTS, [{"rule": "energy_high", "from_us": at(10)}, {"rule": "stop", "from_us": at(30)}])
    assert measure("data.energy_deviation_alert_share", facts(values=rows, alerts=alerts), "site").value == 0.5
    calm = values(*(value("energy_performance", day, 1.0, 1.0, scope="") for day in DAYS))
    assert "no alert was due" in str(measure("data.energy_deviation_alert_share", facts(values=calm), "site").missing)


def foretold(*alerts: tuple[float, float], model: str = "failure_bearing", detail: str = "{}") -> pl.DataFrame:
    rows = [{"asset": "l/a", "model": model, "made_us": at(a), "for_us": at(b), "detail": detail} for a, b in alerts]
    return frame(schemas.PREDICTIONS, rows)


def test_alerts_are_valid_early_and_in_time() -> None:
    """Failures at 20 and 40: one alert in time, one too late, one of a failure that never came, one still open."""
    failures = intervals(interval(20, 21, "delay", "fault"), interval(40, 41, "delay", "fault"))
    found = facts(intervals=failures, predictions=foretold((5, 24), (39, 45), (1, 10), (45, 90)))
    recall = measure("data.alert_recall", found, min_lead_h=8)
    precision = measure("data.alert_precision", found, min_lead_h=8)
    assert recall.value == 0.5
    assert precision.value == pytest.approx(1 / 3)
    assert measure("data.alert_precision", facts(predictions=foretold((45, 90)))).value is None
    assert measure("data.alert_recall", facts(predictions=foretold((5, 24)))).value is None
    earlier = facts(intervals=failures, predictions=foretold((-3, -1)))
    assert measure("data.alert_precision", earlier).value is None


def test_the_error_of_a_foretold_end_is_relative_to_what_was_left() -> None:
    orders = records(record("order", "O", 1, 20), record("order", "P", 1, 90))
    rows = pl.concat(
        [
            foretold((10, 22), (25, 20), model="completion_x", detail='{"order": "O"}'),
            foretold((10, 50), model="completion_x", detail='{"order": "P"}'),
        ]
    )
    found = measure("data.completion_error", facts(records=orders, predictions=rows))
    assert (found.value, found.detail["predictions"]) == (0.2, 1)
