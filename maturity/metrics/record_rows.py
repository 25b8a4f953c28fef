"""Records of other systems, as metrics read them. `model.record_sets` states what a record of each kind may hold.

A window is judged as of its end: what ends later is open, and an open record counts against the site only once it is
overdue. A record that lacks what a metric reads does not count for it, neither way.
"""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from maturity.facts import Facts
from maturity.reasons import Reason, because
from model.instants import micros
from model.record_fields import as_text
from model.record_sets import RECORD_SETS

SYSTEM = "system"  # who did it, in records: the system, and no person


@dataclass(frozen=True)
class Row:
    """A record with its payload at hand."""

    key: str
    asset: str
    from_us: int
    to_us: int | None
    said: Mapping[str, Any]
    zone: ZoneInfo
    window: tuple[int, int]

    @property
    def begins_inside(self) -> bool:
        """Whether it begins in the window."""
        return self.window[0] <= self.from_us < self.window[1]

    @property
    def ends_inside(self) -> bool:
        """Whether it ends in the window; one that ends later is open, so far as the window knows."""
        return self.to_us is not None and self.window[0] <= self.to_us

    def time(self, name: str) -> int | None:
        """A time of the payload in µs UTC, null where it is missing or none."""
        try:
            at = datetime.fromisoformat(str(self.said.get(name) or ""))
        except ValueError:
            return None
        return micros(at if at.tzinfo else at.replace(tzinfo=self.zone))

    def number(self, name: str) -> float | None:
        """A number of the payload, null where it is missing or none."""
        try:
            value = float(self.said[name])
        except (KeyError, TypeError, ValueError):
            return None
        return value if math.isfinite(value) else None

    def text(self, name: str) -> str:
        """A text of the payload, empty where it is missing."""
        value = self.said.get(name)
        return "" if value is None else as_text(value)

    def is_yes(self, name: str) -> bool:
        """Whether a yes-or-no field says yes."""
        return self.text(name).lower() in ("yes", "true", "1")


def rows_of(facts: Facts, kind: str) -> Iterator[Row]:
    """Records of a kind that lie in the window, wholly or partly."""
    zone, window = ZoneInfo(facts.site.timezone), facts.bounds_us
    found = facts.records.filter(pl.col("kind") == kind).sort("from_us", "key")
    ends = pl.when(pl.col("to_us") < window[1]).then("to_us").alias("to_us")
    for key, asset, start, end, payload in found.select("key", "asset", "from_us", ends, "payload").iter_rows():
        yield Row(key, asset, start, end, json.loads(payload), zone, window)


def begun(facts: Facts, kind: str) -> Iterator[Row]:
    """Records of a kind that begin in the window."""
    return (row for row in rows_of(facts, kind) if row.begins_inside)


def missing(kind: str) -> Reason:
    """How to provide records of a kind."""
    fields = ", ".join(("key", "asset", "from", "to", *(field.name for field in RECORD_SETS[kind].fields)))
    return because("no_such_records", command=f"`haidang records import --kind {kind}`", fields=fields)
