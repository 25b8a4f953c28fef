"""A large repeat after many small ones: the plans that small batches got must not be used for it."""

import numpy as np
import pytest

from store import raw
from store.pool import connect
from tests.support.database import TestDatabase

pytestmark = pytest.mark.needs_database

START_US = 1_795_000_000_000_000
DAY_US = 86_400_000_000


def rows(count: int, after_us: int) -> raw.Rows:
    place = np.arange(count)
    times = START_US + 1000 * (place // 200) + after_us
    return raw.Rows(times, (place % 200 + 1).astype(np.int32), place.astype(float), np.zeros(count, np.int16))


def test_fifty_thousand_repeats_take_seconds_not_minutes(database: TestDatabase) -> None:
    with connect(database.url_for("haidang_ingest")) as connection:
        raw.ensure_days(connection, [START_US // DAY_US])
        connection.commit()
        for count in range(8):  # psycopg prepares after five; the server then keeps a plan
            raw.merge_readings(connection, rows(20, count))
            connection.commit()
        raw.copy_readings(connection, rows(50_000, 500))
        connection.commit()
        connection.execute("SET statement_timeout = '20s'")
        again = rows(60_000, 500)
        again.value[7] = -1
        existing = raw.merge_readings(connection, again)
    assert len(existing.places) == 50_000
    assert existing.conflicts == {7: {"value": 7.0, "quality": 0}}
