"""What flows between two readings belongs to the days between them, also to one that was final before."""

import pytest

from kpi.running.job import run_once
from tests.integration.kpi.plant import HOUR, MACHINE, MONDAY, Plant, only
from tests.support.database import TestDatabase


@pytest.fixture(autouse=True)
def one_kpi(monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, "energy")


@pytest.fixture
def plant(database: TestDatabase) -> Plant:
    return Plant(database)


def energies(plant: Plant) -> dict[str, float]:
    rows = plant.query(
        "SELECT production_day::text, value FROM kpi_value JOIN asset USING (asset_id) WHERE asset.key = %s "
        "AND kpi = 'energy' AND grain = 'day' AND superseded_at IS NULL",
        MACHINE,
    )
    return {str(day): float(value or 0) for day, value in rows}


def test_a_gap_over_the_border_of_a_final_day_revises_it(plant: Plant) -> None:
    start = MONDAY + 6 * HOUR
    plant.put("energy_kwh", [(start + n * HOUR, 100.0 + n) for n in range(17)])  # silent from 22:00 on
    run_once(plant.kpi_url, now=MONDAY + 24 * HOUR * 4)
    before = energies(plant)
    assert before["2026-03-02"] == pytest.approx(16.0)
    plant.put("energy_kwh", [(start + 40 * HOUR, 140.0), (start + 41 * HOUR, 141.0)])  # 22:00 and 23:00 of Tuesday
    run_once(plant.kpi_url, now=MONDAY + 24 * HOUR * 5)
    after = energies(plant)
    assert sum(after.values()) == pytest.approx(41.0), after
    assert after["2026-03-02"] > before["2026-03-02"]


def test_a_count_read_exactly_at_the_border_belongs_to_the_day_before(plant: Plant) -> None:
    start = MONDAY + 6 * HOUR
    plant.put("state", [(start, "EXECUTE")])
    plant.put("good_count", [(start + n * HOUR, 10.0 * n) for n in range(24)])
    run_once(plant.kpi_url, now=MONDAY + 24 * HOUR * 4)
    plant.put("good_count", [(start + 24 * HOUR, 250.0)])
    run_once(plant.kpi_url, now=MONDAY + 24 * HOUR * 4)
    rows = plant.query(
        "SELECT production_day::text, sum(amount) FROM atom WHERE quantity = 'good' GROUP BY 1 ORDER BY 1"
    )
    assert rows[0] == ("2026-03-02", 250.0), rows


def test_a_bad_row_after_the_border_does_not_hide_what_was_counted_across_it(plant: Plant) -> None:
    start = MONDAY + 6 * HOUR
    plant.put("energy_kwh", [(start + n * HOUR, 100.0 + n) for n in range(17)])  # silent from 22:00 on
    plant.put("energy_kwh", [(start + 32 * HOUR, float("nan"))])  # 14:00 of Tuesday
    run_once(plant.kpi_url, now=MONDAY + 24 * HOUR * 4)
    plant.put("energy_kwh", [(start + 40 * HOUR, 140.0)])
    run_once(plant.kpi_url, now=MONDAY + 24 * HOUR * 5)
    assert sum(energies(plant).values()) == pytest.approx(40.0)
    plant.mark(MONDAY, MONDAY + 24 * HOUR)  # Monday alone
    run_once(plant.kpi_url, now=MONDAY + 24 * HOUR * 6)
    assert sum(energies(plant).values()) == pytest.approx(40.0)


def test_a_late_state_is_followed_into_the_days_in_which_it_still_holds(plant: Plant) -> None:
    plant.put("state", [(MONDAY + 7 * HOUR, "EXECUTE"), (MONDAY + 60 * HOUR, "EXECUTE")])
    run_once(plant.kpi_url, now=MONDAY + 24 * HOUR * 4)
    plant.put("state", [(MONDAY + 8 * HOUR, "NOBODY KNOWS"), (MONDAY + 15 * HOUR, "ABORTED")])
    run_once(plant.kpi_url, now=MONDAY + 24 * HOUR * 5)
    rows = plant.query(
        "SELECT production_day::text, time_class FROM state_interval WHERE time_class IN ('production', 'delay') "
        "AND production_day = '2026-03-03' GROUP BY 1, 2"
    )
    assert rows == [("2026-03-03", "delay")]


def test_a_late_count_is_followed_over_the_days_without_one_at_once(plant: Plant) -> None:
    plant.put("good_count", [(MONDAY + 7 * HOUR, 1.0), (MONDAY + 24 * 9 * HOUR, 9.0)])
    run_once(plant.kpi_url, now=MONDAY + 24 * HOUR * 10)
    plant.put("good_count", [(MONDAY + 8 * HOUR, 2.0)])
    run_once(plant.kpi_url, now=MONDAY + 24 * HOUR * 11)
    assert plant.query("SELECT count(*) FROM kpi_run") == [(2,)]
    handed = "SELECT DISTINCT payload #>> '{counters,good_count,1}' FROM carry_state WHERE production_day < %s"
    assert plant.query(handed, "2026-03-10") == [("2",)]


def test_work_since_the_last_failure_goes_through_many_days_in_few_passes(plant: Plant) -> None:
    day = 24 * HOUR
    plant.put("state", [(MONDAY + 7 * HOUR, "EXECUTE"), (MONDAY + 8 * HOUR, "ABORTED"), (MONDAY + 9 * HOUR, "EXECUTE")])
    plant.put("state", [(MONDAY + n * day + 6 * HOUR, "EXECUTE") for n in range(1, 8)])
    run_once(plant.kpi_url, now=MONDAY + 10 * day)
    plant.put("state", [(MONDAY + 10 * HOUR, "IDLE"), (MONDAY + 11 * HOUR, "EXECUTE")])
    run_once(plant.kpi_url, now=MONDAY + 11 * day)
    spans = plant.query("SELECT to_day - from_day + 1 FROM kpi_run ORDER BY kpi_run_id OFFSET 1")
    assert sum(days for (days,) in spans) >= 8
    assert len(spans) < 6
    since = "SELECT DISTINCT (payload #>> '{failure,since_us}')::bigint / 3600e6 FROM carry_state ORDER BY 1 LIMIT 1"
    assert plant.query(since) == [(4,)]  # 9 to 10 and 11 to 14 o'clock of Monday


def test_a_late_power_is_followed_into_the_day_after(database: TestDatabase) -> None:
    power = {"name": "power_kw", "quantity": "active_power", "max_gap_s": 864000}
    meter = {"key": MACHINE, "level": "unit", "name": "Machine", "series": [power]}
    plant = Plant(database, assets=[{"key": "line", "level": "line", "name": "Line"}, meter])
    plant.put("power_kw", [(MONDAY + 2 * HOUR, 10.0), (MONDAY + 36 * HOUR, 0.0)])
    run_once(plant.kpi_url, now=MONDAY + 24 * HOUR * 4)
    plant.put("power_kw", [(MONDAY + 20 * HOUR, 1.0)])
    run_once(plant.kpi_url, now=MONDAY + 24 * HOUR * 5)
    rows = plant.query("SELECT sum(amount) FROM atom WHERE quantity = 'energy' AND production_day = '2026-03-03'")
    assert [float(str(amount)) for (amount,) in rows] == [pytest.approx(6.0)]  # from 06:00 on
