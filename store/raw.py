"""Raw data as ingest writes it: binary COPY of readings, events, conflicts, refused messages, ledger and dirty marks.

Every function works in the caller's transaction and raises the driver's own errors: the writer of ingest tells by their
SQLSTATE whether a batch is poison, a repeat, or the database is away.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import numpy as np
import numpy.typing as npt
import psycopg

from model.instants import instant
from store.pool import Connection
from store.queries import load

_SQL = load("raw")
_DAY_US = 86_400_000_000
_FORGOTTEN_AT_ONCE = 10_000  # refused messages in a transaction
POSTGRES_EPOCH_US = 946_684_800_000_000  # 2000-01-01 in µs since 1970

# PostgreSQL's binary COPY: a header, rows of length-prefixed fields, a trailer; all big-endian.
_HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_TRAILER = b"\xff\xff"
_START: list[tuple[str, str]] = [
    ("fields", ">i2"),
    ("ts_length", ">i4"),
    ("ts", ">i8"),
    ("series_length", ">i4"),
    ("series_id", ">i4"),
]
_VALUE: list[tuple[str, str]] = [("value_length", ">i4"), ("value", ">f8")]
_NULL: list[tuple[str, str]] = [("value_length", ">i4")]
_QUALITY: list[tuple[str, str]] = [("quality_length", ">i4"), ("quality", ">i2")]
_ORD: list[tuple[str, str]] = [("ord_length", ">i4"), ("ord", ">i4")]


@dataclass(frozen=True)
class Rows:
    """Readings as columns: µs since 1970 UTC, series, value (NaN = null), quality."""

    ts_us: npt.NDArray[np.int64]
    series_id: npt.NDArray[np.int32]
    value: npt.NDArray[np.float64]
    quality: npt.NDArray[np.int16]

    def __len__(self) -> int:
        return len(self.ts_us)


@dataclass(frozen=True)
class EventRow:
    """An event as it is stored; times in µs since 1970 UTC, payload as JSON text."""

    site_id: int
    asset_id: int
    ts_us: int
    kind: str
    key: str
    from_us: int | None
    to_us: int | None
    payload: str


@dataclass(frozen=True)
class Existing:
    """Places of a batch that were stored before, and those of them that hold another value."""

    places: npt.NDArray[np.int64]
    conflicts: dict[int, Any]


def copy_bytes(rows: Rows, *, with_places: bool = False) -> bytes:
    """Rows in PostgreSQL's binary COPY format, those with a value first."""
    null = np.isnan(rows.value)
    places = np.arange(len(rows))
    if not null.any():
        return b"".join((_HEADER, _block(rows, places, with_places=with_places, null=False), _TRAILER))
    parts = (
        _block(rows, places[~null], with_places=with_places, null=False),
        _block(rows, places[null], with_places=with_places, null=True),
    )
    return b"".join((_HEADER, *parts, _TRAILER))


def _block(rows: Rows, places: npt.NDArray[np.int64], *, with_places: bool, null: bool) -> bytes:
    dtype = np.dtype(_START + (_NULL if null else _VALUE) + _QUALITY + (_ORD if with_places else []))
    block = np.empty(len(places), dtype)
    block["fields"] = 5 if with_places else 4
    block["ts_length"], block["series_length"], block["quality_length"] = 8, 4, 2
    block["ts"] = rows.ts_us[places] - POSTGRES_EPOCH_US
    block["series_id"] = rows.series_id[places]
    block["quality"] = rows.quality[places]
    block["value_length"] = -1 if null else 8
    if not null:
        block["value"] = rows.value[places]
    if with_places:
        block["ord_length"], block["ord"] = 4, places
    return block.tobytes()


def copy_readings(connection: Connection, rows: Rows) -> None:
    """Append readings by COPY.

    Raises:
        psycopg.errors.UniqueViolation: one of them is stored already.
    """
    with connection.cursor().copy(_SQL["copy_reading"]) as copy:
        copy.write(copy_bytes(rows))


def merge_readings(connection: Connection, rows: Rows) -> Existing:
    """Append the readings that are new, through a staging table; tell which were there and differ."""
    connection.execute(_SQL["make_staging"])
    with connection.cursor().copy(_SQL["copy_staging"]) as copy:
        copy.write(copy_bytes(rows, with_places=True))
    connection.execute(_SQL["join_many"], {"nested_loops": "off"})
    found = connection.execute(_SQL["merge_staging"]).fetchall()
    connection.execute(_SQL["join_many"], {"nested_loops": "on"})
    places = np.fromiter((row[0] for row in found), np.int64, len(found))
    if not len(places):
        return Existing(places, {})
    bounds = {"from_ts": instant(int(rows.ts_us.min())), "to_ts": instant(int(rows.ts_us.max()) + 1)}
    conflicts = connection.execute(_SQL["staging_conflicts"], bounds).fetchall()
    return Existing(places, {place: {"value": value, "quality": quality} for place, value, quality in conflicts})


def insert_events(connection: Connection, events: Sequence[EventRow]) -> Existing:
    """Store the events that are new; tell which were there and differ. No key may come twice in `events`."""
    found = connection.execute(
        _SQL["insert_events"],
        {
            "ord": list(range(len(events))),
            "site_id": [e.site_id for e in events],
            "asset_id": [e.asset_id for e in events],
            "ts": [instant(e.ts_us) for e in events],
            "kind": [e.kind for e in events],
            "key": [e.key for e in events],
            "from_ts": [_instant(e.from_us) for e in events],
            "to_ts": [_instant(e.to_us) for e in events],
            "payload": [e.payload for e in events],
        },
    ).fetchall()
    conflicts = {}
    for (place,) in found:
        stored = connection.execute(_SQL["event_conflict"], _event_parameters(events[place])).fetchone()
        if stored:
            conflicts[place] = stored[0]
    return Existing(np.array([row[0] for row in found], np.int64), conflicts)


def _event_parameters(event: EventRow) -> dict[str, Any]:
    return {
        "asset_id": event.asset_id,
        "kind": event.kind,
        "key": event.key,
        "ts": instant(event.ts_us),
        "from_ts": _instant(event.from_us),
        "to_ts": _instant(event.to_us),
        "payload": event.payload,
    }


def _instant(us: int | None) -> datetime | None:
    return None if us is None else instant(us)


def insert_conflicts(connection: Connection, conflicts: Iterable[dict[str, Any]]) -> list[bool]:
    """Keep values that differ from what is stored under their key, each once; tells which of them are new."""
    rows = [{**c, "stored": json.dumps(c["stored"]), "received": json.dumps(c["received"])} for c in conflicts]
    if not rows:
        return []
    cursor = connection.cursor()
    cursor.executemany(_SQL["insert_conflicts"], rows, returning=True)
    new = [cursor.fetchone() is not None]
    while cursor.nextset():
        new.append(cursor.fetchone() is not None)
    return new


def reject(connection: Connection, messages: Sequence[dict[str, Any]]) -> dict[bytes, bool]:
    """Keep refused messages, each content once; tells by digest which of them are new."""
    if not messages:
        return {}
    ordered = sorted(messages, key=lambda message: bytes(message["digest"]))
    cursor = connection.cursor()
    cursor.executemany(_SQL["reject"], ordered, returning=True)
    found: dict[bytes, bool] = {bytes(digest): is_new for digest, is_new in cursor.fetchall()}
    while cursor.nextset():
        found.update((bytes(digest), is_new) for digest, is_new in cursor.fetchall())
    return found


@dataclass(frozen=True)
class Mark:
    """Names a batch: who writes it, its running number."""

    writer: UUID
    number: int


def insert_accounts(
    connection: Connection, mark: Mark, rows: Sequence[dict[str, Any]], runs: Sequence[dict[str, Any]]
) -> str:
    """Append the accounts and sequence numbers of a batch, leave its mark; returns the number of the transaction."""
    parameters = {
        "rows": msgspec.json.encode(rows).decode(),
        "runs": msgspec.json.encode(runs).decode(),
        "writer": mark.writer,
        "number": mark.number,
    }
    row = connection.execute(_SQL["insert_accounts"], parameters).fetchone()
    return str(row[0]) if row else ""


def is_stored(connection: Connection, mark: Mark, transaction: str) -> bool:
    """Tell whether a batch was committed by a connection that was lost, after ending what may be left of it.

    Raises:
        psycopg.OperationalError: the lost connection is still at work; ask again.
    """
    ended = connection.execute(_SQL["end_transaction"], {"transaction": transaction}).fetchall()
    if not all(row[0] for row in ended):
        raise psycopg.OperationalError("the connection that was lost is still at work in the server")
    row = connection.execute(_SQL["batch_mark"], {"writer": mark.writer}).fetchone()
    return row is not None and row[0] == mark.number


def insert_dirty_marks(connection: Connection, marks: list[tuple[int, int, int]]) -> None:
    """Append marks (site id, from, to in µs) for the KPI job."""
    if marks:
        sites, starts, ends = zip(*marks, strict=True)
        parameters = {
            "site_id": list(sites),
            "from_ts": [instant(us) for us in starts],
            "to_ts": [instant(us) for us in ends],
        }
        connection.execute(_SQL["insert_dirty_marks"], parameters)


def touch_devices(connection: Connection, seen: dict[int, int]) -> None:
    """Note when devices (id -> µs) were last heard."""
    if seen:
        devices = sorted(seen)
        parameters = {"device_id": devices, "seen": [instant(seen[device]) for device in devices]}
        connection.execute(_SQL["touch_devices"], parameters)


def note_status(connection: Connection, site_id: int, device_id: int, at_us: int, *, online: bool) -> None:
    """Open or close the session of a device."""
    parameters = {"site_id": site_id, "device_id": device_id, "at": instant(at_us)}
    connection.execute(_SQL["open_session" if online else "close_session"], parameters)


def ensure_days(connection: Connection, days: Iterable[int]) -> None:
    """Make partitions for UTC days, given as days since 1970; neighbours in one call."""
    ordered = sorted(days)
    for start, end in _runs(ordered):
        parameters = {"from_ts": instant(start * _DAY_US), "to_ts": instant(end * _DAY_US)}
        connection.execute(_SQL["ensure_partitions"], parameters)


def watch_client(connection: Connection, timeout_s: float) -> None:
    """Have the server end our transaction when it does not hear from us for so long."""
    connection.execute(_SQL["watch_client"], {"timeout": f"{round(timeout_s * 1000)}ms"})


def wait_briefly(connection: Connection, timeout_s: float) -> None:
    """Give up waiting for a lock after so long, for the rest of the transaction."""
    connection.execute(_SQL["wait_briefly"], {"timeout": f"{round(timeout_s * 1000)}ms"})


def _runs(days: list[int]) -> Iterable[tuple[int, int]]:
    """Half-open runs of neighbouring days."""
    start = 0
    for place in range(1, len(days) + 1):
        if place == len(days) or days[place] != days[place - 1] + 1:
            yield days[start], days[place - 1] + 1
            start = place


def forget_rejected(connection: Connection, before: datetime, unknown_bytes: int) -> int:
    """Forget refused messages that nobody needs any more, a part in each transaction; returns how many."""
    parameters = {"before": before, "unknown_bytes": unknown_bytes, "most": _FORGOTTEN_AT_ONCE}
    count = 0
    while True:
        row = connection.execute(_SQL["forget_rejected"], parameters).fetchone()
        connection.commit()
        count += (gone := int(row[0]) if row else 0)
        if gone < _FORGOTTEN_AT_ONCE:
            return count


def fold_ledger(connection: Connection) -> int:
    """Fold what was appended to the ledger, forget writers that ended; returns the number of rows folded."""
    row = connection.execute(_SQL["fold_ledger"]).fetchone()
    connection.execute(_SQL["forget_writers"])
    return int(row[0]) if row else 0
