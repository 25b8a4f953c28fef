"""Rows of the evidence log, its checkpoints and what waits to be entered; what a record means is not known here."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from typing import Any, NamedTuple

import psycopg
from psycopg.rows import class_row, dict_row

from store.pool import Connection
from store.queries import load

_SQL = load("evidence")
_PAGE = 2_000
_AT_ONCE = 500
Filed = tuple[
    int, bytes, str, str, str, str | None
]  # place, leaf hash, record; kind, object and site it is filed under


@dataclass(frozen=True)
class Entry:
    """A record to be appended; `site_id` is null for what belongs to the log itself."""

    site_id: int | None
    kind: str
    object: str
    leaf_hash: bytes
    record: str


@dataclass(frozen=True)
class StoredCheckpoint:
    """Root of the first records, with the signature lines below it and the keys that they are kept under."""

    tree_size: int
    origin: str
    root: bytes
    created_at: datetime
    lines: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()


@dataclass(frozen=True)
class DueDay:
    """A production day that may have something to enter."""

    site_id: int
    site: str
    day: date
    up_to: int


class FinalValue(NamedTuple):
    """A final KPI value as the query selects it: its window first, then what a record says of it."""

    scope: str
    grain: str
    window_start: datetime
    shift: str
    job: str
    product: str
    window_end: datetime
    computed_at: datetime
    cause: list[str]
    completeness: float | None
    config_digest: str
    coverage: float | None
    definition_version: int
    denominator: float | None
    factor_set: str | None
    flags: list[str]
    inputs_digest: str
    kpi: str
    numerator: float | None
    revision: int
    status: str
    value: float | None
    variant: str


def lock_log(connection: Connection) -> None:
    """Wait until nobody else writes to the log; held until the end of the transaction."""
    connection.execute(_SQL["lock_log"])


def size(connection: Connection) -> int:
    """Number of records."""
    row = connection.execute(_SQL["log_size"]).fetchone()
    return int(row[0]) if row else 0


def log_bytes(connection: Connection) -> tuple[int, int]:
    """Bytes of the texts of all records, and bytes that the log takes on disk with its indexes."""
    row = connection.execute(_SQL["log_bytes"]).fetchone()
    return (int(row[0]), int(row[1])) if row else (0, 0)


def append(connection: Connection, first: int, entries: Iterable[Entry]) -> int:
    """Append records from place `first` on, under the caller's lock and in its transaction.

    Entries are taken some at a time: while the server writes some, the next ones are made.

    Returns:
        The number of records.
    """
    seq = first
    waiting = iter(entries)
    with connection.pipeline(), connection.cursor(binary=True) as cursor:
        while some := list(islice(waiting, _AT_ONCE)):
            cursor.execute(_SQL["insert_records"], _columns(seq, some))
            seq += len(some)
    return seq - first


def _columns(first: int, entries: Sequence[Entry]) -> dict[str, list[Any]]:
    return {
        "seq": list(range(first, first + len(entries))),
        "site_id": [each.site_id for each in entries],
        "kind": [each.kind for each in entries],
        "object": [each.object for each in entries],
        "leaf_hash": [each.leaf_hash for each in entries],
        "record": [each.record for each in entries],
    }


def leaf_hashes(connection: Connection, first: int) -> list[bytes]:
    """Leaf hashes from a place on, in order."""
    rows = connection.execute(_SQL["leaf_hashes"], {"first": first}, binary=True)
    return [bytes(row[0]) for row in rows]


def entries(connection: Connection) -> Iterator[Filed]:
    """Everything in order, a page at a time."""
    seq = 0
    while True:
        rows = connection.execute(_SQL["entries_from"], {"seq": seq, "limit": _PAGE}, binary=True).fetchall()
        yield from rows
        if len(rows) < _PAGE:
            return
        seq = rows[-1][0] + 1


def records_of_log(connection: Connection, kind: str) -> list[tuple[int, str]]:
    """Place and text of the log's own records of a kind."""
    return connection.execute(_SQL["records_of_kind"], {"kind": kind}).fetchall()


def newest_records(connection: Connection, site_id: int, objects: Sequence[str]) -> dict[str, str]:
    """Text of the newest record of each object that has one."""
    parameters = {"site_id": site_id, "objects": list(objects)}
    return dict(connection.execute(_SQL["newest_records"], parameters).fetchall())


def last_checkpoint(connection: Connection) -> StoredCheckpoint | None:
    """The newest checkpoint, without its signatures."""
    with connection.cursor(row_factory=class_row(StoredCheckpoint)) as cursor:
        return cursor.execute(_SQL["last_checkpoint"]).fetchone()


def checkpoints(connection: Connection) -> list[StoredCheckpoint]:
    """All checkpoints with their signatures, oldest first."""
    rows = connection.execute(_SQL["checkpoints"]).fetchall()
    return [
        StoredCheckpoint(size, origin, root, at, tuple(lines), tuple(keys))
        for size, origin, root, at, lines, keys in rows
    ]


def newest_checkpoint(connection: Connection) -> StoredCheckpoint | None:
    """The newest checkpoint with its signatures."""
    row = connection.execute(_SQL["newest_checkpoint"]).fetchone()
    return StoredCheckpoint(row[0], row[1], row[2], row[3], tuple(row[4])) if row else None


def page_of_site(
    connection: Connection, site_id: int, kind: str | None, before: int | None, limit: int
) -> list[dict[str, Any]]:
    """Records of a site, newest first."""
    return _dicts(connection, "page_of_site", {"site_id": site_id, "kind": kind, "before": before, "limit": limit})


def record(connection: Connection, seq: int) -> dict[str, Any] | None:
    """One record that this connection may see, with the key of its site."""
    return next(iter(_dicts(connection, "record", {"seq": seq})), None)


def insert_checkpoint(connection: Connection, tree_size: int, origin: str, root: bytes) -> None:
    """Keep a checkpoint."""
    connection.execute(_SQL["insert_checkpoint"], {"tree_size": tree_size, "origin": origin, "root": root})


def insert_signature(connection: Connection, tree_size: int, key: str, line: str) -> None:
    """Keep a signature over a checkpoint; a second one of the same key changes nothing."""
    connection.execute(_SQL["insert_signature"], {"tree_size": tree_size, "key": key, "line": line})


def due_days(connection: Connection, limit: int) -> list[DueDay]:
    """Production days that may have something to enter, oldest first."""
    rows = connection.execute(_SQL["due_days"], {"limit": limit}).fetchall()
    return [DueDay(*row) for row in rows]


def delete_due(connection: Connection, due: DueDay) -> None:
    """Take a day from what waits, unless more was noted since it was read."""
    connection.execute(_SQL["delete_due"], {"site_id": due.site_id, "day": due.day, "up_to": due.up_to})


def final_values(connection: Connection, site_id: int, day: date) -> list[FinalValue]:
    """Final values whose windows begin on a production day, in no order."""
    with connection.cursor(binary=True, row_factory=lambda _: FinalValue._make) as cursor:
        return cursor.execute(_SQL["final_values"], {"site_id": site_id, "day": day}).fetchall()


def raw_digests(connection: Connection, site_id: int, day: date) -> list[dict[str, Any]]:
    """Digests of the raw rows of a production day, by series key."""
    return _dicts(connection, "raw_digests", {"site_id": site_id, "day": day})


def _dicts(connection: psycopg.Connection[Any], name: str, parameters: Mapping[str, Any]) -> list[dict[str, Any]]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_SQL[name], parameters).fetchall()
