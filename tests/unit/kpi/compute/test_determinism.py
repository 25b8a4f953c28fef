"""The same bytes whatever the number of threads: two fresh processes compute the same day."""

import os
import subprocess
import sys
from datetime import date
from hashlib import sha256
from random import Random

from kpi.compute import compute
from tests.unit.kpi.compute.plants import MINUTE, SECOND, STATES, inputs, plant, readings, series, us

T0 = us("2026-11-20T00:00")


def digest_of_a_day() -> str:
    """Compute a day with floats that do not add up exactly, and digest every table."""
    chance = Random(3)  # noqa: S311 - test data
    states = [(T0 + step * 97 * SECOND, chance.choice(STATES)) for step in range(900)]
    meters = [
        [(T0 + step * 61 * SECOND, step * 0.37 + chance.random() * 0.3) for step in range(1500)] for _ in range(3)
    ]
    given = series(
        {"quantity": "state", "kind": "state"},
        {"quantity": "active_energy"},
        {"quantity": "active_energy", "name": "second", "expected_period_us": MINUTE},
        {"quantity": "active_energy", "asset": "line"},
    )
    day = compute(inputs(plant(), [date(2026, 11, 20)], series=given, readings=readings(states, *meters)))
    tables = (day.intervals, day.atoms, day.interval_series, day.windows, day.carry)
    return sha256("".join(table.write_csv() for table in tables).encode()).hexdigest()


def test_threads_do_not_change_a_byte() -> None:
    code = f"from {__name__} import digest_of_a_day; print(digest_of_a_day())"
    digests = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "POLARS_MAX_THREADS": threads, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True, text=True, check=True,
        ).stdout
        for threads in ("1", "3")
    }  # fmt: skip
    assert digests == {digest_of_a_day() + "\n"}
