"""A machine that left the site file keeps the KPIs of its time; a file that names it again brings it back."""

from typing import Any

import psycopg

from kpi.running.job import run_once
from store.pool import connect
from store.registry import apply_site
from store.site_file import SiteFile
from tests.integration.kpi.plant import HOUR, MACHINE, MONDAY, Plant, document
from tests.support.database import TestDatabase

AFTER = MONDAY + 40 * 24 * HOUR
OTHER = "line/m2"
CURRENT = "SELECT value FROM kpi_value JOIN asset USING (asset_id) WHERE kpi = 'production_time' AND grain = 'day' "
STANDS = CURRENT + "AND superseded_at IS NULL AND value IS NOT NULL AND production_day = %s AND key = %s"


def apply(plant: Plant, **parts: Any) -> None:
    with connect(plant.database.url) as connection:
        apply_site(connection, SiteFile.model_validate(document(**parts)))


def test_a_retired_machine_keeps_its_past_and_leaves_the_days_after(database: TestDatabase) -> None:
    plant = Plant(database)
    two = [*document()["assets"], {**document()["assets"][1], "key": OTHER}]
    apply(plant, assets=two)
    plant.work_a_day()
    plant.work_a_day(1)
    run_once(plant.kpi_url, now=AFTER)
    apply(plant, assets=[two[0], two[2]], routings=[])
    run_once(plant.kpi_url, now=AFTER)
    assert plant.query(STANDS, "2026-03-02", MACHINE) == [(7 * 3600.0,)]
    with psycopg.connect(database.url) as connection:
        connection.execute("UPDATE asset SET valid_to = '2026-03-03T02:00Z' WHERE key = %s", [MACHINE])
    plant.again(days=2)
    run_once(plant.kpi_url, now=AFTER)
    assert plant.query(STANDS, "2026-03-02", MACHINE) == [(7 * 3600.0,)]
    assert plant.query(STANDS, "2026-03-03", MACHINE) == []
    apply(plant, assets=two)
    run_once(plant.kpi_url, now=AFTER + HOUR)
    assert plant.query(STANDS, "2026-03-03", MACHINE) == [(7 * 3600.0,)]
