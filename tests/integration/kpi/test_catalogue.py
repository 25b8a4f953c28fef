"""From the site file and records to capability, line rules and the list of what a site feeds."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pilot.cli import app
from store.pool import connect
from store.registry import apply_site, snapshot
from store.site_file import SiteFile
from tests.integration.kpi.plant import MACHINE, MONDAY, Plant, document
from tests.integration.kpi.test_records import compute, imported
from tests.support.database import TestDatabase

pytestmark = pytest.mark.needs_database

LIMITS = [{"characteristic": "diameter", "lower": 9.9, "upper": 10.1, "unit": "mm"}]
MEASURED = """key,asset,from,to,characteristic,values
g1,line/m1,2026-03-02T08:00,2026-03-02T09:00,diameter,10.02 10.04 9.97 10.01
g2,line/m1,2026-03-02T10:00,2026-03-02T11:00,diameter,10.06;10.03;10.08
"""


STEAM = """key,asset,from,to,medium,amount,unit,mj_per_unit,source
e1,line/m1,2026-03-02T06:00,2026-03-02T14:00,steam,0.5,t,2700,steam table
"""


def run(plant: Plant, *arguments: str) -> str:
    result = CliRunner().invoke(app, ["kpi", *arguments, "--site", "plant", "--database-url", plant.database.url])
    assert result.exit_code == 0, result.output
    return result.output


def test_measured_values_become_capability_that_is_shown_and_explained(database: TestDatabase, tmp_path: Path) -> None:
    plant = Plant(database, spec_limits=LIMITS)
    plant.work_a_day()
    before = json.loads(run(plant, "catalogue", "cpk", "--json"))[0]
    assert (before["fed"], before["iso_number"]) == (False, 22)
    expected = "a series with spec_limits, or records of kind 'inspection' with characteristic and value or values"
    assert before["missing"][0] == expected
    imported(plant, tmp_path, "inspection", MEASURED)
    imported(plant, tmp_path, "energy", STEAM)
    compute(plant)
    energy = plant.value("comprehensive_energy_consumption")
    kwh, made = (plant.value(kpi)["value"] for kpi in ("energy", "produced_quantity"))
    assert energy["value"] == pytest.approx((0.5 * 2700 + 3.6 * kwh) / made)
    rows = json.loads(run(plant, "show", "--kpi", "pp", "--asset", MACHINE, "--format", "json"))
    assert [(row["variant"], row["value"]) for row in rows] == [
        ("diameter", pytest.approx(0.2 / 6 / 0.03559, rel=1e-3))
    ]
    told = json.loads(run(plant, "explain", "--kpi", "cpk", "--asset", MACHINE, "--variant", "diameter", "--json"))
    assert told["equal"] is True
    assert told["inputs"]["subgroup_n"] == 7
    answers = {row["id"]: row for row in json.loads(run(plant, "catalogue", "--json"))}
    assert answers["cpk"]["fed"]
    assert answers["oee"]["fed"]
    assert answers["inventory_turns"]["missing"] == [
        "records of kind 'inventory' with throughput",
        "records of kind 'inventory' with average_stock",
    ]
    assert "of the 34 of ISO 22400-2" in run(plant, "catalogue")


def test_a_site_file_sets_limits_and_line_rules_and_takes_them_back(database: TestDatabase) -> None:
    plant = Plant(database, spec_limits=LIMITS)
    assets = document()["assets"]
    last = [{**assets[0], "roll_up": "last", "last": MACHINE}, *assets[1:]]
    with connect(database.url, autocommit=True) as connection:
        assert snapshot(connection, "plant", MONDAY).spec_limits[0].upper == 10.1
        again = apply_site(connection, SiteFile.model_validate(document(spec_limits=LIMITS)))
        assert again["spec_limit"] == 0
        changed = apply_site(connection, SiteFile.model_validate(document(assets=last)))
        assert (changed["spec_limit"], changed["asset_setting"]) == (1, 1)
        found = snapshot(connection, "plant", MONDAY)
    line = next(each for each in found.assets if each.key == "line")
    assert (line.roll_up, line.last_key, found.spec_limits) == ("last", MACHINE, ())
    assert plant.query("SELECT count(*) FROM spec_limit") == [(0,)]
