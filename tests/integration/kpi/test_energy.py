"""Energy from a site file and readings to stored, explained values: meters, sub-meters, a shipped tariff, reactive."""

from typing import Any

import pytest

from kpi.explained.explanation import Explainer
from kpi.running.job import run_once
from store import serving
from store.pool import connect
from store.registry import apply_site, asset_ids, snapshot
from store.site_file import SiteFile
from tests.integration.kpi.plant import HOUR, MACHINE, MONDAY, SHIFT_START, Plant, document
from tests.support.database import TestDatabase

AFTER = MONDAY.replace(month=5)
pytestmark = pytest.mark.needs_database

METER = {
    "key": "line/meter",
    "level": "unit",
    "name": "Main meter of the line",
    "kind": "meter",
    "series": [
        {"name": "main_kwh", "quantity": "active_energy"},
        {"name": "main_kvarh", "quantity": "reactive_energy"},
    ],
}
TARIFF = {"key": "evn", "valid_from": "2026-01-01", "price_list": "evn-1279", "voltage_kv": 22, "subscribed_kw": 160,
          "demand_price": 58_000, "source": "contract of the test plant", "origin": "stated"}  # fmt: skip


def explained(plant: Plant, kpi: str, asset: str, grain: str = "day") -> Any:
    with connect(plant.kpi_url) as connection:
        wanted = serving.ValueFilter([asset_ids(connection, plant.site_id)[asset]], kpi, grain)
        rows = serving.kpi_values(serving.Scope(connection, [plant.site_id]), wanted, None, serving.ValueKey())
        return Explainer(connection, plant.site_id).explain(rows[0])


def test_a_factory_gets_its_energy_explained_and_billed(database: TestDatabase) -> None:
    plant = Plant(database, assets=[*document()["assets"], METER], tariffs=[TARIFF])
    plant.work_a_day()  # 240 kWh of the machine in 24 hours from 06:00
    hours = [(SHIFT_START + n * HOUR, float(n)) for n in range(25)]
    plant.put("main_kwh", [(at, 15.0 * n) for at, n in hours[:24]])
    plant.put("main_kvarh", [(at, 9.0 * n) for at, n in hours[:24]])
    for name, last in (("main_kwh", 360.0), ("main_kvarh", 216.0)):
        plant.put(name, [(hours[24][0], last)], mark=False)
    run_once(plant.kpi_url, now=AFTER)

    line = {
        kpi: plant.value(kpi, asset="line")["value"] for kpi in ("energy", "energy_submetered", "energy_unexplained")
    }
    assert line == {"energy": 360.0, "energy_submetered": 240.0, "energy_unexplained": pytest.approx(120.0)}
    assert plant.value("idle_energy")["value"] == pytest.approx(10.0 * 17)  # an hour of fault, 16 hours off shift
    assert plant.value("energy_delay")["value"] == pytest.approx(10.0)

    # Monday 06:00 to Tuesday 06:00: 5 h peak, 13 h normal, 6 h off-peak, 15 kWh an hour
    net = 15 * (5 * 3398 + 13 * 1833 + 6 * 1190)
    cost = plant.value("energy_cost", asset="")
    assert (cost["value"], cost["factor_set"]) == (pytest.approx(net), "evn@2026-01-01")
    assert plant.value("energy_cost_with_vat", asset="")["value"] == pytest.approx(net * 1.08)
    cos_phi = 15 / (15**2 + 9**2) ** 0.5
    percent = round((0.9 / cos_phi - 1) * 100, 2)
    assert plant.value("power_factor", asset="", grain="month")["value"] == pytest.approx(cos_phi)
    assert plant.value("reactive_surcharge", asset="", grain="month")["value"] == pytest.approx(net * percent / 100)
    assert plant.value("demand_cost", asset="", grain="month")["value"] == pytest.approx(15 * 58_000)
    bill = (net * (1 + percent / 100) + 15 * 58_000) * 1.08
    assert plant.value("electricity_bill", asset="", grain="month")["value"] == pytest.approx(bill)
    assert explained(plant, "electricity_bill", "", "month").equal
    assert plant.value("base_load", asset="line")["value"] == pytest.approx(15.0)

    found = explained(plant, "energy_unexplained", "line")
    assert found.equal
    assert [(row["asset"], row["energy_share"], row["submeter_share"]) for row in found.meters] == [
        (MACHINE, 0.0, 1.0), ("line/meter", 1.0, 0.0),
    ]  # fmt: skip
    by_reason = explained(plant, "idle_energy", MACHINE)
    assert by_reason.equal
    assert sum(row["kwh"] for row in by_reason.energy) == pytest.approx(240.0)
    assert {row["time_class"] for row in by_reason.energy} == {"production", "delay", "not_scheduled"}


def test_a_relation_from_a_date_on_and_a_tariff_are_in_the_snapshot_and_a_new_one_asks_for_the_days_again(
    database: TestDatabase,
) -> None:
    relation = {"from": MACHINE, "to": "line/meter", "kind": "submeter_of", "share": 0.5,
                "valid_from": "2026-03-10T00:00+07:00"}  # fmt: skip
    assets = [*document()["assets"], METER]
    plant = Plant(database, assets=assets)
    plant.work_a_day()
    with connect(database.url, autocommit=True) as connection:
        connection.execute("DELETE FROM dirty_mark")
        file = SiteFile.model_validate(document(assets=assets, relations=[relation], tariffs=[TARIFF]))
        assert apply_site(connection, file)["asset_relation"] == 1
        assert apply_site(connection, file)["asset_relation"] == 0
        assert connection.execute("SELECT cause FROM dirty_mark").fetchall() == [("registry",)]
        before, after = (snapshot(connection, "plant", at) for at in (SHIFT_START, AFTER))
    assert before.relations == ()
    assert [(each.from_asset, each.to_asset, each.share) for each in after.relations] == [(MACHINE, "line/meter", 0.5)]
    eras = [(each.valid_from, each.valid_to, each.vat_rate, each.voltage_kv) for each in after.tariffs]
    assert eras == [("2026-01-01", "2027-01-01", 0.08, 22.0), ("2027-01-01", None, None, 22.0)]


def test_a_meter_that_is_shared_out_within_a_month_loses_no_energy_of_it(database: TestDatabase) -> None:
    given = {"from": "line/meter", "to": "line/press", "kind": "meters", "share": 0.6,
             "valid_from": "2026-03-03T00:00+07:00"}  # fmt: skip
    press = {"key": "line/press", "level": "unit", "name": "Press"}
    plant = Plant(database, assets=[document()["assets"][0], press, METER], relations=[given], routings=[])
    plant.put("main_kwh", [(SHIFT_START + n * HOUR, 10.0 * n) for n in range(48)])
    run_once(plant.kpi_url, now=AFTER)
    assert plant.value("energy", asset="line", grain="month")["value"] == pytest.approx(470.0)
    assert plant.value("energy", asset="line/press", grain="month")["value"] == pytest.approx(230.0 * 0.6)
    plant.mark(SHIFT_START, SHIFT_START + HOUR, "carry")  # the earlier day alone, with the registry of that day
    run_once(plant.kpi_url, now=AFTER + HOUR)
    assert plant.query("SELECT count(*) FROM kpi_value WHERE superseded_at IS NOT NULL") == [(0,)]
    for asset in ("line", "line/press"):
        month = explained(plant, "energy", asset, "month")
        assert month.equal
        assert sum(row["kwh"] * row["energy_share"] for row in month.meters) == pytest.approx(month.value["value"])
        assert sum(row["kwh"] for row in month.energy) == pytest.approx(month.value["value"])
