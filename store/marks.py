"""Dirty marks and the log of runs: what the KPI job has to do, and what it has done."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from psycopg.types.json import Jsonb

from model.instants import instant
from store.errors import StoreError
from store.inputs import Range
from store.pool import Connection
from store.queries import load

_SQL = load("derived")


@dataclass(frozen=True)
class Mark:
    """A range that must be computed again; asset '' stands for the whole site."""

    mark_id: int
    asset: str
    from_us: int
    to_us: int
    cause: str


@dataclass(frozen=True)
class Due:
    """A provisional window that may become final."""

    grain: str
    production_day: date
    job: str


@dataclass(frozen=True)
class Run:
    """One computation of a span of days."""

    site_id: int
    from_day: date
    to_day: date
    started_at: datetime
    readings: int
    values_new: int
    values_revised: int
    findings: list[dict[str, Any]]


def site_keys(connection: Connection) -> list[str]:
    """Keys of the local sites."""
    return [row[0] for row in connection.execute(_SQL["sites"]).fetchall()]


def try_lock_site(connection: Connection, site_id: int) -> bool:
    """Lock a site for this transaction, or tell that another computation is at it."""
    row = connection.execute(_SQL["try_lock_site"], {"site_id": site_id}).fetchone()
    return bool(row and row[0])


def marks(connection: Connection, site_id: int) -> list[Mark]:
    """All marks of a site, the oldest first."""
    return [Mark(*row) for row in connection.execute(_SQL["marks"], {"site_id": site_id}).fetchall()]


def lock_marks(connection: Connection, ids: list[int]) -> list[int]:
    """Lock marks for this transaction; those that are gone or locked elsewhere are left out."""
    return [row[0] for row in connection.execute(_SQL["lock_marks"], {"ids": ids}).fetchall()]


def delete_marks(connection: Connection, ids: list[int]) -> None:
    """Remove exactly these marks."""
    connection.execute(_SQL["delete_marks"], {"ids": ids})


def add_mark(connection: Connection, site_id: int, span: Range, cause: str) -> int:
    """Ask for the range to be computed again; gives the id of the mark."""
    parameters = {"site_id": site_id, "from_ts": instant(span.from_us), "to_ts": instant(span.to_us), "cause": cause}
    row = connection.execute(_SQL["insert_mark"], parameters).fetchone()
    if row is None:
        raise StoreError("a dirty mark could not be written")
    return int(row[0])


def due_windows(connection: Connection, site_id: int, now: datetime) -> list[Due]:
    """Provisional windows whose lateness allowance has passed."""
    rows = connection.execute(_SQL["due_windows"], {"site_id": site_id, "now": now}).fetchall()
    return [Due(*row) for row in rows]


def runs(connection: Connection, site_id: int) -> list[tuple[date, date]]:
    """Spans of production days that have been computed, both ends included."""
    return [(row[0], row[1]) for row in connection.execute(_SQL["runs"], {"site_id": site_id}).fetchall()]


def log_run(connection: Connection, run: Run) -> None:
    """Write the run log."""
    fields = {name: getattr(run, name) for name in run.__dataclass_fields__ if name != "findings"}
    connection.execute(_SQL["insert_run"], {**fields, "finding": Jsonb(run.findings)})


def findings(
    connection: Connection, site_id: int, from_day: date | None = None, to_day: date | None = None
) -> list[tuple[date, date, list[dict[str, Any]]]]:
    """What the newest computation of each day noticed: its first and last day, both included, and its findings."""
    parameters = {"site_id": site_id, "from_day": from_day, "to_day": to_day}
    return connection.execute(_SQL["findings"], parameters).fetchall()
