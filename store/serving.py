"""What the API reads: plain rows (dicts named as the columns) of the caller's sites, page by page.

Every function takes the caller's sites, beside the row-level security that `store.access.open_scope` turns on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from psycopg.rows import dict_row

from store.errors import translated
from store.pool import Connection
from store.queries import load

Row = dict[str, Any]


@dataclass(frozen=True)
class Window:
    """A half-open range, by production days or by instants; null = open."""

    from_day: date | None = None
    to_day: date | None = None
    from_ts: datetime | None = None
    to_ts: datetime | None = None


@dataclass(frozen=True)
class ValueFilter:
    """Which KPI values are wanted; null = any."""

    assets: Sequence[int]
    kpi: str
    grain: str
    window: Window = Window()
    variant: str | None = None
    shift: str | None = None
    product: str | None = None
    job: str | None = None
    as_of: datetime | None = None


@dataclass(frozen=True)
class ValueKey:
    """The place of a value in the order of reading; pages go on after it."""

    asset: int | None = None
    variant: str | None = None
    day: date | None = None
    ts: datetime | None = None
    shift: str | None = None
    product: str | None = None
    job: str | None = None


@dataclass(frozen=True)
class IntervalKey:
    """The place of an interval in the order of reading."""

    asset: int | None = None
    ts: datetime | None = None


@dataclass(frozen=True)
class LedgerKey:
    """The place of a ledger row in the order of reading."""

    hour: datetime | None = None
    site: int | None = None
    device: int | None = None


@dataclass(frozen=True)
class RejectedFilter:
    """Which rejected messages are wanted. `sees_unknown`: the caller may see those of no known site."""

    site_id: int | None = None
    reason: str | None = None
    sees_unknown: bool = False
    with_unknown: bool = False
    with_payload: bool = False


def sites(connection: Connection, caller_sites: list[int], site: str | None = None) -> list[Row]:
    """List the caller's sites, or the one of that key."""
    return _rows(connection, "sites", {"sites": caller_sites, "site": site})


def assets(connection: Connection, caller_sites: list[int], site_id: int) -> list[Row]:
    """List the assets of a site."""
    return _rows(connection, "assets", {"sites": caller_sites, "site_id": site_id})


def kpi_values(
    connection: Connection, caller_sites: list[int], wanted: ValueFilter, limit: int, after: ValueKey
) -> list[Row]:
    """Read one page of KPI values: the current ones, or those that stood at `as_of`."""
    parameters = {
        "sites": caller_sites,
        "assets": list(wanted.assets),
        "kpi": wanted.kpi,
        "grain": wanted.grain,
        "variant": wanted.variant,
        "shift": wanted.shift,
        "product": wanted.product,
        "job": wanted.job,
        "as_of": wanted.as_of,
        "limit": limit,
        **vars(wanted.window),
        **_after(after),
    }
    return _rows(connection, "values_as_of" if wanted.as_of else "values_current", parameters)


def day_values(
    connection: Connection, caller_sites: list[int], site_id: int, day: date, kpis: Sequence[str]
) -> list[Row]:
    """Read a production day's current values of some KPIs for all assets of a site."""
    wanted = {"sites": caller_sites, "site_id": site_id, "day": day, "kpis": list(kpis)}
    return _rows(connection, "day_values", wanted)


def known_days(
    connection: Connection, caller_sites: list[int], site_id: int, day: date
) -> tuple[date | None, date | None, date | None]:
    """First and newest production day with values, and the newest one not after `day`."""
    wanted = {"sites": caller_sites, "site_id": site_id, "day": day}
    with translated():
        row = connection.execute(load("serving")["newest_days"], wanted).fetchone()
    return (row[0], row[1], row[2]) if row else (None, None, None)


def intervals(
    connection: Connection,
    caller_sites: list[int],
    asset_ids: Sequence[int],
    window: Window,
    limit: int,
    after: IntervalKey,
) -> list[Row]:
    """Read one page of state intervals."""
    page = {"sites": caller_sites, "assets": list(asset_ids), "limit": limit, **vars(window), **_after(after)}
    return _rows(connection, "intervals", page)


def rejected(
    connection: Connection, caller_sites: list[int], wanted: RejectedFilter, limit: int, before_id: int | None
) -> list[Row]:
    """Read one page of rejected messages, newest first."""
    page = {"sites": caller_sites, "limit": limit, "before_id": before_id, **vars(wanted)}
    return _rows(connection, "rejected", page)


def rejected_payload(
    connection: Connection, caller_sites: list[int], message_id: int, *, sees_unknown: bool
) -> bytes | None:
    """The kept bytes of a rejected message (at most 64 KiB), null when the caller has no such message."""
    wanted = {"sites": caller_sites, "id": message_id, "sees_unknown": sees_unknown}
    with translated():
        row = connection.execute(load("serving")["rejected_payload"], wanted).fetchone()
    return bytes(row[0]) if row else None


def ledger(
    connection: Connection,
    caller_sites: list[int],
    site_id: int | None,
    window: Window,
    *,
    sees_unknown: bool,
    limit: int,
    after: LedgerKey,
) -> list[Row]:
    """Read one page of the ingest accounts per hour and device."""
    page = {"limit": limit, **_after(after)}
    return _rows(connection, "ledger", {**_ledger(caller_sites, site_id, window, sees_unknown), **page})


def ledger_total(
    connection: Connection, caller_sites: list[int], site_id: int | None, window: Window, *, sees_unknown: bool
) -> Row:
    """The ingest accounts of a range added up."""
    return _rows(connection, "ledger_total", _ledger(caller_sites, site_id, window, sees_unknown))[0]


def newest_states(connection: Connection, caller_sites: list[int], site_id: int) -> list[Row]:
    """The newest state reading of each unit, with the time since which it is unchanged."""
    return _rows(connection, "newest_states", {"sites": caller_sites, "site_id": site_id})


def newest_intervals(connection: Connection, caller_sites: list[int], site_id: int, from_day: date) -> list[Row]:
    """The last computed interval of each unit on or after a production day."""
    wanted = {"sites": caller_sites, "site_id": site_id, "from_day": from_day}
    return _rows(connection, "newest_intervals", wanted)


def state_rules(connection: Connection, caller_sites: list[int], site_id: int) -> list[Row]:
    """A site's own state names."""
    return _rows(connection, "state_rules", {"sites": caller_sites, "site_id": site_id})


def factor_sets(connection: Connection, caller_sites: list[int], site_id: int) -> dict[str, Row]:
    """Emission factor sets that a value of the site may name, by key."""
    found = _rows(connection, "factor_sets", {"sites": caller_sites, "site_id": site_id})
    return {row["key"]: row for row in found}


def every_site(connection: Connection) -> list[int]:
    """Numbers of all sites, for figures about the installation."""
    with translated():
        row = connection.execute(load("serving")["every_site_id"]).fetchone()
    return list(row[0]) if row else []


def freshness(connection: Connection) -> Row:
    """How old the last message, the last KPI run and the oldest waiting mark are, in seconds."""
    return _rows(connection, "freshness", {})[0]


def schema_revision(connection: Connection) -> str | None:
    """The schema revision of the database."""
    with translated():
        row = connection.execute(load("serving")["schema_revision"]).fetchone()
    return str(row[0]) if row else None


def _ledger(caller_sites: list[int], site_id: int | None, window: Window, sees_unknown: bool) -> Row:
    return {
        "sites": caller_sites,
        "site_id": site_id,
        "sees_unknown": sees_unknown,
        "from_ts": window.from_ts,
        "to_ts": window.to_ts,
    }


def _after(key: ValueKey | IntervalKey | LedgerKey) -> Row:
    return {f"after_{name}": value for name, value in vars(key).items()}


def _rows(connection: Connection, query: str, parameters: Row) -> list[Row]:
    with translated(), connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(load("serving")[query], parameters).fetchall()
