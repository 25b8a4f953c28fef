"""What stands behind one KPI value: registry, revisions, stops and digests of the raw rows, as plain rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from psycopg.rows import dict_row

from store.pool import Connection
from store.queries import load

_SQL = load("explain")
Row = dict[str, Any]


@dataclass(frozen=True)
class Stretch:
    """Production days and instants of a window, and the assets that contribute to it."""

    from_day: date
    to_day: date
    from_ts: datetime
    to_ts: datetime
    assets: Sequence[str]


def config(connection: Connection, site_id: int, digest: str) -> str | None:
    """Canonical JSON of the registry that a value was computed with."""
    row = connection.execute(_SQL["config"], {"digest": digest, "site_id": site_id}).fetchone()
    return None if row is None else str(row[0])


def revisions(connection: Connection, site_id: int, value: Row) -> list[Row]:
    """Every statement of the value that a row names, the oldest first."""
    return _rows(connection, "revisions", {**value, "site_id": site_id})


def longest(connection: Connection, site_id: int, stretch: Stretch, limit: int) -> list[Row]:
    """The longest stretches without production."""
    return _rows(connection, "longest", {"site_id": site_id, "limit": limit, **_parameters(stretch)})


@dataclass(frozen=True)
class Intervals:
    """The first pieces of what machines did, in order of asset and time, and how many there are."""

    rows: list[Row]
    total: int


def intervals(connection: Connection, site_id: int, stretch: Stretch, limit: int) -> Intervals:
    """Everything that machines did in the window."""
    rows = _rows(connection, "intervals", {"site_id": site_id, "limit": limit, **_parameters(stretch)})
    totals = [row.pop("total") for row in rows]
    return Intervals(rows, totals[0] if totals else 0)


@dataclass(frozen=True)
class Gaps:
    """The longest stretches of which nothing is known, and the seconds of all of them."""

    rows: list[Row]
    seconds: float


def gaps(connection: Connection, site_id: int, stretch: Stretch, limit: int) -> Gaps:
    """Stretches of unknown time."""
    rows = _rows(connection, "gaps", {"site_id": site_id, "limit": limit, **_parameters(stretch)})
    total = float(rows[0]["total_s"]) if rows else 0.0
    return Gaps([{name: row[name] for name in ("asset", "from_ts", "to_ts", "state")} for row in rows], total)


def raw_digests(connection: Connection, site_id: int, stretch: Stretch) -> list[Row]:
    """Rows and SHA-256 of the raw readings by series and day; no SHA-256 yet where the day is not closed."""
    return _rows(connection, "raw_digests", {"site_id": site_id, **_parameters(stretch)})


def _parameters(stretch: Stretch) -> Row:
    return {**vars(stretch), "assets": list(stretch.assets)}


def _rows(connection: Connection, name: str, parameters: Row) -> list[Row]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_SQL[name], parameters).fetchall()
