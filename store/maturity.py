"""Frames that an assessment reads: everything of one site in a range of production days."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import polars as pl

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

    Lists of texts and of whole numbers come from the database as texts of words.
    """
    read = {column: pl.String() if isinstance(dtype, pl.List) else dtype for column, dtype in schema.items()}
    rows = copy_out(connection, _SQL[name], parameters, read)
    lists = [
        pl.col(column).fill_null("").str.split(" ").list.filter(pl.element() != "").cast(dtype)
        for column, dtype in schema.items()
        if isinstance(dtype, pl.List)
    ]
    return rows.with_columns(lists).select(schema.names())


def between(
    site_id: int, days: tuple[date, date], instants: tuple[datetime, datetime], **others: Any
) -> dict[str, Any]:
    """Parameters of a range."""
    return {
        "site_id": site_id, "first": days[0], "last": days[1], "from_ts": instants[0], "to_ts": instants[1], **others
    }  # fmt: skip
