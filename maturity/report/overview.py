"""KPIs and data coverage of the period of a report, from facts. Pure.

In: the facts of the period. Out: a number per KPI for the whole period and per day or month, the share of data that
came per machine, and the days on which less came than the gate asks for.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from kpi.catalogue import CATALOGUE
from maturity.facts import Facts
from maturity.framework import DataGate
from maturity.metrics import METRICS
from maturity.metrics.coverage import share_of_series
from maturity.metrics.of_kpis import over_window

KPIS = ("oee", "availability", "unplanned_downtime_ratio", "specific_energy", "co2e_location", "good_quantity")
GATE = DataGate().min_completeness
MOST_DAYS = 62  # a longer period is drawn by month
_HOUR_US = 3.6e9


@dataclass(frozen=True)
class Point:
    """A KPI over a day or a month; null where it has no value."""

    first: date
    value: float | None


@dataclass(frozen=True)
class Trend:
    """A KPI over the period, and how it went."""

    kpi: str
    unit: str
    value: float | None
    completeness: float | None
    grain: str
    points: tuple[Point, ...]


@dataclass(frozen=True)
class Coverage:
    """The data of one machine: share that came, days below the gate, hours without any."""

    asset: str
    name: str
    share: float
    thin_days: int
    gap_hours: float


@dataclass(frozen=True)
class Overview:
    """What a report shows beside the criteria."""

    first: date
    last: date
    trends: tuple[Trend, ...] = ()
    completeness: float | None = None
    connected: float | None = None
    machines: tuple[tuple[str, str], ...] = ()  # key and name
    coverage: tuple[Coverage, ...] = ()
    silent_days: tuple[date, ...] = ()  # days of the period on which nothing came at all

    @property
    def names(self) -> dict[str, str]:
        """Name of each asset, by key."""
        return dict(self.machines)


def overview(facts: Facts | None, first: date, last: date) -> Overview:
    """Sum up a period; facts may be null where the site has none."""
    if facts is None:
        return Overview(first, last)
    names = tuple((each.key, each.name or each.key) for each in facts.site.assets)
    return Overview(
        first=first,
        last=last,
        trends=tuple(_trend(facts, kpi, first, last) for kpi in KPIS),
        completeness=METRICS["data.completeness"].measure(facts, "machines", {}).value,
        connected=METRICS["data.machines_connected_share"].measure(facts, "machines", {}).value,
        machines=names,
        coverage=_coverage(facts, dict(names)),
        silent_days=_silent(facts, first, last),
    )


def _trend(facts: Facts, kpi: str, first: date, last: date) -> Trend:
    """Of the whole site; of its machines together where the site has no value."""
    definition = CATALOGUE[kpi]
    scope = "site" if over_window(definition, facts, "site", {}).value is not None else "machines"
    whole = over_window(definition, facts, scope, {})
    by_month = (last - first).days >= MOST_DAYS
    spans = _months(first, last) if by_month else [(day, day) for day in _days(first, last)]
    points = tuple(
        Point(start, over_window(definition, facts.window(start, end), scope, {}).value) for start, end in spans
    )
    grain = "month" if by_month else "day"
    return Trend(kpi, definition.unit, whole.value, whole.completeness, grain, points)


def _coverage(facts: Facts, names: dict[str, str]) -> tuple[Coverage, ...]:
    """Per machine, the worst first; a day of which nothing is stored counts as nothing."""
    by_day = (
        facts.quality.filter(pl.col("asset").is_in(list(facts.assets_of("machines"))))
        .with_columns(share_of_series().alias("share"))
        .group_by("asset", "production_day")
        .agg(pl.col("share").mean(), pl.col("gap_us").max())
    )
    rows = (
        by_day.group_by("asset")
        .agg(
            pl.col("share").sum() / facts.days,
            (facts.days - (pl.col("share") >= GATE).sum()).alias("thin"),
            pl.col("gap_us").sum() / _HOUR_US,
        )
        .select("asset", "share", pl.col("thin").cast(pl.Int64), "gap_us")
        .sort("share", "asset")
    )
    return tuple(Coverage(key, names.get(key, key), *rest) for key, *rest in rows.iter_rows())


def _silent(facts: Facts, first: date, last: date) -> tuple[date, ...]:
    came = set(facts.quality.filter(pl.col("rows") > 0)["production_day"].unique())
    return tuple(day for day in _days(first, last) if day not in came) if came else ()


def _days(first: date, last: date) -> Iterable[date]:
    return (first + timedelta(days=number) for number in range((last - first).days + 1))


def _months(first: date, last: date) -> list[tuple[date, date]]:
    """The months of a period, the first and last one as far as they are inside."""
    spans = []
    start = first
    while start <= last:
        following = (start.replace(day=1) + timedelta(days=32)).replace(day=1)
        spans.append((start, min(last, following - timedelta(days=1))))
        start = following
    return spans
