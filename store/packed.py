"""Readings of whole days in few long rows: the database packs the bytes, page range by page range, NumPy unpacks them.

A reading costs a third of what it does as a row of its own. In: series, a range, ADBC connections that take turns.
Out: record batches as of a plain query, in the order in which the rows lie. Only plain partitions have pages to go by.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import psycopg
import pyarrow as pa

from store.pool import Connection
from store.queries import load

SLICE_ROWS = 500_000
ROWS_PER_PAGE = 136  # of 8 KB, when nothing else is in it
_NULL = 0x7FF84E554C4C0000  # a NaN that nobody stores; the same as in the statement
_BEHIND = "(4294967295,0)"  # no page has this number
_PG_EPOCH_US = 946_684_800_000_000
_SQL = load("inputs")


@dataclass(frozen=True)
class Slice:
    """Some pages of one partition: from page to page, and the part of the range that lies in the partition."""

    from_ts: datetime
    to_ts: datetime
    first: str
    last: str


def slices(
    connection: Connection, series: Sequence[int], bounds: tuple[datetime, datetime], rows: int = SLICE_ROWS
) -> list[Slice]:
    """Cut the pages of a half-open range into slices of about so many rows, in the order in which they were written.

    There are none where readings are not in plain partitions, or only some of the pages are wanted.
    """
    wanted = {"series": list(series), "from_ts": bounds[0], "to_ts": bounds[1]}
    if not _scans_all(connection, wanted):
        return []
    step, found = max(1, rows // ROWS_PER_PAGE), []
    for from_ts, to_ts, pages in connection.execute(_SQL["pages"], wanted).fetchall():
        borders = [f"({page},0)" for page in range(0, max(pages, 1), step)]
        found += [Slice(from_ts, to_ts, *each) for each in zip(borders, [*borders[1:], _BEHIND], strict=True)]
    return found


def batches(
    connection: Connection, readers: Sequence[Any], series: Sequence[int], cuts: Iterable[Slice]
) -> Iterator[pa.RecordBatch]:
    """Fetch the slices, each on one of the connections, the next ones while the present one is being used."""
    client, ids = psycopg.ClientCursor(connection), list(series)
    statements = (client.mogrify(_SQL["readings_packed"], {"series": ids, **vars(each)}) for each in cuts)
    free = deque(readers)
    with ThreadPoolExecutor(len(readers), "readings") as threads:
        waiting: deque[tuple[Any, Future[pa.RecordBatch | None]]] = deque()
        for statement in statements:
            if not free:
                yield from _next(waiting, free)
            reader = free.popleft()
            waiting.append((reader, threads.submit(_fetched, reader, statement)))
        while waiting:
            yield from _next(waiting, free)


def unpacked(ids: Any, ts: Any, values: Any, qualities: Any) -> pa.RecordBatch:
    """Bring packed bytes to columns series_id, ts (µs since 1970), value, quality."""
    bits = np.frombuffer(values, ">u8").astype(np.uint64)
    columns = {
        "series_id": pa.array(np.frombuffer(ids, ">i4").astype(np.int32)),
        "ts": pa.array(np.frombuffer(ts, ">i8") + np.int64(_PG_EPOCH_US)),
        "value": _nullable(bits.view(np.float64), bits == _NULL),
        "quality": pa.array(np.frombuffer(qualities, ">i2").astype(np.int16)),
    }
    return pa.RecordBatch.from_pydict(columns)


def _nullable(values: npt.NDArray[np.float64], missing: npt.NDArray[np.bool_]) -> pa.Array:
    return pa.array(values, mask=missing) if missing.any() else pa.array(values)


def _next(waiting: deque[tuple[Any, Future[pa.RecordBatch | None]]], free: deque[Any]) -> Iterator[pa.RecordBatch]:
    reader, future = waiting.popleft()
    batch = future.result()
    free.append(reader)
    if batch is not None:
        yield batch


def _fetched(reader: Any, statement: str) -> pa.RecordBatch | None:
    with reader.cursor() as cursor:
        cursor.execute(statement)
        row = cursor.fetch_arrow_table().combine_chunks()
    parts = [column[0].as_buffer() for column in row.columns]
    return None if parts[0] is None else unpacked(*parts)


def _scans_all(connection: Connection, wanted: dict[str, Any]) -> bool:
    """Whether the planner would look at every page: readings of a few series are found faster by the index."""
    statement = psycopg.ClientCursor(connection).mogrify(_SQL["readings"], wanted)
    rows = connection.execute(f"EXPLAIN {statement}".encode()).fetchall()
    return not any("Index" in line or "Bitmap" in line for (line,) in rows)
