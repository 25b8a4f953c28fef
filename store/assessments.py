"""Assessments as rows: opened, invited to, decided on, finalised; what they mean is not known here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from psycopg.rows import class_row, dict_row
from psycopg.types.json import Jsonb

from store.pool import Connection
from store.queries import load

_SQL = load("assessments")
Row = dict[str, Any]


@dataclass(frozen=True)
class StoredAssessment:
    """An assessment; `number` counts those of its site, framework and period."""

    assessment_id: int
    site_id: int
    site: str
    framework: str
    framework_version: int
    catalogue_digest: str
    first_day: date
    last_day: date
    number: int
    result: dict[str, Any]
    origin: str
    supersedes: int | None
    superseded_by: int | None
    created_at: datetime
    finalized_at: datetime | None


@dataclass(frozen=True)
class StoredDecision:
    """A decision of an assessor on a criterion; `attachment` is the SHA-256 of the file, hexadecimal."""

    criterion: str
    decision: str
    comment: str
    attachment: str | None
    account: str
    at: datetime


@dataclass(frozen=True)
class Candidate:
    """An account that may become an assessor of a site."""

    account_id: int
    roles: list[str]
    is_granted: bool


def keep_framework(connection: Connection, digest: str, key: str, version: int, content: Mapping[str, Any]) -> None:
    """Keep a catalogue whole, once per content."""
    parameters = {"digest": digest, "key": key, "version": version, "content": Jsonb(content)}
    connection.execute(_SQL["insert_framework"], parameters)


def framework(connection: Connection, digest: str) -> dict[str, Any]:
    """The catalogue that an assessment was made with."""
    row = connection.execute(_SQL["framework"], {"digest": digest}).fetchone()
    return dict(row[0]) if row else {}


def newest_of_period(
    connection: Connection, site_id: int, framework_key: str, period: tuple[date, date]
) -> tuple[int, int] | None:
    """Id and number of the newest assessment of a site, framework and period."""
    parameters = {"site_id": site_id, "framework": framework_key, "first": period[0], "last": period[1]}
    row = connection.execute(_SQL["newest_of_period"], parameters).fetchone()
    return (int(row[0]), int(row[1])) if row else None


def insert(connection: Connection, row: Mapping[str, Any]) -> tuple[int, datetime]:
    """Keep an open assessment; its id and when it was made."""
    parameters = {**row, "result": Jsonb(row["result"])}
    found = connection.execute(_SQL["insert_assessment"], parameters).fetchone()
    assert found is not None  # noqa: S101 - INSERT ... RETURNING
    return int(found[0]), found[1]


def find(connection: Connection, assessment_id: int, *, lock: bool = False) -> StoredAssessment | None:
    """One assessment that this connection may see; locked, nobody else changes it in the meantime."""
    if lock:
        connection.execute(_SQL["lock"], {"assessment_id": assessment_id})
    with connection.cursor(row_factory=class_row(StoredAssessment)) as cursor:
        return cursor.execute(_SQL["assessment"], {"assessment_id": assessment_id}).fetchone()


def page(
    connection: Connection, sites: Sequence[int] | None, framework_key: str | None, before: int | None, limit: int
) -> list[Row]:
    """Assessments of sites (null = of all) without their results, newest first."""
    parameters = {
        "sites": None if sites is None else list(sites),
        "framework": framework_key,
        "before": before,
        "limit": limit,
    }
    return _dicts(connection, "list", parameters)


def invited(connection: Connection, assessment_id: int) -> list[Row]:
    """Accounts that are invited: account_id, account, invited_at."""
    return _dicts(connection, "invited", {"assessment_id": assessment_id})


def is_invited(connection: Connection, site_id: int, account_id: int) -> bool:
    """Whether an account is invited to an assessment of a site that is not final."""
    row = connection.execute(_SQL["is_invited"], {"site_id": site_id, "account_id": account_id}).fetchone()
    return bool(row and row[0])


def candidate(connection: Connection, account: str, site_id: int) -> Candidate | None:
    """An account in use, by name."""
    with connection.cursor(row_factory=class_row(Candidate)) as cursor:
        return cursor.execute(_SQL["candidate"], {"account": account, "site_id": site_id}).fetchone()


def invite(connection: Connection, assessment_id: int, account_id: int, site_id: int) -> None:
    """Invite an account to an assessment."""
    parameters = {"assessment_id": assessment_id, "account_id": account_id, "site_id": site_id}
    connection.execute(_SQL["insert_invitation"], parameters)


def decisions(connection: Connection, assessment_id: int) -> list[StoredDecision]:
    """Every decision, oldest first."""
    with connection.cursor(row_factory=class_row(StoredDecision)) as cursor:
        return cursor.execute(_SQL["decisions"], {"assessment_id": assessment_id}).fetchall()


def decide(connection: Connection, row: Mapping[str, Any]) -> datetime:
    """Keep a decision; when it was made."""
    found = connection.execute(_SQL["insert_decision"], row).fetchone()
    assert found is not None  # noqa: S101 - INSERT ... RETURNING
    at: datetime = found[0]
    return at


def finalise(connection: Connection, assessment_id: int, account_id: int) -> datetime:
    """End an assessment; when that was."""
    found = connection.execute(_SQL["finalise"], {"assessment_id": assessment_id, "account_id": account_id}).fetchone()
    assert found is not None  # noqa: S101 - the caller has locked the row
    at: datetime = found[0]
    return at


def _dicts(connection: Connection, name: str, parameters: Mapping[str, Any]) -> list[Row]:
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_SQL[name], parameters).fetchall()
