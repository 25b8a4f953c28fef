"""What a KPI computation reads: raw rows, events and corrections of whole production days, as frames.

Readings come over ADBC on a connection of their own: used after the marks were locked, it sees all they stand for.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import psycopg
import pyarrow as pa

from model.instants import UNIX_EPOCH, instant
from store import packed
from store.pool import Connection, conninfo
from store.queries import load

_SQL = load("inputs")
_EVENTS = pl.Schema(
    {
        "asset": pl.String,
        "ts": pl.Int64,
        "kind": pl.String,
        "key": pl.String,
        "from_us": pl.Int64,
        "to_us": pl.Int64,
        "payload": pl.String,
    }
)
_RECORDS = pl.Schema(
    {
        **dict.fromkeys(("asset", "kind", "key"), pl.String()),
        "from_us": pl.Int64(),
        "to_us": pl.Int64(),
        "payload": pl.String(),
    }
)
_ANNOTATIONS = pl.Schema(
    {
        "annotation_id": pl.Int64,
        "asset": pl.String,
        "from_us": pl.Int64,
        "to_us": pl.Int64,
        "reason": pl.String,
        "product": pl.String,
        "created_us": pl.Int64,
    }
)
_SERIES = pl.Schema(
    {
        "series_id": pl.Int32(),
        **dict.fromkeys(("asset", "name", "quantity", "qualifier", "unit", "kind"), pl.String()),
        "expected_period_us": pl.Int64(),
        "max_gap_us": pl.Int64(),
        "counter_rule": pl.String(),
        "counter_modulus": pl.Float64(),
        "max_rate_per_s": pl.Float64(),
        "interval_us": pl.Int64(),
        "interval_label": pl.String(),
    }
)
# A carry-in row is looked for in the last week first: most series have one there, and older partitions stay unread.
_NEAR = timedelta(days=7)
_END = datetime(2200, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Range:
    """A half-open range in µs since 1970 UTC."""

    from_us: int
    to_us: int


@dataclass(frozen=True)
class Reader:
    """ADBC connections; a whole day comes over all of them, everything else over the first one."""

    connections: tuple[Any, ...]


@contextmanager
def open_adbc(url: str) -> Iterator[Reader]:
    """Open the connections over which readings come, each statement a transaction of its own: between two of them
    nothing is locked, and one that failed does not keep the next from being tried.
    """
    import adbc_driver_postgresql.dbapi as adbc  # noqa: PLC0415 - half a second that only who reads readings needs

    where = conninfo(url, "haidang-kpi-read")
    with adbc.connect(where) as one, one.adbc_clone() as other:  # the types of the database are read once
        for connection in (one, other):
            connection.adbc_connection.set_autocommit(True)
            with connection.cursor() as cursor:
                cursor.execute(_SQL["keep_order"])
                cursor.fetchall()
        yield Reader((one, other))


def series(connection: Connection, site_id: int) -> pl.DataFrame:
    """All series of a site in the columns of kpi.frames.SERIES."""
    return _frame(connection, "series", {"site_id": site_id}, _SERIES)


def readings(
    connection: Connection, readers: Reader, series_ids: Sequence[int], span: Range
) -> Iterator[pa.RecordBatch]:
    """Rows of the series in the range with one earlier and one later row each, in no order, batch by batch.

    Of a counter whose later row does not count, the first one that does comes too; of one with a highest rate, the last
    before that counts and the first two after.
    """
    if not series_ids:
        return
    ids, before, after, reader = list(series_ids), instant(span.from_us), instant(span.to_us), readers.connections[0]
    given = set[tuple[int, int]]()
    earlier = ((before - _NEAR, before), (UNIX_EPOCH, before - _NEAR))
    yield from _new(given, _nearest(connection, reader, "carry_in", ids, *earlier))
    if cuts := packed.slices(connection, ids, (before, after)):
        yield from packed.batches(connection, readers.connections, ids, cuts)
    else:
        yield from rows(connection, readers, ids, span)
    later = ((after, after + _NEAR), (after + _NEAR, _END))
    yield from _new(given, _nearest(connection, reader, "follow", ids, *later))
    yield from _new(given, _nearest(connection, reader, "follow_counted", ids, *later))
    yield from _new(
        given, _fetch(connection, reader, "around_steep", {"series": ids, "since": before, "before": after})
    )


def rows(connection: Connection, readers: Reader, series_ids: Sequence[int], span: Range) -> Iterator[pa.RecordBatch]:
    """Rows of the series in the range over one ADBC connection, in no order, batch by batch."""
    yield from _fetch(connection, readers.connections[0], "readings", {"series": list(series_ids), **_bounds(span)})


def reach_back(
    connection: Connection, site_id: int, ranges: Sequence[tuple[str, int, int]]
) -> list[tuple[str, int, int]]:
    """Say from when on new readings change what flowed: (asset, last reading before, start of the range), µs."""
    return _reach(connection, "reach_back", site_id, ranges)


def reach_on(
    connection: Connection, site_id: int, ranges: Sequence[tuple[str, int, int]], now: datetime
) -> list[tuple[str, int, int]]:
    """Say until when new readings hold: (asset, start of the range, next reading after it), µs."""
    return _reach(connection, "reach_on", site_id, ranges, now=now)


def _reach(
    connection: Connection, name: str, site_id: int, ranges: Sequence[tuple[str, int, int]], **more: Any
) -> list[tuple[str, int, int]]:
    if not ranges:
        return []
    assets, starts, ends = zip(*ranges, strict=True)
    parameters = {
        "site_id": site_id,
        "assets": list(assets),
        "from_ts": list(map(instant, starts)),
        "to_ts": list(map(instant, ends)),
        **more,
    }
    return [(row[0], row[1], row[2]) for row in connection.execute(_SQL[name], parameters).fetchall()]


def events(connection: Connection, site_id: int, span: Range) -> pl.DataFrame:
    """Events of the range and the last product and job change of each asset before it."""
    return _frame(connection, "events", {"site_id": site_id, **_bounds(span)}, _EVENTS)


def annotations(connection: Connection, site_id: int, span: Range) -> pl.DataFrame:
    """Corrections that touch the range and stand."""
    return _frame(connection, "annotations", {"site_id": site_id, **_bounds(span)}, _ANNOTATIONS)


def records(connection: Connection, site_id: int, span: Range) -> pl.DataFrame:
    """Standing business records that end in the range (after its start, at the latest at its end)."""
    return _frame(connection, "records", {"site_id": site_id, **_bounds(span)}, _RECORDS)


def symbols(connection: Connection) -> pl.DataFrame:
    """Texts of state series by id."""
    return _frame(connection, "symbols", {}, pl.Schema({"symbol_id": pl.Int64, "text": pl.String}))


def conflicts(connection: Connection, site_id: int, span: Range) -> list[tuple[str, int]]:
    """Where in the range (asset, µs UTC) another value was received than the one that is stored."""
    return connection.execute(_SQL["conflicts"], {"site_id": site_id, **_bounds(span)}).fetchall()


def row_count(connection: Connection, series_ids: Sequence[int], span: Range) -> int:
    """Number of readings of the series in the range."""
    row = connection.execute(_SQL["estimate"], {"series": list(series_ids), **_bounds(span)}).fetchone()
    return int(row[0]) if row else 0


def expected_rows(connection: Connection, series_ids: Sequence[int], span: Range) -> int:
    """Number of readings of the series in the range as the planner guesses it: at once, and for showing only."""
    statement = psycopg.ClientCursor(connection).mogrify(
        _SQL["readings"], {"series": list(series_ids), **_bounds(span)}
    )
    row = connection.execute(f"EXPLAIN (FORMAT JSON) {statement}".encode()).fetchone()
    return int(row[0][0]["Plan"]["Plan Rows"]) if row else 0


def _bounds(span: Range) -> dict[str, datetime]:
    return {"from_ts": instant(span.from_us), "to_ts": instant(span.to_us)}


def _frame(connection: Connection, name: str, parameters: dict[str, Any], schema: pl.Schema) -> pl.DataFrame:
    rows = connection.execute(_SQL[name], parameters or None).fetchall()
    return pl.DataFrame(rows, schema=schema, orient="row")


def _nearest(
    connection: Connection, reader: Any, name: str, ids: list[int], *ranges: tuple[datetime, datetime]
) -> Iterator[pa.RecordBatch]:
    """One row of each series, from the first of the ranges that has one."""
    missing = set(ids)
    for since, before in ranges:
        parameters = {"series": sorted(missing), "since": since, "before": before}
        for batch in _fetch(connection, reader, name, parameters):
            missing.difference_update(batch.column("series_id").to_pylist())
            yield batch


def _new(given: set[tuple[int, int]], batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Pass on the rows that were not given yet, and note them."""
    for batch in batches:
        yield batch.filter(pa.array([place not in given for place in _places(batch)], pa.bool_()))
        given.update(_places(batch))


def _places(batch: pa.RecordBatch) -> Iterator[tuple[int, int]]:
    """Series and instant of each row."""
    instants = batch.column("ts").cast(pa.int64()).to_pylist()
    return zip(batch.column("series_id").to_pylist(), instants, strict=True)


def _fetch(connection: Connection, reader: Any, name: str, parameters: dict[str, Any]) -> Iterator[pa.RecordBatch]:
    if not parameters["series"]:
        return
    statement = psycopg.ClientCursor(connection).mogrify(_SQL[name], parameters)
    with reader.cursor() as cursor:
        cursor.execute(statement)
        yield from cursor.fetch_record_batch()
