"""A machine that left the site file leaves the KPIs, not the store; a file that names it again brings it back."""

from typing import Any

from kpi.job import run_once
from store.pool import connect
from store.registry import apply_site
from store.site_file import SiteFile
from tests.integration.kpi.plant import HOUR, MACHINE, MONDAY, Plant, document
from tests.support.database import TestDatabase

AFTER = MONDAY + 40 * 24 * HOUR
OTHER = "line/m2"
CURRENT = "SELECT value FROM kpi_value JOIN asset USING (asset_id) WHERE kpi = 'production_time' AND grain = 'day' "
STANDS = CURRENT + "AND superseded_at IS NULL AND value IS NOT NULL AND production_day = '2026-03-02' AND key = %s"


def apply(plant: Plant, **parts: Any) -> None:
    with connect(plant.database.url) as connection:
        apply_site(connection, SiteFile.model_validate(document(**parts)))


def test_a_retired_machine_leaves_the_kpis_and_can_come_back(database: TestDatabase) -> None:
    plant = Plant(database)
    two = [*document()["assets"], {**document()["assets"][1], "key": OTHER}]
    apply(plant, assets=two)
    plant.work_a_day()
    run_once(plant.kpi_url, now=AFTER)
    assert plant.query(STANDS, MACHINE) == [(7 * 3600.0,)]
    readings = plant.query("SELECT count(*) FROM reading")
    apply(plant, assets=[two[0], two[2]], routings=[])
    run_once(plant.kpi_url, now=AFTER)
    assert plant.query(STANDS, MACHINE) == []
    assert plant.query("SELECT count(*) FROM reading") == readings
    apply(plant, assets=two)
    run_once(plant.kpi_url, now=AFTER + HOUR)
    assert plant.query(STANDS, MACHINE) == [(7 * 3600.0,)]
