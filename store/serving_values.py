"""Pages of KPI values for programs: asked for often and by the thousand, so every microsecond of a row counts.

In: which values, a place to go on after. Out: `StoredValue`s, which `msgspec` writes as JSON. Instants come from the
driver as numbers and each one is made into an object once, because the rows of an answer share them.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
from psycopg.abc import Loader
from psycopg.postgres import types
from psycopg.types.numeric import Int4BinaryLoader, Int8BinaryLoader

from store.errors import translated
from store.queries import load
from store.serving import Scope, ValueFilter, ValueKey, value_query

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)  # PostgreSQL counts from here
_LOADERS: dict[int, type[Loader]] = {types["timestamptz"].oid: Int8BinaryLoader, types["date"].oid: Int4BinaryLoader}


class StoredValue(msgspec.Struct, frozen=True, gc=False):
    """A KPI value with everything that says how much it can be trusted."""

    asset: str
    kpi: str
    variant: str
    grain: str
    window_start: datetime
    window_end: datetime
    production_day: date
    shift: str
    product: str
    job: str
    value: float | None
    numerator: float | None
    denominator: float | None
    coverage: float | None
    completeness: float | None
    status: str
    is_final: bool
    flags: list[str]
    definition_version: int
    factor_set: str | None
    config_digest: str
    inputs_digest: str
    revision: int
    computed_at: datetime
    superseded_at: datetime | None
    cause: list[str]


class Instants(dict[int, datetime]):
    """Instants by µs since 2000, each made once."""

    def __missing__(self, microseconds: int) -> datetime:
        made = self[microseconds] = _EPOCH + timedelta(microseconds=microseconds)
        return made


class Days(dict[int, date]):
    """Days by their number since 2000, each made once."""

    def __missing__(self, days: int) -> date:
        made = self[days] = _EPOCH.date() + timedelta(days=days)
        return made


def stored_values(
    scope: Scope, wanted: ValueFilter, keys: Mapping[int, str], limit: int | None, after: ValueKey
) -> list[StoredValue]:
    """Read one page of KPI values (null limit = all): the current ones, or those that stood at `as_of`.

    Args:
        scope: the caller's connection and sites.
        wanted: which values.
        keys: of the wanted assets, by their numbers.
        limit: rows at most.
        after: the last row of the page before.
    """
    rows = _rows(scope, wanted, limit, after)
    at, on, kpi, grain = Instants(), Days(), wanted.kpi, str(wanted.grain)
    return [
        StoredValue(
            keys[asset], kpi, variant, grain, at[start], at[end], on[day], shift, product, job, value, numerator,
            denominator, coverage, completeness, status, is_final, flags or [], version, factor_set, config, inputs,
            revision, at[computed], None if superseded is None else at[superseded], cause or [],
        )
        for (
            asset, variant, start, end, day, shift, product, job, value, numerator, denominator, coverage, completeness,
            status, is_final, flags, version, factor_set, config, inputs, revision, computed, superseded, cause,
        ) in rows
    ]  # fmt: skip


def _rows(scope: Scope, wanted: ValueFilter, limit: int | None, after: ValueKey) -> list[tuple[Any, ...]]:
    query, parameters = value_query(wanted, limit, after)
    with translated(), scope.connection.cursor(binary=True) as cursor:
        for kind, loader in _LOADERS.items():
            cursor.adapters.register_loader(kind, loader)
        return cursor.execute(load("serving")[query], {**parameters, "sites": scope.sites}).fetchall()
