"""What an assessment reads of a site, and what a site freezes, declares and claims."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import polars as pl
from psycopg.rows import dict_row

from store.copying import copy_out
from store.pool import Connection
from store.queries import load

_SQL = load("maturity")


def extent(connection: Connection, site_id: int) -> tuple[date, date] | None:
    """First and last production day with values."""
    row = connection.execute(_SQL["extent"], {"site_id": site_id}).fetchone()
    return (row[0], row[1]) if row and row[0] else None


def frame(connection: Connection, name: str, parameters: Mapping[str, Any], schema: pl.Schema) -> pl.DataFrame:
    """Read one frame (values, intervals, quality, ledger, devices, records, events, series, alerts, ...).

    Lists of texts and of whole numbers come from the database as texts of words, truth values as t and f.
    """
    as_text = (pl.List, pl.Boolean)
    read = {column: pl.String() if isinstance(dtype, as_text) else dtype for column, dtype in schema.items()}
    rows = copy_out(connection, _SQL[name], parameters, read)
    lists = [
        pl.col(column).fill_null("").str.split(" ").list.filter(pl.element() != "").cast(dtype)
        for column, dtype in schema.items()
        if isinstance(dtype, pl.List)
    ]
    truths = [pl.col(column).eq("t") for column, dtype in schema.items() if isinstance(dtype, pl.Boolean)]
    return rows.with_columns(*lists, *truths).select(schema.names())


def between(
    site_id: int, days: tuple[date, date], instants: tuple[datetime, datetime], **others: Any
) -> dict[str, Any]:
    """Parameters of a range."""
    return {
        "site_id": site_id, "first": days[0], "last": days[1], "from_ts": instants[0], "to_ts": instants[1], **others
    }  # fmt: skip


@dataclass(frozen=True)
class FrozenBaseline:
    """A baseline as it was frozen."""

    key: str
    value: float
    first_day: date
    last_day: date
    version: int


@dataclass(frozen=True)
class Declaration:
    """What somebody of the site declared; `attachment` is the SHA-256 of the file, hexadecimal."""

    name: str
    value: float
    statement: str
    attachment: str | None


def baselines(connection: Connection, site_id: int) -> list[FrozenBaseline]:
    """Frozen baselines, the newest version of each."""
    return [FrozenBaseline(*row) for row in connection.execute(_SQL["baselines"], {"site_id": site_id})]


def freeze(connection: Connection, site_id: int, found: FrozenBaseline, reason: str = "") -> bool:
    """Freeze a baseline, and tell whether it was; one that is frozen already stays."""
    cursor = connection.execute(_SQL["insert_baseline"], {"site_id": site_id, "reason": reason, **vars(found)})
    return cursor.fetchone() is not None


def declarations(connection: Connection, site_id: int, day: date) -> list[Declaration]:
    """What was declared by a day, the newest of each name."""
    return [Declaration(*row) for row in connection.execute(_SQL["declarations"], {"site_id": site_id, "day": day})]


def declare(  # noqa: PLR0913 - a row
    connection: Connection,
    site_id: int,
    said: Declaration,
    valid_from: date,
    attachment_id: int | None,
    *,
    account_id: int | None = None,
) -> None:
    """Keep a declaration."""
    parameters = {"name": said.name, "value": said.value, "statement": said.statement, "valid_from": valid_from}
    more = {"site_id": site_id, "attachment_id": attachment_id, "account_id": account_id}
    connection.execute(_SQL["insert_declaration"], {**parameters, **more})


def attach(
    connection: Connection, site_id: int, file_name: str, content: bytes, account_id: int | None = None
) -> tuple[int, str]:
    """Keep a file, once per content.

    Returns:
        Its number and its SHA-256.
    """
    sha = hashlib.sha256(content)
    parameters = {"site_id": site_id, "sha256": sha.digest(), "file_name": file_name, "content": content}
    connection.execute(_SQL["insert_attachment"], {**parameters, "account_id": account_id})
    return attachment_id(connection, site_id, sha.hexdigest()) or 0, sha.hexdigest()


def attachment_id(connection: Connection, site_id: int, sha256: str) -> int | None:
    """The number of a file of a site, by its SHA-256 in hexadecimal."""
    parameters = {"site_id": site_id, "sha256": bytes.fromhex(sha256)}
    row = connection.execute(_SQL["attachment_id"], parameters).fetchone()
    return int(row[0]) if row else None


def attachment(connection: Connection, site_id: int, sha256: str) -> tuple[str, bytes] | None:
    """Name and content of a file of a site, by its SHA-256 in hexadecimal."""
    parameters = {"site_id": site_id, "sha256": bytes.fromhex(sha256)}
    row = connection.execute(_SQL["attachment"], parameters).fetchone()
    return (row[0], bytes(row[1])) if row else None


def declaration_rows(connection: Connection, site_id: int, limit: int) -> list[dict[str, Any]]:
    """Every declaration of a site, newest first: also those that a newer one replaced."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_SQL["declaration_rows"], {"site_id": site_id, "limit": limit}).fetchall()


def claim_rows(connection: Connection, site_id: int, limit: int) -> list[dict[str, Any]]:
    """Every claim of a site, newest first: also those that a newer one replaced."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_SQL["claim_rows"], {"site_id": site_id, "limit": limit}).fetchall()


def claims(connection: Connection, site_id: int, framework: str) -> dict[str, int]:
    """Claimed level by area, principle or technology group."""
    return dict(connection.execute(_SQL["claims"], {"site_id": site_id, "framework": framework}).fetchall())


def claim(  # noqa: PLR0913 - a row
    connection: Connection, site_id: int, framework: str, key: str, level: int, *, account_id: int | None = None
) -> None:
    """Keep a claim."""
    parameters = {"site_id": site_id, "framework": framework, "key": key, "level": level, "account_id": account_id}
    connection.execute(_SQL["insert_claim"], parameters)
