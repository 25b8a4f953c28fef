"""Generated plants whose readings come late, in parts and in any order: revisions only go on, and nothing is missed.

What the job makes of each delivery alone must end where one computation of everything ends. Many plants are machines of
one site, each with a random life of its own; `long` (see tests/unit/kpi/compute/test_properties.py) runs hundreds.
"""

import os
from datetime import timedelta
from random import Random

import pytest

from kpi.job import run_once
from store.pool import connect
from store.queries import load
from store.registry import active_series
from tests.integration.kpi.plant import HOUR, MONDAY, SHIFT_START, Plant
from tests.support.database import TestDatabase

AFTER = MONDAY + 40 * 24 * HOUR
LATER = 3  # deliveries after the first one
FLEETS, PLANTS = {"quick": (1, 4), "long": (20, 25)}[os.environ.get("HAIDANG_HYPOTHESIS_PROFILE", "quick")]
STATES = ("EXECUTE", "EXECUTE", "HELD", "ABORTED", "IDLE", "SUSPENDED", "STOPPED")
KEY = "asset_id, kpi, variant, grain, production_day, window_start, shift, product, job"
CURRENT = f"""
    SELECT {KEY}, value, numerator, denominator, coverage, completeness, status, flags FROM kpi_value
    WHERE superseded_at IS NULL AND NOT ('withdrawn' = ANY (flags)) ORDER BY {KEY}
"""
HISTORY = f"""
    SELECT array_agg(revision ORDER BY computed_at), count(*) FILTER (WHERE superseded_at IS NULL),
           bool_and(superseded_at IS NULL OR superseded_at >= computed_at),
           array_agg(superseded_at ORDER BY revision), array_agg(computed_at ORDER BY revision),
           bool_and(revision = 1 OR cardinality(cause) > 0)
    FROM kpi_value GROUP BY {KEY}
"""
MOSTLY = 0.6  # of a late stretch
Reading = tuple[str, timedelta, float | str]  # series, since the first shift, value


@pytest.mark.parametrize("number", range(FLEETS))
def test_late_readings_lead_where_one_computation_of_all_does(database: TestDatabase, number: int) -> None:
    chance = Random(2026 + number)  # noqa: S311 - test data
    names = [f"line/m{at:03}" for at in range(PLANTS)]
    plant = _fleet(database, names)
    readings = [each for name in names for each in _life(chance, name)]
    for at, delivery in enumerate(_deliveries(chance, readings)):
        _deliver(plant, delivery)
        run_once(plant.kpi_url, now=AFTER + at * HOUR)
    _check_history(plant)
    found = plant.query(CURRENT)
    with connect(database.url, "test", autocommit=True) as connection:
        connection.execute(load("bench")["forget_derived"])
    plant.mark(SHIFT_START - 24 * HOUR, SHIFT_START + 72 * HOUR)
    run_once(plant.kpi_url, now=AFTER + 10 * HOUR)
    again = plant.query(CURRENT)
    assert len(found) == len(again)
    assert [pair for pair in zip(found, again, strict=True) if pair[0] != pair[1]][:3] == []


def _check_history(plant: Plant) -> None:
    """Each value has one current row and a history without holes, every revision a cause."""
    rows = plant.query(HISTORY)
    assert max(len(revisions) for revisions, *_ in rows) > 1
    for revisions, current, ordered, superseded, computed, caused in rows:
        assert revisions == list(range(1, len(revisions) + 1))
        assert (current, ordered, caused) == (1, True, True)
        assert superseded[:-1] == computed[1:]


def _fleet(database: TestDatabase, names: list[str]) -> Plant:
    series = [
        {"name": "state", "quantity": "state"},
        {"name": "good_count", "quantity": "good_count", "max_gap_s": 7200},
        {"name": "energy_kwh", "quantity": "active_energy", "expected_period_s": 900, "max_gap_s": 7200},
        {"name": "power_kw", "quantity": "active_power", "max_gap_s": 3600},
    ]
    assets = [
        {"key": name, "level": "unit", "series": series[:2] + series[2 + at % 2 :][:1]} for at, name in enumerate(names)
    ]
    plant = Plant(
        database,
        assets=[{"key": "line", "level": "line"}, *assets],
        routings=[{"ideal_cycle_s": 10.0, "source": "test"}],
    )
    with connect(database.url, "test") as connection:
        plant.series = {
            f"{each.asset}/{each.name}": each.series_id for each in active_series(connection, plant.site_id)
        }
    return plant


def _life(chance: Random, name: str) -> list[Reading]:
    """Two and a half days of a machine: states, a counter with resets, a meter or power with false zeros and pauses."""
    states: list[Reading] = [(f"{name}/state", at, chance.choice(STATES)) for at in _instants(chance, 4000)]
    count, pieces = float(chance.randint(0, 5000)), []
    for at in _instants(chance, 900):
        count = 0.0 if chance.random() < 0.02 else count + chance.randint(0, 90)
        pieces.append((f"{name}/good_count", at, count))
    is_metered = int(name[-3:]) % 2 == 0
    energy, meter = float(chance.randint(0, 900)), []
    for at in _instants(chance, 1200):
        energy += chance.random() * 5
        said = 0.0 if chance.random() < 0.02 else energy if is_metered else chance.random() * 40
        meter.append((f"{name}/{'energy_kwh' if is_metered else 'power_kw'}", at, said))
    return [*states, *pieces, *meter]


def _instants(chance: Random, mean_s: float) -> list[timedelta]:
    """Instants of a random series, with a long pause now and then."""
    at, found = timedelta(seconds=chance.randint(-7200, 7200)), []
    while at < timedelta(hours=60):
        found.append(at)
        at += timedelta(seconds=chance.expovariate(1 / mean_s) + (12_000 if chance.random() < 0.01 else 0.001))
    return found


def _deliveries(chance: Random, readings: list[Reading]) -> list[list[Reading]]:
    """Most readings at first; then, one stretch of a few hours after the other, most of what was said in it."""
    begins = [timedelta(hours=chance.uniform(-2, 58)) for _ in range(LATER)]
    found: list[list[Reading]] = [[] for _ in range(LATER + 1)]
    for each in readings:
        inside = [late for late, begin in enumerate(begins, 1) if begin <= each[1] < begin + timedelta(hours=5)]
        found[inside[0] if inside and chance.random() < MOSTLY else 0].append(each)
    return found


def _deliver(plant: Plant, readings: list[Reading]) -> None:
    """Store readings as ingest does, each marking its own time."""
    of_series: dict[str, dict[timedelta, float | str]] = {}
    for name, at, value in readings:
        of_series.setdefault(name, {})[at] = value
    for name, rows in of_series.items():
        plant.put(name, [(SHIFT_START + at, value) for at, value in sorted(rows.items())])
