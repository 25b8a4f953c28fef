"""What the API reads: plain rows (dicts named as the columns) of the caller's sites, page by page.

Every function takes a `Scope` and names its sites in the statement, beside the row-level security that
`store.access.open_scope` turns on for the transaction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from psycopg.rows import dict_row

from store.errors import translated
from store.pool import Connection
from store.queries import load

Row = dict[str, Any]

STATE_LOOK_BACK = timedelta(days=2)  # how far before it the beginning of a state is looked for


@dataclass(frozen=True)
class Scope:
    """A connection and the sites that may be read on it; `sees_unknown`: also what belongs to no known site."""

    connection: Connection
    sites: list[int]
    sees_unknown: bool = False


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

    assets: list[int]
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
class IntervalFilter:
    """Which intervals are wanted: of these assets, overlapping the range, of these time classes (none = all)."""

    assets: Sequence[int]
    window: Window = Window()
    classes: Sequence[str] = ()


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
class LedgerFilter:
    """Which accounts are wanted; null = any."""

    site_id: int | None = None
    window: Window = Window()
    device: str | None = None

    @property
    def parameters(self) -> Row:
        return {"site_id": self.site_id, "device": self.device, **vars(self.window)}


@dataclass(frozen=True)
class RejectedFilter:
    """Which rejected messages are wanted; null = any, `topic` is a beginning, times are those of the last receipt.

    `with_unknown`: those of no known site beside the named one's.
    """

    site_id: int | None = None
    reason: str | None = None
    topic: str | None = None
    from_ts: datetime | None = None
    to_ts: datetime | None = None
    status: str | None = None
    with_unknown: bool = False
    with_payload: bool = False


def sites(scope: Scope) -> list[Row]:
    """List the caller's sites, each with its newest day."""
    return _rows(scope, "sites")


def find_site(scope: Scope, key: str) -> Row | None:
    """The caller's site of that key."""
    return next(iter(_rows(scope, "site", site=key)), None)


def asset_keys(scope: Scope, site_id: int, keys: Sequence[str] | None = None) -> dict[int, str]:
    """Keys of assets of a site by their numbers: those of the given keys that there are, or all."""
    found = _rows(scope, "asset_keys", site_id=site_id, keys=None if keys is None else list(keys))
    return {row["asset_id"]: row["key"] for row in found}


def assets(scope: Scope, site_id: int) -> list[Row]:
    """List the assets of a site."""
    return _rows(scope, "assets", site_id=site_id)


def kpi_values(scope: Scope, wanted: ValueFilter, limit: int | None, after: ValueKey) -> list[Row]:
    """Read one page of KPI values (null limit = all): the current ones, or those that stood at `as_of`."""
    query, parameters = value_query(wanted, limit, after)
    keys = {row["asset_id"]: row["key"] for row in _rows(scope, "keys_of_assets", assets=wanted.assets)}
    return [
        {
            "asset_id": row["asset_id"],
            "asset": keys[row["asset_id"]],
            "kpi": wanted.kpi,
            "variant": row["variant"],
            "grain": wanted.grain,
            **row,
            "flags": row["flags"] or [],
            "cause": row["cause"] or [],
        }
        for row in _rows(scope, query, **parameters)
    ]


def value_query(wanted: ValueFilter, limit: int | None, after: ValueKey) -> tuple[str, Row]:
    """Name and parameters of the statement that reads such values."""
    parameters = {**vars(wanted), **vars(wanted.window), **_after(after), "limit": limit}
    del parameters["window"]
    return "values_as_of" if wanted.as_of else "values_current", parameters


def day_values(scope: Scope, site_id: int, day: date, kpis: Sequence[str]) -> list[Row]:
    """Read a production day's current values of some KPIs for all assets of a site."""
    return _rows(scope, "day_values", site_id=site_id, day=day, kpis=list(kpis))


def known_days(scope: Scope, site_id: int, day: date) -> Row:
    """Production days of a site that have values: `first_day`, `newest_day`, `newest_not_after` the given day."""
    return _rows(scope, "known_days", site_id=site_id, day=day)[0]


def intervals(scope: Scope, wanted: IntervalFilter, limit: int, after: IntervalKey) -> list[Row]:
    """Read one page of state intervals, each with the correction in force, if any."""
    parameters = {"assets": list(wanted.assets), "classes": list(wanted.classes) or None, **vars(wanted.window)}
    return _rows(scope, "intervals", **parameters, limit=limit, **_after(after))


def rejected(scope: Scope, wanted: RejectedFilter, limit: int, before_id: int | None) -> list[Row]:
    """Read one page of rejected messages, newest first."""
    return _rows(scope, "rejected", limit=limit, before_id=before_id, **vars(wanted))


def rejected_payload(scope: Scope, message_id: int) -> bytes | None:
    """The kept bytes of a rejected message, null when the caller has no such message."""
    found = _rows(scope, "rejected_payload", id=message_id)
    return bytes(found[0]["payload"]) if found else None


def ledger(scope: Scope, wanted: LedgerFilter, limit: int | None, after: LedgerKey) -> list[Row]:
    """Read one page of the ingest accounts per hour and device, with their histograms (null limit = all)."""
    return _rows(scope, "ledger", **wanted.parameters, limit=limit, **_after(after))


def ledger_total(scope: Scope, wanted: LedgerFilter) -> Row:
    """The ingest accounts of a range added up."""
    return _rows(scope, "ledger_total", **wanted.parameters)[0]


def ledger_histograms(scope: Scope, wanted: LedgerFilter) -> Row:
    """The histograms of a range added up: `latency_ms`, `skew_ms`."""
    return _rows(scope, "ledger_histograms", **wanted.parameters)[0]


def conflicts(scope: Scope, site_id: int | None, window: Window, limit: int, before_id: int | None) -> list[Row]:
    """Read one page of what differs from what is stored under its key, newest first; times are those of receipt."""
    return _rows(scope, "conflicts", site_id=site_id, **vars(window), limit=limit, before_id=before_id)


def reasons(scope: Scope, site_id: int) -> list[Row]:
    """Reasons of a site that stand now, with what they make of a stop."""
    return _rows(scope, "reasons", site_id=site_id)


def newest_states(scope: Scope, site_id: int, since: datetime, until: datetime) -> list[Row]:
    """The newest state reading of each unit in [since, until), with the time since which it is unchanged."""
    bounds = {"since": since, "until": until, "look_back": since - STATE_LOOK_BACK}
    # Not prepared: a plan for these very instants leaves out all other partitions, one for any instants holds them all.
    return _rows(scope, "newest_states", prepare=False, site_id=site_id, **bounds)


def newest_intervals(scope: Scope, site_id: int, from_day: date) -> list[Row]:
    """The last computed interval of each unit on or after a production day."""
    return _rows(scope, "newest_intervals", site_id=site_id, from_day=from_day)


def state_rules(scope: Scope, site_id: int) -> list[Row]:
    """A site's own state names."""
    return _rows(scope, "state_rules", site_id=site_id)


def factor_sets(scope: Scope, site_id: int) -> dict[str, Row]:
    """Emission factor sets that a value of the site may name, by key."""
    return {row["key"]: row for row in _rows(scope, "factor_sets", site_id=site_id)}


def every_site(connection: Connection) -> list[int]:
    """Numbers of all sites, for figures about the installation."""
    return [row["site_id"] for row in _rows(Scope(connection, []), "every_site_id")]


def freshness(scope: Scope) -> Row:
    """How old the last message, the last KPI run and the oldest waiting mark are, in seconds."""
    return _rows(scope, "freshness")[0]


def schema_revision(connection: Connection) -> str | None:
    """The schema revision of the database."""
    found = _rows(Scope(connection, []), "schema_revision")
    return str(found[0]["version_num"]) if found else None


def _after(key: ValueKey | IntervalKey | LedgerKey) -> Row:
    return {f"after_{name}": value for name, value in vars(key).items()}


def _rows(scope: Scope, query: str, *, prepare: bool | None = None, **parameters: Any) -> list[Row]:
    given = {"sites": scope.sites, "sees_unknown": scope.sees_unknown, **parameters}
    with translated(), scope.connection.cursor(row_factory=dict_row, binary=True) as cursor:
        return cursor.execute(load("serving")[query], given, prepare=prepare).fetchall()
