"""Which registry each day was computed with, and which windows of a package can be computed again. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from kpi.running.work import windows_of_days
from model.registry import Site
from model.vocabulary import Grain

_LONG = [Grain.WEEK.value, Grain.MONTH.value]
NOT_OF_ONE_DAY = (*_LONG, Grain.JOB.value)
_day = pl.col("production_day")
NO_WHY = pl.lit(None, pl.String)


@dataclass(frozen=True)
class Target:
    """Longer windows that were made with one registry."""

    digest: str
    grains: frozenset[Grain]
    windows: pl.DataFrame  # grain, production_day, job
    jobs: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Plan:
    """Registry per day, and the longer windows inside the period."""

    configs: Mapping[date, str]
    targets: tuple[Target, ...]
    never: frozenset[date] = frozenset()  # days that the KPI job had no reason to compute

    def in_force(self, day: date) -> str | None:
        """Digest of the registry that a day was computed with, null where it never was."""
        return None if day in self.never else self.configs[day]


def configs_of_days(values: pl.DataFrame, days: Sequence[date]) -> dict[date, str]:
    """Digest of the registry that each day was computed with last; a day without values takes that of its neighbour.

    Args:
        values: rows of layout.VALUES.
        days: in order.
    """
    short = values.filter(~pl.col("grain").is_in(NOT_OF_ONE_DAY))
    newest = short.sort("computed_us", "config_digest").group_by("production_day").last()
    known = dict(newest.select("production_day", "config_digest").iter_rows())
    filled: dict[date, str] = {}
    before = next((known[day] for day in days if day in known), "")
    for day in days:
        before = filled[day] = known.get(day, before)
    return filled


def plan_of(values: pl.DataFrame, days: Sequence[date], bounds: tuple[int, int]) -> Plan:
    """Lay out what is to be computed.

    Args:
        values: rows of layout.VALUES.
        days: of the period, in order.
        bounds: begin and end of the period, µs UTC.
    """
    inside = values.filter(why_not(days, bounds).is_null())
    return Plan(configs_of_days(values, days), tuple(_targets(inside)), days_without_values(values, days))


def days_without_values(values: pl.DataFrame, days: Sequence[date]) -> frozenset[date]:
    """Days that the KPI job never computed: nothing of an hour, a shift or a day is known of them."""
    return frozenset(days) - set(values.filter(~pl.col("grain").is_in(NOT_OF_ONE_DAY))["production_day"])


def bounds_of(first: Site, last: Site, days: Sequence[date]) -> tuple[int, int]:
    """Begin of the first production day and end of the last one of any asset, µs UTC."""
    begin = [window.from_us for plan in windows_of_days(first, days[:1]).values() for window in plan]
    end = [window.to_us for plan in windows_of_days(last, days[-1:]).values() for window in plan]
    return min(begin), max(end)


def why_not(days: Sequence[date], bounds: tuple[int, int]) -> pl.Expr:
    """Say of a value why it cannot be computed again: its window is not inside the period; null where it can be."""
    grain, begin, end = pl.col("grain"), pl.col("window_start"), pl.col("window_end")
    is_long, is_job = grain.is_in(_LONG), grain == Grain.JOB.value
    of_days = pl.when(grain == Grain.WEEK.value).then(_day.dt.offset_by("6d")).otherwise(_day.dt.month_end())
    early = (is_long & (_day < days[0])) | (is_job & ((_day < days[0]) | (begin < bounds[0])))
    late = (is_long & (of_days > days[-1])) | (is_job & (end > bounds[1]))
    return (
        pl.when(early)
        .then(pl.format("the {} begins before the package's first day", grain))
        .when(late)
        .then(pl.format("the {} ends after the package's last day", grain))
        .otherwise(NO_WHY)
    )


def _targets(values: pl.DataFrame) -> Iterator[Target]:
    """Group the longer windows by the registry that they were made with last."""
    longer = values.filter(pl.col("grain").is_in(NOT_OF_ONE_DAY))
    newest = longer.sort("computed_us", "config_digest").group_by("grain", "production_day", "job").last()
    for (digest, is_job), part in newest.group_by("config_digest", pl.col("grain") == Grain.JOB.value):
        windows = part.select("grain", "production_day", "job").sort("grain", "production_day", "job")
        grains = frozenset({Grain.JOB}) if is_job else frozenset({Grain.WEEK, Grain.MONTH})
        yield Target(str(digest), grains, windows, frozenset(windows["job"]) if is_job else frozenset())
