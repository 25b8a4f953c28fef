"""Findings and conflicts that belong to single days and values: they become flags of those values."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import polars as pl

from kpi.rollup.rolling import MARKS
from kpi.rollup.scopes import COUNTS
from model.calendar import production_day_of
from model.metering import METERED
from model.registry import Site

CONFLICT = "conflict"
# Columns of a series' quality that become marks where they are not zero.
_DOUBTS = {"gap_us": "gap", "flat_us": "flat_line", "out_of_range": "out_of_range"}
_OF_MACHINES = COUNTS | {"state", "mode"}


def marks_of(findings: Iterable[Mapping[str, Any]], site: Site, days: tuple[date, ...]) -> pl.DataFrame:
    """Mark the asset and day of each counter that was first seen inside the days: earlier counts are not known."""
    seen = (
        (each["asset"], each["series"], production_day_of(site, each["asset"], each["ts"]))
        for each in findings
        if each["kind"] == "partial_start"
    )
    return first_seen_marks((each for each in seen if each[2] in days), site)


def first_seen_marks(seen: Iterable[tuple[str, str, date]], site: Site) -> pl.DataFrame:
    """Mark the asset and day on which each counter (asset, name) was first seen."""
    quantity = {(series.asset, series.name): series.quantity for series in site.series}
    rows = {
        (asset, day, "partial_start_energy" if quantity.get((asset, name)) in METERED else "partial_start")
        for asset, name, day in seen
    }
    return pl.DataFrame(sorted(rows), schema=MARKS, orient="row")


def conflict_marks(conflicts: Iterable[tuple[str, int]], site: Site, days: tuple[date, ...]) -> pl.DataFrame:
    """Mark the asset and day of each conflict (asset, µs UTC): another value was sent for what is stored."""
    known = {asset.key for asset in site.assets}
    rows = {(asset, production_day_of(site, asset, ts), CONFLICT) for asset, ts in conflicts if asset in known}
    return pl.DataFrame(sorted(row for row in rows if row[1] in days), schema=MARKS, orient="row")


def quality_marks(quality: pl.DataFrame, site: Site) -> pl.DataFrame:
    """Mark asset and day of each series that KPIs are made of where it has gaps, flat lines or impossible values."""
    quantity = {(series.asset, series.name): series.quantity for series in site.series}
    rows = {
        (asset, day, f"{_DOUBTS[column]}_energy" if of in METERED else _DOUBTS[column])
        for asset, name, day, *found in quality.select("asset", "name", "production_day", *_DOUBTS).iter_rows()
        if (of := quantity.get((asset, name))) in _OF_MACHINES | METERED
        for column, number in zip(_DOUBTS, found, strict=True)
        if number
    }
    return pl.DataFrame(sorted(rows), schema=MARKS, orient="row")
