"""What changed in the registry since a position: triggers write it down, each worker of ingest reads what is new to it.

A position is a snapshot of PostgreSQL, not a time or a number: a transaction that commits late is not passed over.
"""

from dataclasses import dataclass

from store.pool import Connection
from store.queries import load

_SQL = load("raw_registry")


@dataclass(frozen=True)
class Changes:
    """What changed, and the position after it."""

    position: str
    sites: bool = False
    places: bool = False
    series: frozenset[int] = frozenset()

    @property
    def any(self) -> bool:
        return self.sites or self.places or bool(self.series)


def position(connection: Connection) -> str:
    """Where a reader begins that reads everything after this."""
    row = connection.execute(_SQL["position"]).fetchone()
    return str(row[0]) if row else ""


def since(connection: Connection, start: str) -> Changes:
    """What was committed after a position; some of it may come again with the next call."""
    rows = connection.execute(_SQL["changes"], {"position": start}).fetchall()
    kinds = {row[1] for row in rows}
    series = frozenset(row[2] for row in rows if row[1] == "series")
    return Changes(rows[0][0], "site" in kinds, "place" in kinds, series)


def forget(connection: Connection) -> None:
    """Delete what is a day old: nobody reads on from before that."""
    connection.execute(_SQL["forget_changes"])
