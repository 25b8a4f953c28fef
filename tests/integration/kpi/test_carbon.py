"""Carbon and energy performance from the site file and records to stored values, through the commands."""

import json
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner

from api.app import create_app
from api.settings import ApiSettings
from kpi.carbon.market import CRITERIA
from kpi.energy.fitting_many import Point, fitted_many
from kpi.running.job import run_once
from pilot.cli import app
from store import baselines
from store.access import create_key
from store.baselines import NewBaseline
from store.pool import connect
from store.registry import apply_site, asset_ids, snapshot
from store.site_file import SiteFile
from tests.integration.kpi.plant import HOUR, MACHINE, MONDAY, SHIFT_START, Plant, document
from tests.support.database import TestDatabase

pytestmark = pytest.mark.needs_database

LATER = MONDAY.replace(month=5)
FUELS = """key,asset,from,to,fuel,amount,unit
d1,line/m1,2026-03-02T06:00,2026-03-04T06:00,diesel,96,l
"""
REFRIGERANTS = """key,asset,from,to,gas,amount,unit
r1,line,2026-03-02T10:00,2026-03-02T10:00,R-410A,500,g
"""
FACTOR = {"zone": "VN", "year": 2026, "status": "own", "origin": "stated", "source": "test"}


def factor_set(version: int, grid: float) -> dict[str, Any]:
    factors = [{**FACTOR, "kg_per_kwh": grid}, {**FACTOR, "kg_per_kwh": 0.75, "basis": "residual"}]
    return {"key": "own", "version": version, "name": "Own", "source": "test", "factors": factors}


CARBON: dict[str, Any] = {
    "site": {**document()["site"], "factor_set": "own", "gwp_set": "AR6"},
    "factor_sets": [factor_set(1, 0.5)],
    "products": [{"key": "bolt", "name": "Bolt", "mass_kg": 0.25}],
    "jobs": [{"asset": MACHINE, "key": "J1", "product": "bolt", "from": "2026-03-02T00:00:00+07:00"}],
    "energy_contracts": [
        {
            "key": "rec-march",
            "kind": "certificate",
            "kg_per_kwh": 0.0,
            "amount_kwh": 100,
            "valid_from": "2026-03-01",
            "valid_to": "2026-04-01",
            "criteria": sorted(CRITERIA),
            "source": "certificate 1",
        }
    ],
}


def haidang(plant: Plant, *arguments: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, [*arguments, "--site", "plant", "--database-url", plant.database.url])
    assert (result.exit_code, result.exception is None or code != 0) == (code, True), (result.output, result.exception)
    return result.output


def imported(plant: Plant, folder: Path, kind: str, table: str) -> None:
    file = folder / f"{kind}.csv"
    file.write_text(table, "utf-8")
    haidang(plant, "records", "import", str(file), "--kind", kind)


def compute(plant: Plant, now: datetime = LATER) -> None:
    run_once(plant.kpi_url, now=now)


def test_from_site_file_and_records_to_carbon_and_its_restatement(database: TestDatabase, tmp_path: Path) -> None:
    plant = Plant(database, **CARBON)
    plant.work_a_day()
    imported(plant, tmp_path, "fuel", FUELS)
    imported(plant, tmp_path, "refrigerant", REFRIGERANTS)
    compute(plant)
    of_diesel = 48 * 0.84 * 43.0 / 1e6 * (74_100 + 3 * 27.9 + 0.6 * 273)  # half of the delivery's time is this day
    first = plant.value("co2e_scope1")
    assert first["value"] == pytest.approx(of_diesel, rel=1e-9)
    assert first["factor_set"] == "ipcc-2006/1, AR6"
    of_gas = 0.5 * (0.5 * 771 + 0.5 * 3740)
    assert plant.value("co2e_refrigerant", asset="line")["value"] == pytest.approx(of_gas)
    assert plant.value("co2e_scope1", asset="")["value"] == pytest.approx(of_diesel + of_gas, rel=1e-9)
    kwh = plant.value("energy", asset="", grain="month")["value"]
    market = plant.value("co2e_market", asset="", grain="month")
    assert market["value"] == pytest.approx((kwh - 100) * 0.75)
    assert "no_residual_mix" not in market["flags"]
    assert plant.value("co2e_location", asset="", grain="month")["value"] == pytest.approx(kwh * 0.5)
    assert "rec-march" in haidang(plant, "kpi", "explain", "--kpi", "co2e_market", "--grain", "month")

    footprint = ["kpi", "footprint", "--product", "bolt", "--from", "2026-03-02", "--to", "2026-03-02", "--json"]
    owner = ["--company", "A", "--company-id", "urn:a", "--product-id", "urn:p", "--fossil-carbon-kg", "0"]
    found = json.loads(haidang(plant, *footprint, *owner))
    whole = plant.value("co2e_location")["value"] + of_diesel
    assert float(found["pcf"]["fossilGhgEmissions"]) * 2000 == pytest.approx(whole, rel=0.01)
    assert (found["pcf"]["productMassPerDeclaredUnit"], found["pcf"]["geographyCountry"]) == ("0.25", "VN")
    haidang(plant, *footprint, code=1)

    before = plant.query("SELECT clock_timestamp()")[0][0]
    with connect(database.url) as connection:
        newer = {**CARBON, "factor_sets": [factor_set(1, 0.5), factor_set(2, 0.6)]}
        apply_site(connection, SiteFile.model_validate(document(**newer)))
    compute(plant)
    now = plant.value("co2e_location")
    assert now["value"] == pytest.approx(1.2 * (whole - of_diesel))
    assert (now["factor_set"], now["cause"], now["revision"]) == ("own/2", ["factor_set"], 2)
    shown = haidang(plant, "kpi", "show", "--kpi", "co2e_location", "--asset", MACHINE, "--as-of", f"{before:%FT%T}",
                    "--format", "json")  # fmt: skip
    assert json.loads(shown)[0]["value"] == pytest.approx(whole - of_diesel)


def cusum_of_api(plant: Plant) -> list[dict[str, Any]]:
    """The points that the API gives, and that it knows no other asset."""
    with connect(plant.database.url) as connection:
        key = create_key(connection, "viewer", sites=["plant"])
    settings = ApiSettings(database_url=plant.database.url_for("haidang_api"), session_secret="0123456789abcdef" * 4)  # type: ignore[arg-type]
    ask: dict[str, Any] = {"url": "/v1/energy/cusum", "headers": {"Authorization": f"Bearer {key}"}}
    with TestClient(create_app(settings)) as client:
        assert client.get(**ask, params={"site": "plant", "asset": "aliens"}).status_code == 404
        found = client.get(**ask, params={"site": "plant", "asset": MACHINE})
    assert found.status_code == 200, found.text
    items: list[dict[str, Any]] = found.json()["items"]
    return items


def test_a_baseline_is_frozen_and_later_days_are_judged_by_it(database: TestDatabase) -> None:
    plant = Plant(database)
    meter, count = 0.0, 0
    energy, good = [(SHIFT_START, meter)], [(SHIFT_START, 0.0)]
    for day in range(16):
        made, start = 100 * (1 + day % 5), SHIFT_START + day * 24 * HOUR
        used = 50 + 0.2 * made + day % 2 - (10 if day >= 14 else 0)
        energy += [(start + part * HOUR / 4, meter + used * min(part, 32) / 32) for part in range(1, 97)]
        good += [(start + part * HOUR, count + made * part / 8) for part in range(1, 9)]
        meter, count = meter + used, count + made
    plant.put("energy_kwh", energy)
    plant.put("good_count", good)
    compute(plant)
    fit = ["kpi", "baseline", "fit", "--asset", MACHINE, "--driver", "good", "--from", "2026-03-02", "--json"]
    haidang(plant, *fit, "--to", "2026-03-06", code=1)
    told = json.loads(haidang(plant, *fit, "--to", "2026-03-15"))
    assert (told["version"], told["days"], told["unfit"]) == (1, 14, None)
    assert told["slope_kwh"] == pytest.approx(0.2, rel=0.02)
    compute(plant)
    points = json.loads(haidang(plant, "kpi", "cusum", "--asset", MACHINE, "--json"))
    assert [each["production_day"] for each in points] == ["2026-03-16", "2026-03-17"]
    assert points[1]["cusum"] == pytest.approx(-20, abs=1)
    assert cusum_of_api(plant) == points
    saving = plant.value("energy_saving", grain="month")
    assert saving["value"] == pytest.approx(-points[1]["cusum"], rel=1e-9)
    haidang(plant, *fit, "--to", "2026-03-15", code=1)  # a new one needs its reason
    listed = json.loads(haidang(plant, "kpi", "baseline", "list", "--json"))
    assert [(each["version"], len(each["digest"])) for each in listed] == [(1, 64)]
    several = ["--driver", "good", "--driver", "setup_h", "--grain", "week", "--dry-run", "--to", "2026-03-15"]
    looked = json.loads(haidang(plant, *fit, *several))
    assert (looked["version"], looked["points"], looked["unfit"] is None) == (None, 2, False)
    judged_by_weeks(plant)


def judged_by_weeks(plant: Plant) -> None:
    """A second version, over two drivers and of weeks, is in the snapshot and judges the weeks from its date on."""
    points = []
    for n in range(16):
        good, hours = 500.0 + 100 * (n % 5), 40.0 + n % 3
        monday = date(2025, 6, 2) + timedelta(days=7 * n)
        points.append(Point(monday, (good, hours), 70 + 0.25 * good + 2 * hours + 0.1 * (n % 2), 7, 1.0))
    model = fitted_many(points, ("good", "production_h"), "week", 0.95).model(points[0].first, points[-1].first)
    with connect(plant.database.url, autocommit=True) as connection:
        asset = asset_ids(connection, plant.site_id)[MACHINE]
        new = NewBaseline(asset, "energy", model, date(2026, 3, 16), "two drivers explain it")
        assert baselines.add(connection, plant.site_id, new) == 2
        held = snapshot(connection, "plant", LATER).baselines[-1]
    assert (held.grain, [term.driver for term in held.terms]) == ("week", ["good", "production_h"])
    plant.mark(SHIFT_START + 14 * 24 * HOUR, SHIFT_START + 15 * 24 * HOUR + HOUR, "registry")
    compute(plant)
    stored = "SELECT grain, denominator FROM kpi_value WHERE kpi = 'energy_performance' AND superseded_at IS NULL"
    rows = plant.query(f"{stored} AND value IS NOT NULL AND production_day >= '2026-03-16'")
    (each,) = [expected for grain, expected in rows if grain == "week"]
    assert [grain for grain, _ in rows] == ["week"]
    slope = model["drivers"][0]["slope"]
    assert each == pytest.approx(2 / 7 * model["intercept"] + slope * (500 + 100), rel=1e-6)  # no state: no hours
