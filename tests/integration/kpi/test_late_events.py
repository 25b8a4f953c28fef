"""Events that come late reach the days on which they hold, which were computed without them, and no days beyond."""

from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest

from store import inputs
from store.pool import connect
from tests.integration.kpi import late
from tests.integration.kpi.late_plants import Said
from tests.integration.kpi.plant import HOUR, MACHINE, MONDAY, SHIFT_START, Plant, document
from tests.support.database import TestDatabase

pytestmark = pytest.mark.needs_database
AFTER = MONDAY + 40 * 24 * HOUR
DAY = 24 * HOUR
RECORDED = "line/m2"
JOBS = """
    SELECT production_day - DATE '2026-03-02', job, product FROM atom JOIN asset USING (asset_id)
    WHERE key = 'line/m1' AND quantity = 'time' GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
"""
OF_JOBS = """
    SELECT DISTINCT job FROM kpi_value JOIN asset USING (asset_id)
    WHERE key = 'line/m1' AND grain = 'job' AND superseded_at IS NULL AND NOT 'withdrawn' = ANY (flags) ORDER BY 1
"""
FIRST_DAY = """
    SELECT round(sum(amount)::numeric, 6) FROM atom
    WHERE quantity = 'energy' AND production_day = '2026-03-02'
"""
THIRD_DAY = """
    SELECT inputs_digest FROM kpi_value JOIN asset USING (asset_id)
    WHERE key = 'line/m1' AND kpi = 'good_quantity' AND grain = 'day' AND production_day = '2026-03-04'
      AND superseded_at IS NULL
"""


def us(at: datetime) -> int:
    return round(at.timestamp() * 1e6)


def changed(at: datetime, kind: str, key: str) -> Said:
    return Said("changes", "line", us(at), (MACHINE, us(at), kind, key, None, None, "{}"))


def run(key: str, begin: datetime, end: datetime, payload: str = '{"cycles": 90, "good": 90}') -> Said:
    return Said("runs", "line", us(begin), (RECORDED, us(begin), "production_run", key, us(begin), us(end), payload))


@pytest.fixture
def plant(database: TestDatabase) -> Plant:
    """Three days of a machine that runs all the time, beside one that only records tell of."""
    machines = [*document()["assets"], {"key": RECORDED, "level": "unit", "name": "By hand"}]
    machines[1]["series"][2] |= {"max_gap_s": 36_000, "max_rate_per_s": 0.5}
    shifts = [{"shift": "A", "days": ["mon", "tue", "wed", "thu"], "start": "06:00", "end": "22:00"}]
    made = Plant(database, assets=machines, calendars=[{"shifts": shifts}])
    made.put("state", [(SHIFT_START, "EXECUTE"), (SHIFT_START + 3 * DAY - HOUR, "IDLE")])
    made.put("good_count", [(SHIFT_START + n * HOUR, 100.0 * n) for n in range(70)])
    return made


def test_late_changes_and_records_lead_where_one_computation_does(plant: Plant) -> None:
    with late.working(plant) as work:
        late.deliver(plant, [run("long", SHIFT_START + 14 * HOUR, SHIFT_START + DAY + 4 * HOUR)])
        work.run(AFTER)
        assert plant.query(JOBS) == [(day, "", "") for day in range(3)]
        late.deliver(plant, [changed(SHIFT_START, "job_change", "first"), changed(SHIFT_START, "product_change", "p")])
        work.run(AFTER + HOUR)
        assert plant.query(JOBS) == [(day, "first", "p") for day in range(3)]
        late.deliver(plant, [changed(SHIFT_START, "job_change", "second")])
        work.run(AFTER + 2 * HOUR)
        assert plant.query(OF_JOBS) == [("second",)]
        late.deliver(plant, [run("short", SHIFT_START + 15 * HOUR, SHIFT_START + 16 * HOUR)])
        late.deliver(plant, [run("long too", SHIFT_START + DAY + 14 * HOUR, SHIFT_START + 2 * DAY + 4 * HOUR)])
        late.deliver(plant, [run("cuts it", SHIFT_START + 2 * DAY + 2 * HOUR, SHIFT_START + 2 * DAY + 3 * HOUR)])
        work.run(AFTER + 3 * HOUR)
        found = late.standing(plant)
        late.made_at_once(plant, work, AFTER + 4 * HOUR)
    assert late.differences(plant, found, late.standing(plant)) == []


def read(name: str, *rows: tuple[timedelta, float]) -> list[Said]:
    at = [us(SHIFT_START + since) for since, _ in rows]
    return [Said("readings", "line", ts, (name, ts, value, 0)) for ts, (_, value) in zip(at, rows, strict=True)]


def test_a_spike_on_one_side_of_a_border_is_known_on_the_other(plant: Plant) -> None:
    """Rises that the next reading takes back: after the first day, and one that ends the second."""
    meter = [(0 * HOUR, 10.0), (22 * HOUR, 220.0), (26 * HOUR, 1e5), (40 * HOUR, 395.0)]
    meter += [(2 * DAY - HOUR, 2e5), (2 * DAY + HOUR, 1e5), (2 * DAY + 2 * HOUR, 490.0), (2 * DAY + 9 * HOUR, 560.0)]
    with late.working(plant) as work:
        late.deliver(plant, read("energy_kwh", *meter))
        late.deliver(plant, [run("of the second day", SHIFT_START + 2 * DAY - HOUR, SHIFT_START + 2 * DAY)])
        work.run(AFTER)
        late.deliver(plant, read("energy_kwh", (27 * HOUR, 270.0)))
        work.run(AFTER + HOUR)
        for count in ((HOUR / 2, 50.0), (2 * DAY + HOUR / 2, 4790.0)):  # each of its own day only
            late.deliver(plant, read("good_count", count))
        work.run(AFTER + 2 * HOUR)
        assert plant.query(FIRST_DAY) == [(230,)]  # of 50 kWh in five hours two hours lie before the border
        found, made_of = late.standing(plant), plant.query(THIRD_DAY)
        late.made_at_once(plant, work, AFTER + 3 * HOUR)
    assert plant.query(THIRD_DAY) == made_of
    assert late.differences(plant, found, late.standing(plant)) == []


def test_what_a_retired_machine_said_last_holds_until_it_was_retired(plant: Plant) -> None:
    late.deliver(plant, [changed(SHIFT_START, "job_change", "first")])
    whole = [(MACHINE, us(SHIFT_START), us(SHIFT_START + HOUR))]

    def reached() -> list[tuple[Any, ...]]:
        with connect(plant.kpi_url) as connection:
            return inputs.reach_on(connection, plant.site_id, whole, AFTER)

    assert reached() == [(MACHINE, whole[0][1], us(AFTER))]
    with psycopg.connect(plant.database.url) as connection:
        connection.execute("UPDATE asset SET valid_to = %s WHERE key = %s", [SHIFT_START + 2 * DAY, MACHINE])
    assert reached() == [(MACHINE, whole[0][1], us(SHIFT_START + 2 * DAY))]
