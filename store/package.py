"""What an evidence package takes from the database: final values, registries, records with their places."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from store.copying import copy_out
from store.pool import Connection
from store.queries import load

_SQL = load("package")


@dataclass(frozen=True)
class Period:
    """Production days of a site, both included, and the instant at which the first one begins."""

    site_id: int
    first: date
    last: date
    begins: datetime


def values(connection: Connection, period: Period, schema: pl.Schema) -> pl.DataFrame:
    """Final values of the period, in the columns of the schema; times in µs."""
    lists = [name for name, dtype in schema.items() if isinstance(dtype, pl.List)]
    read = {name: pl.String() if name in lists else dtype for name, dtype in schema.items()}
    rows = copy_out(connection, _SQL["values"], _parameters(period), read)
    words = [pl.col(name).fill_null("").str.split(" ").list.filter(pl.element() != "") for name in lists]
    return rows.with_columns(words).select(schema.names())


def open_days(connection: Connection, period: Period) -> list[date]:
    """Days of which values are not final yet."""
    return [row[0] for row in connection.execute(_SQL["open_days"], _parameters(period))]


def waiting(connection: Connection, site_id: int, from_ts: datetime, to_ts: datetime) -> tuple[str, datetime] | None:
    """Cause and time of the first change of inputs in a range that the KPI job has not taken up yet."""
    parameters = {"site_id": site_id, "from_ts": from_ts, "to_ts": to_ts}
    return connection.execute(_SQL["waiting"], parameters).fetchone()


def configs(connection: Connection, digests: Iterable[str]) -> dict[str, str]:
    """Registries, canonical JSON, by digest."""
    return dict(connection.execute(_SQL["configs"], {"digests": sorted(digests)}).fetchall())


def logged(connection: Connection, site_id: int, objects: Iterable[str]) -> list[tuple[int, str]]:
    """Place and text of the newest record of each object that has one, in order of places."""
    parameters = {"site_id": site_id, "objects": sorted(objects)}
    return sorted((row[0], row[1]) for row in connection.execute(_SQL["logged"], parameters))


def _parameters(period: Period) -> dict[str, object]:
    return {
        "site_id": period.site_id,
        "first": period.first,
        "last": period.last,
        "from_ts": period.begins,
    }
