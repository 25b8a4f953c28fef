"""Weeks, months and jobs of a package from the pieces of its days: a week or a month after the other. Pure."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date

import polars as pl

from kpi.frames import ATOMS, INTERVAL_SERIES, empty
from kpi.rollup.eras import Era
from kpi.rollup.rolling import MARKS, RollupInputs, rollup
from kpi.rollup.windows import calendar_windows
from kpi.running.work import DAY, month_end
from maturity.package.compact import compacted, plain
from maturity.package.periods import Target
from model.registry import Site
from model.vocabulary import Grain

ALL_FINAL = 2**61  # an instant after every window: what is compared is final


@dataclass(frozen=True)
class Pieces:
    """The pieces of all days, to build longer windows from."""

    period: tuple[date, date]
    atoms: pl.DataFrame
    demand: pl.DataFrame
    marks: pl.DataFrame
    eras: tuple[Era, ...]  # registries that assigned the pieces of days to scopes

    @classmethod
    def of(
        cls,
        period: tuple[date, date],
        atoms: Iterable[pl.DataFrame],
        demand: Iterable[pl.DataFrame],
        marks: Iterable[pl.DataFrame],
        eras: tuple[Era, ...],
    ) -> "Pieces":
        """Join the pieces of spans of days: atoms and demand compact."""
        return cls(
            period,
            pl.concat([compacted(empty(ATOMS)), *atoms]),
            pl.concat([compacted(empty(INTERVAL_SERIES)), *demand]),
            pl.concat([empty(MARKS), *marks]),
            eras,
        )

    def rolled_up(self, site: Site, target: Target) -> Iterator[pl.DataFrame]:
        """Weeks and months, or jobs, that were made with one registry: a week or month after the other."""
        every = self._inputs(site, target)
        wanted = target.windows.select("grain", "production_day", "job").unique()
        if Grain.JOB in target.grains or every.eras:
            yield _of_windows(every, target.grains, wanted)
            return
        for grain, first in wanted.select("grain", "production_day").unique().sort(pl.all()).iter_rows():
            days = pl.col("production_day").is_between(first, _last_day(grain, first))
            atoms, demand = every.atoms.filter(days), every.interval_series.filter(days)
            part = replace(every, atoms=atoms, interval_series=demand)
            yield _of_windows(part, frozenset({Grain(grain)}), wanted)

    def _inputs(self, site: Site, target: Target) -> RollupInputs:
        of_jobs = Grain.JOB in target.grains
        return RollupInputs(
            site=site,
            atoms=self.atoms.filter(pl.col("job").is_in(sorted(target.jobs))) if of_jobs else self.atoms,
            interval_series=self.demand.clear() if of_jobs else self.demand,
            windows=calendar_windows(site, *self.period),
            now_us=ALL_FINAL,
            marks=self.marks,
            eras=self._eras(target),
        )

    def _eras(self, target: Target) -> tuple[Era, ...]:
        """The eras up to the last day of the windows; none where one registry held throughout."""
        ends = (_last_day(*row) for row in target.windows.select("grain", "production_day").unique().iter_rows())
        last = max(ends, default=self.period[1])
        found = tuple(era for era in self.eras if era.first <= last)
        return found if len(found) > 1 else ()


def _of_windows(given: RollupInputs, grains: frozenset[Grain], wanted: pl.DataFrame) -> pl.DataFrame:
    written = replace(given, atoms=plain(given.atoms), interval_series=plain(given.interval_series))
    return rollup(written, grains).join(wanted, on=wanted.columns, how="semi", maintain_order="left")


def _last_day(grain: str, first: date) -> date:
    match grain:
        case Grain.WEEK:
            return first + 6 * DAY
        case Grain.MONTH:
            return month_end(first)
        case _:
            return date.max
