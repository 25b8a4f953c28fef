"""The quality of series from readings to the database, the command and the values that they make."""

import json
from datetime import date

import psycopg
from typer.testing import CliRunner

from kpi.explained.series_verdict import judged
from kpi.running.job import run_once
from model.ledger import SKEW_BOUNDS_MS
from pilot.cli import app
from store.derived import Days
from store.pool import connect
from store.series_quality import quality_of
from tests.integration.kpi.plant import HOUR, MACHINE, MONDAY, SHIFT_START, Plant
from tests.support.database import TestDatabase

AFTER = MONDAY + 40 * 24 * HOUR
DAY = date(2026, 3, 2)


def a_day_with_a_gap(plant: Plant) -> None:
    """Eight hours of work; the meter, which speaks every quarter of an hour, is silent for four of them."""
    plant.put("state", [(SHIFT_START, "EXECUTE"), (SHIFT_START + 8 * HOUR, "IDLE")])
    plant.put("good_count", [(SHIFT_START, 5.0), (SHIFT_START + 3 * HOUR, 900.0), (SHIFT_START + 5 * HOUR, 20.0)])
    rows = [(SHIFT_START + n * HOUR / 4, 100.0 + n) for n in range(97) if not 12 < n < 28]
    plant.put("energy_kwh", rows[:-1])
    plant.put("energy_kwh", rows[-1:], mark=False)


def devices(database: TestDatabase, plant: Plant) -> None:
    """Count 90 messages in time, 10 of them more than a minute late, and three duplicates of the machine's gateway."""
    skew = [0] * (len(SKEW_BOUNDS_MS) + 1)
    skew[SKEW_BOUNDS_MS.index(100)], skew[SKEW_BOUNDS_MS.index(600_000)] = 90, 10
    with psycopg.connect(database.url) as connection:
        row = connection.execute(
            "INSERT INTO device (site_id, asset_id, key, protocol) SELECT site_id, asset_id, 'gw', 'native' FROM asset "
            "WHERE site_id = %s AND key = %s RETURNING device_id",
            [plant.site_id, MACHINE],
        ).fetchone()
        assert row
        connection.execute(
            "INSERT INTO ledger_delta (hour, site_id, device_id, received, processed, decoded, stored, duplicate, "
            "skew_ms) VALUES (%s, %s, %s, 100, 100, 103, 100, 3, %s)",
            [SHIFT_START, plant.site_id, row[0], skew],
        )


def test_a_silent_meter_is_measured_named_first_and_makes_its_energy_doubtful(database: TestDatabase) -> None:
    plant = Plant(database)
    a_day_with_a_gap(plant)
    devices(database, plant)
    run_once(plant.kpi_url, now=AFTER)
    with connect(plant.kpi_url) as connection:
        found = quality_of(connection, plant.site_id, Days(DAY, DAY), [MACHINE])
        assert quality_of(connection, plant.site_id, Days(DAY, DAY), ["line"]).series == []
    worst, *others = judged(found.series)
    series = worst.series
    assert (series.name, series.expected, series.received) == ("energy_kwh", 96, 96 - 15)
    assert (series.gaps, series.gap_us, series.last_ts) == (1, 4 * 3_600_000_000, SHIFT_START + 24 * HOUR)
    assert worst.reasons[0] == "84.4% of the values due came: 81 of 96."
    assert {(each.series.name, each.series.resets) for each in others} == {("state", 0), ("good_count", 1)}
    (device,) = found.devices
    assert (device.device, device.duplicate, device.stored) == ("gw", 3, 100)
    energy, oee = plant.value("energy"), plant.value("oee")
    assert (energy["status"], oee["status"]) == ("low_confidence", "final")
    assert {"missing_samples", "gap_energy"} <= set(energy["flags"])
    shown = CliRunner().invoke(
        app,
        [
            "quality",
            "--site",
            "plant",
            "--from",
            "2026-03-02",
            "--to",
            "2026-03-02",
            "--json",
            "--database-url",
            database.url,
        ],
    )
    assert shown.exit_code == 0, shown.output
    told = json.loads(shown.output)
    assert told["series"][0]["name"] == "energy_kwh"
    assert told["devices"][0]["late_share"] == 0.1
    assert told["devices"][0]["skew_p95_ms"] == 600_000
    which = ["--kpi", "energy", "--site", "plant", "--asset", MACHINE, "--day", "2026-03-02"]
    beside = CliRunner().invoke(app, ["kpi", "explain", *which, "--json", "--database-url", plant.kpi_url])
    assert beside.exit_code == 0, beside.output
    first, *_, last = json.loads(beside.output)["quality"]
    assert (first["of"], first["why"][:29]) == (f"{MACHINE}/energy_kwh", "84.4% of the values due came:")
    assert last == {
        "of": "gw",
        "why": "10.0% of its messages came more than a minute after their time. 3 values came twice.",
    }


def test_what_is_computed_again_replaces_its_days(database: TestDatabase) -> None:
    plant = Plant(database)
    a_day_with_a_gap(plant)
    run_once(plant.kpi_url, now=AFTER)
    plant.put("energy_kwh", [(SHIFT_START + n * HOUR / 4, 100.0 + n) for n in range(13, 28)])
    run_once(plant.kpi_url, now=AFTER + HOUR)
    assert plant.query(
        "SELECT received, gap_us FROM series_quality WHERE series_id = %s AND production_day = %s",
        plant.series["energy_kwh"], DAY,
    ) == [(96, 0)]  # fmt: skip
    assert plant.value("energy")["status"] == "final"
