"""History is computed again for a reason, which its new revisions name."""

from datetime import date

import pytest
from typer.testing import CliRunner, Result

from kpi.running.job import run_once
from kpi.running.recompute import REASONS
from pilot.cli import app
from pilot.commands.kpi import Reason
from tests.integration.kpi.plant import HOUR, MONDAY, SHIFT_START, Plant
from tests.support.database import TestDatabase

pytestmark = pytest.mark.needs_database
AFTER = MONDAY + 40 * 24 * HOUR


def recompute(plant: Plant, reason: str, *more: str, to: str = "2026-03-31") -> Result:
    days = ("--from", "2026-02-01", "--to", to, "--reason", reason, *more)
    url = ("--database-url", plant.kpi_url)
    return CliRunner().invoke(app, ["kpi", "recompute", "--site", "plant", *days, *url])


def test_a_recomputation_names_its_reason_and_makes_no_revision_of_what_is_equal(database: TestDatabase) -> None:
    plant = Plant(database)
    plant.work_a_day(0)
    plant.work_a_day(1)
    run_once(plant.kpi_url, now=AFTER)
    equal = recompute(plant, "definition")
    assert equal.exit_code == 0, equal.output
    assert "2026-03-02 – 2026-03-03 are computed again (definition)" in equal.stderr
    assert "0 values new or replaced, 0 final values revised" in " ".join(equal.stdout.split())
    plant.put("state", [(SHIFT_START + 5 * HOUR, "HELD"), (SHIFT_START + 5.5 * HOUR, "EXECUTE")], mark=False)
    assert recompute(plant, "mapping", "--note", "HELD was not mapped").exit_code == 0
    row = plant.value("availability")
    assert (row["revision"], row["cause"]) == (2, ["mapping"])
    assert row["production_day"] == date(2026, 3, 2)
    log = plant.query(
        "SELECT detail ->> 'note', detail ->> 'reason' FROM audit_log WHERE action = 'kpi.recompute' ORDER BY at"
    )
    assert log == [("", "definition"), ("HELD was not mapped", "mapping")]
    assert plant.query("SELECT count(*) FROM dirty_mark") == [(0,)]


def test_what_else_waits_at_the_site_keeps_waiting(four_days: Plant) -> None:
    plant = four_days
    held = [(SHIFT_START + 72 * HOUR + 5 * HOUR, "HELD"), (SHIFT_START + 72 * HOUR + 5.5 * HOUR, "EXECUTE")]
    plant.put("state", held)
    days = ("--from", "2026-03-02", "--to", "2026-03-03", "--reason", "definition", "--database-url", plant.kpi_url)
    found = CliRunner().invoke(app, ["kpi", "recompute", "--site", "plant", *days])
    assert found.exit_code == 0, found.output
    assert "2 production days" in " ".join(found.stdout.split())
    assert plant.query("SELECT cause FROM dirty_mark") == [("data",)]
    revised = "SELECT DISTINCT cause FROM kpi_value WHERE revision > 1 AND grain = 'day'"
    assert plant.query(revised) == []
    run_once(plant.kpi_url, now=AFTER)
    assert plant.query(revised) == [(["late_data"],)]
    assert plant.query("SELECT count(*) FROM dirty_mark") == [(0,)]


def test_what_cannot_be_computed_again_is_refused(database: TestDatabase) -> None:
    plant = Plant(database)
    unknown = recompute(plant, "boredom")
    assert unknown.exit_code == 2
    assert all(reason in unknown.output for reason in REASONS)
    assert "has been computed" in str(recompute(plant, "definition").exception)
    assert "is before" in str(recompute(plant, "definition", to="2026-01-01").exception)
    assert plant.query("SELECT count(*) FROM dirty_mark") == [(0,)]


def test_the_command_knows_the_reasons_of_the_job() -> None:
    assert Reason.__args__ == REASONS  # type: ignore[attr-defined]
