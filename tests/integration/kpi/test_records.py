"""Business records from a table to KPI values, through the command that imports them."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from kpi.running.job import run_once
from pilot.cli import app
from pilot.errors import PilotError
from tests.integration.kpi.plant import HOUR, MACHINE, MONDAY, SHIFT_START, Plant
from tests.support.database import TestDatabase

pytestmark = pytest.mark.needs_database

INSPECTION = """key,asset,from,to,inspected,first_pass_good,failed
i1,line/m1,2026-03-02T08:00,2026-03-02T09:00,1000,950,20
i2,line/m1,2026-03-02T10:00,2026-03-02T11:00,1000,850,30
"""
MAINTENANCE = """key,asset,from,to,type
w1,line/m1,2026-03-02T09:00,2026-03-02T10:00,corrective
w2,line,2026-03-02T11:00,2026-03-02T14:00,preventive
"""


def imported(plant: Plant, folder: Path, kind: str, table: str) -> str:
    file = folder / f"{kind}.csv"
    file.write_text(table, "utf-8")
    arguments = ["records", "import", str(file), "--site", "plant", "--kind", kind]
    result = CliRunner().invoke(app, [*arguments, "--database-url", plant.database.url])
    if isinstance(result.exception, PilotError):
        return f"{result.output}{result.exception}"
    assert result.exit_code == 0, result.output
    return result.output


def compute(plant: Plant) -> None:
    run_once(plant.kpi_url, now=MONDAY.replace(month=4))


def test_records_become_kpis_that_add_up_over_the_line(database: TestDatabase, tmp_path: Path) -> None:
    plant = Plant(database)
    plant.work_a_day()
    compute(plant)
    assert "2 new, 0 changed" in imported(plant, tmp_path, "inspection", INSPECTION)
    assert "2 new" in imported(plant, tmp_path, "maintenance", MAINTENANCE)
    compute(plant)
    first_pass = plant.value("first_pass_yield")
    assert (first_pass["value"], first_pass["numerator"], first_pass["denominator"]) == (0.9, 1800, 2000)
    assert plant.value("ppm")["value"] == 25_000
    assert plant.value("corrective_maintenance_ratio")["value"] == 1
    assert plant.value("corrective_maintenance_ratio", asset="line")["value"] == 0.25
    assert plant.value("first_pass_yield", asset="")["value"] == 0.9
    assert plant.value("first_pass_yield", grain="shift")["value"] == 0.9


def test_a_statement_that_changes_is_a_revision_and_a_repeat_is_nothing(database: TestDatabase, tmp_path: Path) -> None:
    plant = Plant(database)
    plant.work_a_day()
    imported(plant, tmp_path, "inspection", INSPECTION)
    compute(plant)
    assert "0 new, 0 changed, 2 as before" in imported(plant, tmp_path, "inspection", INSPECTION)
    assert plant.query("SELECT count(*) FROM dirty_mark") == [(0,)]
    assert "0 new, 1 changed" in imported(plant, tmp_path, "inspection", INSPECTION.replace(",850,", ",950,"))
    compute(plant)
    assert plant.value("first_pass_yield")["value"] == 0.95
    kept = plant.query(
        "SELECT value, superseded_at IS NULL FROM kpi_value k JOIN asset a USING (asset_id)"
        " WHERE kpi = 'first_pass_yield' AND grain = 'day' AND a.key = %s ORDER BY computed_at",
        MACHINE,
    )
    assert kept == [(0.9, False), (0.95, True)]


def test_wrong_rows_are_named_and_the_others_stay(database: TestDatabase, tmp_path: Path) -> None:
    plant = Plant(database)
    wrong = """i3,line/m9,2026-03-02T10:00,2026-03-02T11:00,1,1,0
i4,line/m1,yesterday,,1,1,0
i1,line/m1,2026-03-02T08:00,,1,1,0
"""
    said = imported(plant, tmp_path, "inspection", INSPECTION + wrong)
    assert "2 new, 0 changed, 0 as before, 3 refused" in said
    assert "line 4: asset 'line/m9' is not registered" in said
    assert "'yesterday' is no time" in said
    assert "key 'i1' comes twice" in said


def test_a_number_that_is_none_is_refused_or_a_finding_and_the_rest_counts(
    database: TestDatabase, tmp_path: Path
) -> None:
    plant = Plant(database)
    plant.put("state", [(SHIFT_START, "EXECUTE")])
    told = imported(plant, tmp_path, "inspection", INSPECTION.replace("1000,850,30", "1000,many,30"))
    assert "1 new, 0 changed, 0 as before, 1 refused" in " ".join(told.split())
    stored = {"asset": MACHINE, "inspected": 1000, "first_pass_good": "many"}
    plant.query(
        "INSERT INTO business_record (site_id, kind, key, from_ts, to_ts, payload, source) "
        "VALUES (%s, 'inspection', 'i2', %s, %s, %s, 'older version') RETURNING 1",
        *(plant.site_id, SHIFT_START, SHIFT_START + HOUR, json.dumps(stored)),
    )
    compute(plant)
    found = plant.query("SELECT finding FROM kpi_run ORDER BY kpi_run_id DESC LIMIT 1")[0][0]
    assert [each for each in found if each["kind"] == "bad_record"] == [
        {"kind": "bad_record", "asset": MACHINE, "record": "inspection i2", "fields": ["first_pass_good"]}
    ]
    assert plant.value("first_pass_yield")["value"] == pytest.approx(950 / 2000)
