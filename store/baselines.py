"""Frozen baselines in the database: versions that are added and never changed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from model.canonical import digest
from store.pool import Connection
from store.queries import load

_SQL = load("baselines")


@dataclass(frozen=True)
class NewBaseline:
    """What is to be frozen: the model of an asset's KPI, from which date, by whom it was asked for and why."""

    asset_id: int
    kpi: str
    model: Mapping[str, Any]
    valid_from: date
    reason: str
    source: str = ""


def add(connection: Connection, site_id: int, wanted: NewBaseline) -> int:
    """Freeze a model; gives its version."""
    parameters = {**vars(wanted), "site_id": site_id, "model": Jsonb(wanted.model), "digest": digest(wanted.model)}
    row = connection.execute(_SQL["insert"], parameters).fetchone()
    assert row is not None  # noqa: S101 - an INSERT ... RETURNING of one row
    return int(row[0])


def versions(connection: Connection, site_id: int) -> list[dict[str, Any]]:
    """All versions of a site's baselines, the newest first within an asset."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_SQL["list"], {"site_id": site_id}).fetchall()
