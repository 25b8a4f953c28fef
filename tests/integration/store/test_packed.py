"""Packed readings are the same rows, in the same order, as those of the plain query."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import adbc_driver_postgresql.dbapi as adbc
import polars as pl
import psycopg
import pyarrow as pa
import pytest

from store import inputs, packed
from tests.support.database import TestDatabase

START = datetime(2026, 3, 2, 20, tzinfo=UTC)
BOUNDS = (START + timedelta(minutes=10), START + timedelta(hours=9))
SPAN = inputs.Range(*(round(each.timestamp() * 1e6) for each in BOUNDS))
FILL = """
INSERT INTO reading (ts, series_id, value, quality)
SELECT %(start)s::timestamptz + n * interval '1 second', 1 + n %% 7,
       CASE WHEN n %% 11 = 0 THEN NULL WHEN n %% 13 = 0 THEN 'NaN' ELSE n * 0.37 - 500 END, n %% 3
FROM generate_series(0, 36000) AS n
"""


@pytest.mark.needs_database
def test_packed_readings_are_the_rows_of_the_plain_query(database: TestDatabase) -> None:
    with psycopg.connect(database.url, autocommit=True) as connection:
        if connection.execute("SELECT relkind FROM pg_class WHERE oid = 'reading'::regclass").fetchone() != ("p",):
            pytest.skip("readings are not in plain partitions here")
        connection.execute("SELECT ensure_partitions(%s, %s)", [START, START + timedelta(days=1)])
        connection.execute(FILL, {"start": START})
        connection.execute("ANALYZE reading")
        series = [1, 2, 3, 5, 7]
        cuts = packed.slices(connection, series, BOUNDS, rows=2_000)
        assert len(cuts) > 10
        with inputs.open_adbc(database.url) as reader:
            plain = _frame(inputs.rows(connection, reader, series, SPAN))
            found = _frame(packed.batches(connection, reader.connections, series, cuts))
    assert found["value"].null_count() > 0
    assert found.equals(plain)


@pytest.mark.needs_database
def test_readings_of_one_series_among_many_come_by_the_index(database: TestDatabase) -> None:
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute("SELECT ensure_partitions(%s, %s)", [START, START + timedelta(days=1)])
        connection.execute(FILL.replace("n %% 7", "n %% 3000"), {"start": START})
        connection.execute("ANALYZE reading")
        assert packed.slices(connection, [5], BOUNDS, rows=2_000) == []


@pytest.mark.needs_database
def test_connections_for_readings_lock_nothing_and_go_on_after_an_error(database: TestDatabase) -> None:
    """A service keeps them for months, for all of its sites."""
    with psycopg.connect(database.url, autocommit=True) as connection, inputs.open_adbc(database.url) as reader:
        connection.execute("SELECT ensure_partitions(%s, %s)", [START, START + timedelta(days=1)])
        connection.execute(FILL, {"start": START})
        connection.execute("ANALYZE reading")
        rows = sum(map(len, inputs.readings(connection, reader, [1, 2, 3, 4], SPAN)))
        assert rows > 10_000
        held = (
            "SELECT state FROM pg_stat_activity JOIN pg_locks USING (pid) WHERE application_name = 'haidang-kpi-read'"
        )
        assert connection.execute(held).fetchall() == []
        for each in reader.connections:
            with each.cursor() as cursor, pytest.raises(adbc.Error, match="division by zero"):
                cursor.execute("SELECT 1 / 0")
        assert sum(map(len, inputs.readings(connection, reader, [1, 2, 3, 4], SPAN))) == rows


def _frame(batches: Iterable[pa.RecordBatch]) -> pl.DataFrame:
    frames = [pl.DataFrame(pl.from_arrow(batch)) for batch in batches]
    return pl.concat([frame.with_columns(pl.col("ts").cast(pl.Int64)) for frame in frames])
