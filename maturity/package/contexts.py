"""Whether events, corrections, business records and carry are those that the log recorded of each day, and whether
criteria read the same ones. Pure.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import polars as pl

from maturity.day_context import CARRY, TABLES, Context, bounds_of_day, rows_digest, without_numbers
from maturity.package import layout
from model.registry import Site

_NAMES = {"ts_us": "ts"}  # columns that facts call otherwise
_SAID = {"events": "events", "annotations": "corrections", "records": "business records"}
Recorded = Mapping[date, Mapping[str, Any]]


def context_differences(context: Context, sites: Mapping[date, Site], recorded: Recorded, first: date) -> Iterator[str]:
    """Say what differs, by day and table.

    Args:
        context: what the package holds.
        sites: registry of every computed day.
        recorded: what the log recorded of each day; days without any are not compared.
        first: of the period; only what was handed to this day is packed, what it hands on is computed.
    """
    for day in sorted(set(sites) & set(recorded)):
        low, high = bounds_of_day(sites[day], day)
        have, said = context.digests(low, high), recorded[day]
        if [have[name] for name in ("from_us", "to_us")] != [said.get(name) for name in ("from_us", "to_us")]:
            yield f"{layout.LOG_RECORDS}: {day} was recorded with another begin or end than its registry says"
            continue
        for name in TABLES:
            if have[name] != said.get(name):
                yield f"{layout.raw_table(name)}: the {_SAID[name]} of {day} are not those that the log recorded"
        if day == first and have[CARRY] != said.get(CARRY):
            yield f"{layout.CARRY}: what was handed on to {day} is not what the log recorded"


def stated_otherwise(context: Context, stated: Mapping[str, pl.DataFrame], bounds: tuple[int, int]) -> Iterator[str]:
    """Say where events and business records that criteria read are not those that KPIs were computed from.

    Args:
        context: what the package holds.
        stated: the tables `events` and `records` of the facts.
        bounds: begin and end of the period, µs UTC: events that happen and records that end in it are compared.
    """
    is_inside = {
        "events": pl.col("ts").is_between(*bounds, closed="left"),
        "records": pl.col("to_us").is_between(*bounds, closed="right"),
    }
    for name, inside in is_inside.items():
        facts = stated[name].rename({old: new for old, new in _NAMES.items() if old in stated[name].columns})
        one, other = (_plain(name, frame).filter(inside) for frame in (getattr(context, name), facts))
        if rows_digest(one) != rows_digest(other):
            yield f"{layout.facts(name)}: its {_SAID[name]} of the period are not those of {layout.raw_table(name)}"


def _plain(name: str, frame: pl.DataFrame) -> pl.DataFrame:
    rows = frame.select(TABLES[name].names())
    return without_numbers(rows) if name == "records" else rows
