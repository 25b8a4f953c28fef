"""Days of a package that were never computed, or whose rows wait to be: said, and everything else still comes out."""

import math
from pathlib import Path

import polars as pl
import psycopg
import pytest

from kpi.running import work
from kpi.running.job import run_once
from maturity.keys import write_key
from maturity.package import layout
from maturity.package.content import Package
from maturity.package.rows import RawDays
from maturity.package.verify import verify
from maturity.zipped import members_of
from store.business import BusinessRecord, keep
from store.pool import connect
from tests.integration.kpi.plant import HOUR, MACHINE, MONDAY, SHIFT_START, Plant, document
from tests.integration.maturity.factory import AFTER, KEY, close, export, exported
from tests.support.database import TestDatabase

pytestmark = pytest.mark.needs_database
PERIOD = ("--from", "2026-03-02", "--to", "2026-03-06")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_key(tmp_path / "key", KEY)
    return tmp_path


def test_days_in_the_middle_that_were_never_computed_and_events_that_came_since(
    database: TestDatabase, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worked day and a later one, so far apart that nobody computed those between; an alarm that moves no value."""
    monkeypatch.setattr(work, "MAX_FILL_DAYS", 1)  # a gap of weeks, in few days
    plant = Plant(database)
    plant.work_a_day(0)
    run_once(plant.kpi_url, now=MONDAY + 26 * HOUR)
    start = SHIFT_START + 4 * 24 * HOUR
    plant.put("state", [(start, "EXECUTE"), (start + HOUR, "IDLE")])
    now = start + 23 * HOUR
    run_once(plant.kpi_url, now=now)
    close(database)
    period = ("--from", "2026-03-02", "--to", "2026-03-06")
    said = export(database, folder, "p.zip", "--framework", "none", days=period)
    assert "never computed them: 2026-03-03 to 2026-03-05" in said
    found = verify(folder / "p.zip", KEY.public)
    different = found.values.filter(pl.col("verdict") == "different")
    assert (found.findings, different.to_dicts()) == ([], [])
    assert any("no record in the log: 2026-03-03 to 2026-03-05" in each for each in found.notices)
    assert any("carry of 2 days are those that the log recorded" in each for each in found.checked)

    with psycopg.connect(database.url) as owner:
        owner.execute(
            "INSERT INTO event (site_id, asset_id, ts, kind, key) "
            "SELECT site_id, asset_id, %s, 'alarm', 'E1' FROM asset WHERE key = %s",
            [SHIFT_START + HOUR, MACHINE],
        )
    plant.mark(SHIFT_START + HOUR, SHIFT_START + 2 * HOUR, "late_data")
    run_once(plant.kpi_url, now=now)
    said = export(database, folder, "late.zip", "--framework", "none", days=period)
    assert "raw/events.parquet: the events of 2026-03-02 are not those that the log recorded" in said
    close(database)
    entered = "SELECT count(*) FROM evidence_log WHERE object = 'raw_day|2026-03-02'"
    assert plant.query(entered) == [(2,)]
    with psycopg.connect(database.url) as owner:  # no KPI reads it
        owner.execute(
            "INSERT INTO business_record (site_id, kind, key, from_ts, to_ts, payload, source) "
            "VALUES (%s, 'problem', 'P1', %s, %s, '{}', 'test')",
            [plant.site_id, SHIFT_START, SHIFT_START + HOUR],
        )
    close(database)
    assert plant.query(entered) == [(3,)]
    start_us = round(SHIFT_START.timestamp() * 1e6)
    record = BusinessRecord("A1", start_us, start_us + 3_600_000_000, {"asset": MACHINE, "hours": 1.0})
    with connect(database.url) as owner:
        keep(owner, plant.site_id, "attendance", [record], "test")
    close(database)  # the log has the record, and values that know nothing of it
    said = export(database, folder, "record.zip", "--framework", "none", days=period)
    assert "What came since is not computed yet (business record of 2026-03-01 23:59 UTC)" in said


def test_days_that_were_never_computed_are_said_and_their_neighbours_come_out(
    database: TestDatabase, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two worked days; the meter's last row lies in the third, which nothing marked and nobody computed."""
    plant = Plant(database)
    plant.work_a_day(0)
    plant.work_a_day(1)
    run_once(plant.kpi_url, now=AFTER)
    close(database)
    said = export(database, folder, "p.zip", "--framework", "none", days=PERIOD)
    assert "never computed them: 2026-03-04 to 2026-03-06" in said
    path = folder / "p.zip"
    found = verify(path, KEY.public)
    different = found.values.filter(pl.col("verdict") == "different")
    assert (found.findings, different.to_dicts()) == ([], [])
    assert any("no record in the log: 2026-03-04 to 2026-03-06" in each for each in found.notices)
    none = ("--from", "2026-03-04", "--to", "2026-03-05")
    said = export(database, folder, "none.zip", "--framework", "none", days=none)
    assert "has no final values from 2026-03-04 to 2026-03-05" in said
    margin = Package.open(path).frame("raw/readings/2026-03-04.margin.parquet", layout.READINGS)
    assert margin["series_key"].unique().to_list() == [f"plant/{MACHINE}/energy_kwh"]

    whole, member = path.read_bytes(), members_of(path)["raw/readings/2026-03-04.margin.parquet"]
    for place in (member.header, member.header + 14, member.header + 30, member.content, member.content + 99):
        flipped = folder / "flipped.zip"
        flipped.write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
        assert any(member.name in finding for finding in verify(flipped, KEY.public).findings), place

    with monkeypatch.context() as without_margins:
        without_margins.setattr(RawDays, "name_of", lambda _, day: layout.readings_of(day))
        bare = verify(path, KEY.public).values.filter(pl.col("verdict") == "different")
        assert "energy" in set(bare["kpi"])

    with psycopg.connect(database.url) as owner:  # a factory that would rather not show the second day
        owner.execute("DELETE FROM kpi_value WHERE production_day = '2026-03-03'")
    hidden = verify(exported(database, folder, "hidden.zip", "--framework", "none", days=PERIOD), KEY.public)
    assert not hidden.is_good
    assert any("nothing of 2026-03-03, though the log recorded readings" in each for each in hidden.findings)

    plant.mark(SHIFT_START, SHIFT_START + HOUR, "annotation")
    late = export(database, folder, "late.zip", "--framework", "none", days=PERIOD)
    assert "not computed yet (annotation of 2026-03-01 23:00 UTC): first `haidang kpi run`" in late
    assert not (folder / "late.zip").exists()


def test_what_was_metered_across_the_end_is_found_behind_a_bad_row(database: TestDatabase, folder: Path) -> None:
    assets = document()["assets"]
    assets[1]["series"][2] |= {"max_gap_s": 36_000}
    plant = Plant(database, assets=assets)
    plant.put("state", [(SHIFT_START, "EXECUTE"), (SHIFT_START + 8 * HOUR, "IDLE")])
    meter = ((0, 500.0), (8, 580.0), (16, 660.0), (23, 730.0), (26, math.nan), (28, 780.0))
    plant.put("energy_kwh", [(SHIFT_START + hours * HOUR, value) for hours, value in meter])
    run_once(plant.kpi_url, now=AFTER)
    close(database)
    only = ("--from", "2026-03-02", "--to", "2026-03-02")
    found = verify(exported(database, folder, "p.zip", "--framework", "none", days=only), KEY.public)
    assert (found.findings, found.values.filter(pl.col("verdict") == "different").to_dicts()) == ([], [])
    energy = found.values.filter(pl.col("kpi") == "energy", pl.col("grain") == "day", pl.col("value") == 240.0)
    assert len(energy) > 0
