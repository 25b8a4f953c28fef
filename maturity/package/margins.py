"""Days of a period that were never computed: which they are, and what the days beside them read of their rows. Pure.

The log has no record of such a day, so its rows cannot be proven and are not packed. But the last value of the day
before may hold into it, and the day after begins with the last value before it: these rows are packed, as they are
before the first day and after the last one of the period.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from kpi.compute import read_range
from kpi.running.work import DAY
from model.calendar import production_day_windows
from model.registry import Site


@dataclass(frozen=True)
class Margin:
    """Days in a row that were never computed, and the registries of the computed days beside them in the period."""

    first: date
    last: date
    before: Site | None
    after: Site | None

    def begins(self) -> dict[str, int]:
        """When they begin on each asset, µs UTC."""
        return starts_of(self.before or self.after, self.first)

    def ends(self) -> dict[str, int]:
        """When the day after them begins on each asset, µs UTC."""
        return starts_of(self.after or self.before, self.last + DAY)

    def reads(self) -> Iterator[tuple[int, int]]:
        """Ranges that the days beside them read, µs UTC; the last row before and the first one after belong to each."""
        if self.before:
            yield min(self.begins().values()), read_range(self.before, (self.first - DAY,))[1]
        if self.after:
            yield read_range(self.after, (self.last + DAY,))[0], max(self.ends().values())


def margins_of(days: Sequence[date], never: frozenset[date], sites: Mapping[date, Site]) -> Iterator[Margin]:
    """Find the days that were never computed, those in a row together.

    Args:
        days: of the period, in order.
        never: those of them that were never computed.
        sites: registry of every computed day.
    """
    for run in _runs([day for day in days if day in never]):
        yield Margin(run[0], run[-1], sites.get(run[0] - DAY), sites.get(run[-1] + DAY))


def named(days: Sequence[date]) -> str:
    """Days for a person: the first and the last one of each run."""
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in _runs(sorted(days)))


def _runs(days: Sequence[date]) -> Iterator[list[date]]:
    """Cut days, in order, where one is missing."""
    for _, run in groupby(enumerate(days), key=lambda each: each[1].toordinal() - each[0]):
        yield [day for _, day in run]


def starts_of(site: Site | None, day: date) -> dict[str, int]:
    """When a production day begins on each asset, µs UTC."""
    assets = site.assets if site else ()
    return {each.key: production_day_windows(site, each.key, day, day + DAY)[0].from_us for each in assets if site}
