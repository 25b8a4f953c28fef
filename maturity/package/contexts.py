"""Whether events, corrections, business records and carry are those that the log recorded of each day. Pure."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from maturity.day_context import CARRY, TABLES, Context, bounds_of_day
from maturity.package import layout
from model.registry import Site

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
