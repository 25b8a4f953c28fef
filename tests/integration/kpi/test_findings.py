"""What the job notices is shown by `haidang kpi findings`, once and in sentences; the newest computation counts."""

import json
from datetime import timedelta
from typing import Any

from typer.testing import CliRunner

from kpi.explained.sentences import sentence
from kpi.running.job import run_once
from pilot.cli import app
from tests.integration.kpi.plant import HOUR, MACHINE, MONDAY, SHIFT_START, Plant
from tests.support.database import TestDatabase

AFTER = MONDAY + 40 * 24 * HOUR


def shown(plant: Plant, *more: str) -> list[dict[str, Any]]:
    arguments = ["kpi", "findings", "--site", "plant", "--format", "json", "--database-url", plant.kpi_url, *more]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    return list(json.loads(done.stdout))


def test_findings_are_shown_once_until_they_are_mended(database: TestDatabase) -> None:
    plant = Plant(database, routings=[])
    plant.work_a_day()
    plant.put("state", [(SHIFT_START + 7 * HOUR, "ODD [X]")])
    run_once(plant.kpi_url, now=AFTER)
    plant.mark(SHIFT_START, SHIFT_START + HOUR)
    run_once(plant.kpi_url, now=AFTER)
    assert [row["kind"] for row in shown(plant)] == ["missing_ideal_cycle", "unmapped_state"]
    by_kind = {row["kind"]: row for row in shown(plant)}
    assert by_kind["unmapped_state"]["text"].startswith("State 'ODD [X]' has no time class: 1.00 h")
    assert by_kind["missing_ideal_cycle"]["asset"] == MACHINE
    assert "2000 pieces" in by_kind["missing_ideal_cycle"]["text"]
    later = str(MONDAY.date() + timedelta(days=9))
    assert shown(plant, "--from", later) == []
    Plant(database)  # with an ideal cycle
    plant.again()
    run_once(plant.kpi_url, now=AFTER)
    assert "missing_ideal_cycle" not in {row["kind"] for row in shown(plant)}
    table = CliRunner().invoke(app, ["kpi", "findings", "--site", "plant", "--database-url", plant.kpi_url])
    assert "unmapped_state" in table.stdout
    assert "[X]" in table.stdout


def test_a_kind_without_a_sentence_is_shown_as_it_is() -> None:
    assert sentence({"kind": "brand_new", "asset": "m", "times": 2}, "UTC") == "brand new: times 2"
