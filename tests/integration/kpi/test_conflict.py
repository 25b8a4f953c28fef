"""A conflict between what was sent and what is stored flags the values of its day, and only those."""

from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from kpi.running.job import run_once
from tests.integration.kpi.plant import HOUR, MACHINE, MONDAY, SHIFT_START, Plant
from tests.support.database import TestDatabase

AFTER = MONDAY + 40 * 24 * HOUR


def flagged(plant: Plant, grain: str) -> set[tuple[Any, ...]]:
    return set(
        plant.query(
            "SELECT a.key, k.kpi, k.production_day::text FROM kpi_value k JOIN asset a USING (asset_id) "
            "WHERE 'conflict' = ANY (k.flags) AND k.grain = %s AND k.superseded_at IS NULL",
            grain,
        )
    )


def test_a_conflict_flags_the_day_of_its_asset_and_of_those_above(database: TestDatabase) -> None:
    plant = Plant(database)
    plant.work_a_day(0)
    plant.work_a_day(1)
    run_once(plant.kpi_url, now=AFTER)
    assert flagged(plant, "day") == set()
    at = SHIFT_START + 26 * HOUR
    with psycopg.connect(database.url) as connection:
        connection.execute(
            "INSERT INTO reading_conflict (site_id, series_id, ts, stored, received) VALUES (%s, %s, %s, %s, %s)",
            [plant.site_id, plant.series["good_count"], at, Jsonb({"value": 1}), Jsonb({"value": 2})],
        )
    plant.mark(at, at + HOUR)
    run_once(plant.kpi_url, now=AFTER)
    found = flagged(plant, "day")
    assert {day for _, _, day in found} == {"2026-03-03"}
    assert {asset for asset, _, _ in found} == {"", "line", MACHINE}
    assert {"oee", "availability", "good_quantity", "energy"} <= {kpi for _, kpi, _ in found}
    assert {day for _, _, day in flagged(plant, "week")} == {"2026-03-02"}
