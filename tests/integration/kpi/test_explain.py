"""Why a value is so: everything behind it is found again, and adds up."""

import json
from itertools import cycle

import pytest
from typer.testing import CliRunner

from kpi.catalogue import CATALOGUE
from kpi.explain import explain
from kpi.job import run_once
from pilot.cli import app
from store import serving
from store.pool import connect
from store.registry import asset_ids
from tests.integration.kpi.plant import MACHINE, MONDAY, Plant
from tests.support.database import TestDatabase

GRAINS = ("hour", "shift", "day", "week", "month")
pytestmark = pytest.mark.needs_database


def test_every_stored_value_is_made_again_from_its_pieces_and_its_time_adds_up(database: TestDatabase) -> None:
    plant = Plant(database)
    plant.work_a_day()
    plant.work_a_day(1)
    run_once(plant.kpi_url, now=MONDAY.replace(month=4))
    seen = set()
    with connect(plant.kpi_url) as connection:
        scope = serving.Scope(connection, [plant.site_id])
        everything = [asset_ids(connection, plant.site_id)["line"]]
        always = {("oee", "day"), ("energy", "month"), ("demand_peak", "week"), ("availability", "shift")}
        for kpi, turn in zip(CATALOGUE, cycle(GRAINS), strict=False):
            for grain in {turn, *(grain for one, grain in always if one == kpi)}:
                wanted = serving.ValueFilter(everything, kpi, grain)
                for row in serving.kpi_values(scope, wanted, None, serving.ValueKey())[:1]:
                    found = explain(connection, plant.site_id, row)
                    assert found.equal, (kpi, grain, row["asset"], row["value"], found.made_again)
                    if found.losses:
                        assert sum(loss.seconds for loss in found.losses) == pytest.approx(found.window_s, abs=1e-6)
                    seen.add((kpi, grain))
    assert always <= seen


def test_the_command_shows_formula_losses_raw_rows_and_revisions(database: TestDatabase) -> None:
    plant = Plant(database)
    plant.work_a_day()
    run_once(plant.kpi_url, now=MONDAY.replace(month=4))
    arguments = [
        "kpi",
        "explain",
        "--kpi",
        "oee",
        "--site",
        "plant",
        "--asset",
        MACHINE,
        "--database-url",
        plant.kpi_url,
    ]
    shown = CliRunner().invoke(app, arguments)
    assert shown.exit_code == 0, shown.output
    for part in ("sum(PRI_i * GQ_i) / PBT", "made again from the stored pieces: equal", "equipment failure", "raw rows",
                 "Revisions", "ABORTED"):  # fmt: skip
        assert part in shown.output, part
    told = json.loads(CliRunner().invoke(app, [*arguments, "--json"]).output)
    assert told["equal"] is True
    assert told["raw_rows"] == sum(each["rows"] for each in told["raw_digests"]) > 2000
    fault = next(each for each in told["losses"] if each["key"] == "fault")
    assert fault["seconds"] == 3600
