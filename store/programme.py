"""What a programme keeps: trusted keys of its sites, imported assessments; and the current assessment of each site."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from store.access import record_audit
from store.errors import InvalidConfigurationError
from store.pool import Connection
from store.queries import load

_SQL = load("programme")
_SITE_KEY = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


@dataclass(frozen=True)
class PinnedKey:
    """A key that counts for a site."""

    site: str
    site_id: int
    key: str


@dataclass(frozen=True)
class NewestImport:
    """The newest import of a site, framework and period; `made_at` is that of the newest of the kind asked for."""

    assessment_id: int
    number: int
    made_at: datetime | None


@dataclass(frozen=True)
class CurrentAssessment:
    """A site's current assessment."""

    assessment_id: int
    site: str
    name: str
    origin: str
    result: dict[str, Any]


def pin(connection: Connection, site: str, name: str, key: str) -> None:
    """Trust a key for a site; one that is not known yet is made, without readings.

    Raises:
        InvalidConfigurationError: the site is measured in this database, or its key is none.
    """
    with connection.transaction():
        row = connection.execute(_SQL["site"], {"key": site}).fetchone()
        if row and row[1] != "imported":
            raise InvalidConfigurationError(f"Site {site!r} is measured in this database; nothing is imported for it.")
        if row is None:
            if not _SITE_KEY.fullmatch(site):
                raise InvalidConfigurationError(
                    f"{site!r} is no site key: it has small letters, digits, - and _, as the site itself calls it."
                )
            row = connection.execute(_SQL["insert_site"], {"key": site, "name": name}).fetchone()
        connection.execute(_SQL["pin"], {"site_id": row[0] if row else 0, "key": key})
        record_audit(connection, None, "programme.trust", site, {"key": key})


def end_key(connection: Connection, site: str, key: str) -> None:
    """Trust a key no longer; what was taken in by it stays.

    Raises:
        InvalidConfigurationError: it is not trusted for the site.
    """
    with connection.transaction():
        if connection.execute(_SQL["end_key"], {"site": site, "key": key}).fetchone() is None:
            raise InvalidConfigurationError(f"This key is not trusted for site {site!r}.")
        record_audit(connection, None, "programme.distrust", site, {"key": key})


def pinned(connection: Connection) -> list[PinnedKey]:
    """Every key that is trusted now, by site."""
    with connection.cursor(row_factory=class_row(PinnedKey)) as cursor:
        return cursor.execute(_SQL["pinned"]).fetchall()


def lock_site(connection: Connection, site_id: int) -> None:
    """Let one import of a site go on at a time, until the end of the transaction."""
    connection.execute(_SQL["lock_site"], {"site_id": site_id})


def imported_file(connection: Connection, sha256: bytes) -> int | None:
    """The assessment that was read from this file."""
    row = connection.execute(_SQL["imported_file"], {"sha256": sha256}).fetchone()
    return int(row[0]) if row else None


def newest_import(
    connection: Connection, site_id: int, framework: str, period: tuple[date, date], kind: str
) -> NewestImport | None:
    """The newest import of a site, framework and period."""
    of = {"site_id": site_id, "framework": framework, "first": period[0], "last": period[1]}
    parameters = {**of, "kind": kind}
    with connection.cursor(row_factory=class_row(NewestImport)) as cursor:
        return cursor.execute(_SQL["newest_import"], parameters).fetchone()


def insert(connection: Connection, row: Mapping[str, Any]) -> int:
    """Keep an imported assessment and where it came from; its id."""
    parameters = {**row, "result": Jsonb(row["result"])}
    found = connection.execute(_SQL["insert_assessment"], parameters).fetchone()
    assert found is not None  # noqa: S101 - INSERT ... RETURNING
    connection.execute(_SQL["insert_import"], {**row, "assessment_id": found[0]})
    return int(found[0])


def current(connection: Connection, framework: str, sites: Sequence[int] | None = None) -> list[CurrentAssessment]:
    """The current assessment of each site (null = of all that the connection sees)."""
    parameters = {"framework": framework, "sites": None if sites is None else list(sites)}
    with connection.cursor(row_factory=class_row(CurrentAssessment)) as cursor:
        return cursor.execute(_SQL["current"], parameters).fetchall()
