"""Reads what KPIs of production days were computed from besides readings, in the form in which packages hold it."""

from collections.abc import Iterable
from datetime import date, datetime
from functools import lru_cache
from typing import Any

import polars as pl

from kpi.frames import SYMBOLS, conform, empty
from kpi.running.work import DAY
from maturity.day_context import TABLES, Context, bounds_of_day
from maturity.package.content import parsed_site
from maturity.package.periods import NOT_OF_ONE_DAY
from maturity.package.persons import records_without_persons, without_persons
from model.registry import Site
from store import derived, inputs
from store import package as rows
from store.evidence import FinalValue
from store.pool import Connection


def read_context(
    connection: Connection, site_id: int, span: inputs.Range, first: date, symbols: pl.DataFrame | None = None
) -> Context:
    """Read events, corrections and business records of a range, and what the day before its first day handed on.

    Args:
        connection: of role haidang_evidence.
        site_id: the site.
        span: µs UTC.
        first: production day with which the range begins.
        symbols: texts of states.
    """
    frames = {
        "events": without_persons(inputs.events(connection, site_id, span)),
        "annotations": inputs.annotations(connection, site_id, span),
        "records": records_without_persons(inputs.records(connection, site_id, span)),
    }
    carry = {asset: payload for asset, (payload, _) in derived.carry(connection, site_id, first - DAY).items()}
    tables = {name: conform(frame, TABLES[name]) for name, frame in frames.items()}
    return Context(symbols=empty(SYMBOLS) if symbols is None else symbols, carry=carry, **tables)


def context_of_day(
    connection: Connection, site_id: int, day: date, values: Iterable[FinalValue]
) -> dict[str, Any] | None:
    """Digest what a closed production day was computed from besides readings.

    Args:
        connection: of role haidang_evidence.
        site_id: the site.
        day: the production day.
        values: its final values (`store.evidence.final_values`); they name the registry that says when it began.

    Returns:
        The part of the day's record (`Context.digests`); null where the day is still open, or its registry is not kept.
    """
    site = _registry(connection, values)
    if site is None:
        return None
    low, high = bounds_of_day(site, day)
    return read_context(connection, site_id, inputs.Range(low, high), day).digests(low, high)


def _registry(connection: Connection, values: Iterable[FinalValue]) -> Site | None:
    """The registry that a day was computed with last, as `periods.configs_of_days` finds it."""
    short: list[tuple[datetime, str]] = []
    is_closed = False
    for value in values:
        if value.grain not in NOT_OF_ONE_DAY:
            short.append((value.computed_at, value.config_digest))
            is_closed = is_closed or value.grain == "day"
    if not is_closed:
        return None
    digest = max(short)[1]
    text = rows.configs(connection, [digest]).get(digest)
    return _parsed(text, digest) if text else None


@lru_cache(maxsize=4)
def _parsed(text: str, digest: str) -> Site:
    return parsed_site(text.encode(), digest)
