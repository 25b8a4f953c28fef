"""Parts, processes and several workers: the same bytes, nothing lost."""

import subprocess
import sys
import threading
from typing import Any

import psycopg
import pytest

from kpi.compute import compute
from kpi.frames import Inputs, Tables
from kpi.running.job import run_once
from store.pool import connect
from store.registry import active_series, apply_site
from store.site_file import SiteFile
from tests.integration.kpi.plant import HOUR, MONDAY, SHIFT_START, Plant, document, only
from tests.support.database import TestDatabase
from tests.support.waiting import wait_until

AFTER = MONDAY + 10 * 24 * HOUR
_LEFT_OUT = {"kpi_value_id", "computed_at", "kpi_run_id", "started_at", "finished_at", "at"}
HANG = """
import sys, time
from datetime import datetime
import kpi.running.parts
from kpi.running.job import run_once
def hang(_):
    print("computing", flush=True)
    time.sleep(600)
kpi.running.parts.compute = hang
run_once(sys.argv[1], now=datetime.fromisoformat(sys.argv[2]))
"""


@pytest.fixture
def plant(database: TestDatabase) -> Plant:
    made = Plant(database)
    made.work_a_day()
    return made


def second_machine(plant: Plant) -> None:
    """Another machine, which is metered by a share of another's meter, and a line after it that has nothing."""
    whole = document(relations=[{"from": "z/meter", "to": "line/m2", "kind": "meters", "share": 0.25}])
    own = [{"name": "state", "quantity": "state"}, {"name": "good_count", "quantity": "good_count"}]
    whole["assets"] += [{"key": "line/m2", "level": "unit", "series": own}, {"key": "quiet", "level": "line"}]
    main = [{"name": "main_kwh", "quantity": "active_energy", "expected_period_s": 3600}]
    whole["assets"] += [
        {"key": "z", "level": "line"},
        {"key": "z/meter", "level": "unit", "kind": "meter", "series": main},
    ]
    with connect(plant.database.url, autocommit=True) as connection:
        apply_site(connection, SiteFile.model_validate(whole))
        series = {
            each.name: each.series_id
            for each in active_series(connection, plant.site_id)
            if each.asset in {"line/m2", "z/meter"}
        }
    first, plant.series = plant.series, series
    plant.put("state", [(SHIFT_START, "EXECUTE"), (SHIFT_START + 5 * HOUR, "SUSPENDED")])
    plant.put("good_count", [(SHIFT_START + n * HOUR / 90, n / 3) for n in range(450)])
    plant.put("main_kwh", [(SHIFT_START + n * HOUR, 8.1 * n) for n in range(24)])
    plant.series = first


def tables(plant: Plant) -> dict[str, list[tuple[Any, ...]]]:
    """Every column and row of what the job writes, but for ids and the clock."""
    found = {}
    derived = ("atom", "state_interval", "interval_series", "carry_state", "kpi_value", "raw_day_digest", "kpi_run",
               "series_quality")  # fmt: skip
    for table in derived:
        columns = plant.query("SELECT column_name FROM information_schema.columns WHERE table_name = %s", table)
        names = ", ".join(f"t.{name}::text" for (name,) in sorted(columns) if name not in _LEFT_OUT)
        found[table] = plant.query(f"SELECT {names} FROM {table} t ORDER BY {names}")
        plant.query(f"DELETE FROM {table} RETURNING 1")
    return found


def test_parts_and_processes_give_the_same_bytes(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    second_machine(plant)
    two_days = (SHIFT_START, SHIFT_START + 25 * HOUR)
    plant.mark(*two_days)
    told: list[tuple[float, str]] = []
    summary = run_once(plant.kpi_url, now=AFTER, progress=lambda *step: told.append(step))
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert told[0] == (0.0, "plant: counting the readings of 2026-03-03")
    inside = [text for done, text in told if 0 < done < 1]
    assert all(any(text.endswith(step) for text in inside) for step in ("readings read", "computed", "values")), told
    assert told[-1] == (1.0, "plant, 2026-03-02 – 2026-03-03: stored")
    assert plant.value("energy", asset="line/m2")["value"] == pytest.approx(8.1 * 23 / 4)
    together = tables(plant)
    assert all(together[table] for table in together)
    for processes, rows in ((1, "1"), (2, "500")):
        monkeypatch.setenv("HAIDANG_KPI_PART_ROWS", rows)
        plant.mark(*two_days)
        again = run_once(plant.kpi_url, now=AFTER, processes=processes)
        assert again.readings == summary.readings
        assert tables(plant) == together


def test_a_worker_killed_while_it_computes_loses_nothing(plant: Plant) -> None:
    command = [sys.executable, "-c", HANG, plant.kpi_url, AFTER.isoformat()]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        assert "computing\n" in iter(worker.stdout.readline, "")
        worker.kill()
    assert plant.query("SELECT count(*) > 0 FROM dirty_mark") == [(True,)]
    wait_until(lambda: not run_once(plant.kpi_url, now=AFTER).busy, timeout_s=20, what="the lock of the dead worker")
    assert plant.value("good_quantity")["value"] == 2000.0
    assert plant.query("SELECT count(*) FROM dirty_mark") == [(0,)]


def test_two_workers_share_the_sites(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one computes a site, another one leaves it alone and computes the next."""
    only(monkeypatch, "good_quantity")
    with connect(plant.database.url, autocommit=True) as connection:
        whole = document()
        apply_site(connection, SiteFile.model_validate({**whole, "site": {**whole["site"], "key": "second"}}))
    inside, go_on = threading.Event(), threading.Event()

    def wait_in_first(inputs: Inputs) -> Tables:
        if inputs.site.key == "plant":
            inside.set()
            assert go_on.wait(30)
        return compute(inputs)

    monkeypatch.setattr("kpi.running.parts.compute", wait_in_first)
    worker = threading.Thread(target=run_once, args=(plant.kpi_url,), kwargs={"now": AFTER})
    worker.start()
    try:
        assert inside.wait(30)
        with psycopg.connect(plant.database.url) as connection:
            connection.execute(
                "INSERT INTO dirty_mark (site_id, from_ts, to_ts, cause) SELECT site_id, %s, %s, 'data' "
                "FROM site WHERE key = 'second'",
                [SHIFT_START, SHIFT_START + HOUR],
            )
        other = run_once(plant.kpi_url, now=AFTER)
        assert (other.busy, other.days) == (("plant",), 1)
    finally:
        go_on.set()
        worker.join(30)
    assert plant.value("good_quantity")["value"] == 2000.0


def test_marks_that_another_worker_holds_are_left_to_it(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    only(monkeypatch, "good_quantity")
    with psycopg.connect(plant.database.url) as holder:
        holder.execute("SELECT FROM dirty_mark FOR UPDATE")
        assert run_once(plant.kpi_url, now=AFTER).days == 0
    assert run_once(plant.kpi_url, now=AFTER).days == 1
