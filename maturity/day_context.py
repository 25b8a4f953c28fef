"""What KPIs of production days are computed from besides readings, and its digests day by day. Pure.

In: events, corrections and business records as packages hold them (without people), and what the day before handed on.
Out: the part of a day's `raw_day` record that covers them. A row is a canonical JSON list of its columns in order; a
table is digested as its rows in the order of their bytes, each with a line feed behind it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Any

import msgspec
import polars as pl

from kpi.frames import ANNOTATIONS, EVENTS, RECORDS
from kpi.running.work import windows_of_days
from model.canonical import digest
from model.registry import Site

TABLES = {"events": EVENTS, "annotations": ANNOTATIONS, "records": RECORDS}
CARRY = "carry"
_NUMBERED = "attendance"  # kind of records whose keys name people: packages number them anew, nothing reads them


@dataclass(frozen=True)
class Context:
    """What is known besides readings: events, corrections, records, texts, and what the day before handed on."""

    symbols: pl.DataFrame
    events: pl.DataFrame
    annotations: pl.DataFrame
    records: pl.DataFrame
    carry: Mapping[str, Mapping[str, Any]]

    def events_of(self, low: int, high: int) -> pl.DataFrame:
        """Events that begin in a range or last into it, the last product and job change of each asset before it, and
        records of production beside it that cut one that lasts into it or beyond it.
        """
        ts, start, end = pl.col("ts"), pl.col("from_us"), pl.col("to_us")
        within = ((ts >= low) & (ts < high)) | ((start < high) & (end > low)).fill_null(value=False)
        changes = self.events.filter(pl.col("kind").is_in(["product_change", "job_change"]), ts < low)
        before = changes.sort("ts", "key").group_by("asset", "kind").last().select(self.events.columns)
        before = before.filter((end <= low).fill_null(value=True))
        runs = self.events.filter(pl.col("kind") == "production_run")
        crossing = (
            runs.filter(start < high, end > low)
            .group_by("asset")
            .agg(start.min().alias("since"), end.max().alias("until"))
        )
        cutting = runs.join(crossing, on="asset").filter(start >= pl.col("since"), start < pl.col("until"))
        return pl.concat([self.events.filter(within), before, cutting.select(self.events.columns)]).unique(
            maintain_order=True
        )

    def annotations_of(self, low: int, high: int) -> pl.DataFrame:
        """Corrections that touch a range."""
        return self.annotations.filter(pl.col("from_us") < high, pl.col("to_us") > low)

    def records_of(self, low: int, high: int) -> pl.DataFrame:
        """Business records that end in a range, and what is burned or lost over time in it."""
        end = pl.col("to_us")
        lasting = pl.col("kind").is_in(["fuel", "refrigerant"]) & (pl.col("from_us") < high)
        return self.records.filter(end > low, (end <= high) | lasting)

    def digests(self, low: int, high: int) -> dict[str, Any]:
        """Digest what a production day is computed from, as its record says it.

        Args:
            low: begin of the day, µs UTC (`bounds_of_day`).
            high: its end.
        """
        frames = {
            "events": self.events_of(low, high),
            "annotations": self.annotations_of(low, high),
            "records": without_numbers(self.records_of(low, high)),
        }
        tables = {name: {"rows": len(frame), "sha256": rows_digest(frame)} for name, frame in frames.items()}
        return {"from_us": low, "to_us": high, **tables, CARRY: digest(self.carry)}


def bounds_of_day(site: Site, day: date) -> tuple[int, int]:
    """When a production day begins on the first asset and ends on the last one, µs UTC."""
    every = [window for plan in windows_of_days(site, [day]).values() for window in plan]
    return min(window.from_us for window in every), max(window.to_us for window in every)


def rows_digest(frame: pl.DataFrame) -> str:
    """SHA-256 of rows of texts and numbers, whatever order they come in."""
    return sha256(b"".join(sorted(msgspec.json.encode(row) + b"\n" for row in frame.iter_rows()))).hexdigest()


def without_numbers(records: pl.DataFrame) -> pl.DataFrame:
    """Leave out the keys of records whose keys packages number."""
    is_numbered = pl.col("kind") == _NUMBERED
    return records.with_columns(pl.when(is_numbered).then(pl.lit("")).otherwise("key").alias("key"))
