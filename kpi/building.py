"""KPI values of computed days and of the longer windows around them, from fresh pieces and stored ones."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

import polars as pl

from kpi.frames import ATOMS, INTERVAL_SERIES, conform, empty
from kpi.rollup.eras import Era
from kpi.rollup.rolling import MARKS, VALUES, RollupInputs, rollup
from kpi.rollup.windows import calendar_windows
from kpi.running.work import DAY, LongWindows, each_day, month_end
from kpi.stored_eras import stored_eras
from kpi.stored_marks import stored_marks
from model.registry import Site
from model.vocabulary import Grain
from store import derived
from store.pool import Connection

OWNED = pl.Schema(
    {"grain": pl.String(), "production_day": pl.Date(), "job": pl.String(), "cause": pl.List(pl.String())}
)
SHORT = (Grain.HOUR, Grain.SHIFT, Grain.DAY, Grain.PRODUCT)
# How far back the pieces of a job are looked for when the registry does not know its start.
JOB_LOOK_BACK = timedelta(days=92)

Causes = Mapping[date, frozenset[str]]


@dataclass(frozen=True)
class Fresh:
    """Computed days that the database may not hold yet."""

    days: tuple[date, ...] = ()
    atoms: pl.DataFrame = field(default_factory=lambda: empty(ATOMS))
    interval_series: pl.DataFrame = field(default_factory=lambda: empty(INTERVAL_SERIES))
    digests: Mapping[date, str] = field(default_factory=dict)
    marks: pl.DataFrame = field(default_factory=lambda: empty(MARKS))

    def over(self, stored: pl.DataFrame, new: pl.DataFrame) -> pl.DataFrame:
        """Put the fresh days of a frame in the place of the stored ones."""
        kept = stored.filter(~pl.col("production_day").is_in(list(self.days)))
        return pl.concat([kept, new])


@dataclass(frozen=True)
class Built:
    """Values of windows, and which windows were built at all."""

    values: pl.DataFrame
    owned: pl.DataFrame


@dataclass(frozen=True)
class Builder:
    """Builds values for one registry snapshot and instant."""

    connection: Connection
    place: derived.Place
    site: Site
    now_us: int

    def short(self, fresh: Fresh, causes: Causes) -> Built:
        """Hours, shifts, days and products of the fresh days."""
        windows = calendar_windows(self.site, fresh.days[0] - DAY, fresh.days[-1] + DAY)
        inputs = self._inputs(fresh, fresh.atoms, fresh.interval_series, windows)
        owned = [(grain.value, day, "", causes.get(day, frozenset())) for grain in SHORT for day in fresh.days]
        return Built(rollup(inputs, frozenset(SHORT)), _owned(owned))

    def long(self, wanted: LongWindows, fresh: Fresh, causes: Causes) -> Built:
        """Weeks, months and jobs from stored atoms, the fresh ones in their place."""
        parts = [self._periods(wanted, fresh, causes)] if wanted.weeks or wanted.months else []
        parts += [self._jobs(wanted.jobs, fresh, causes)] if wanted.jobs else []
        parts = parts or [Built(empty(VALUES), empty(OWNED))]
        return Built(pl.concat([part.values for part in parts]), pl.concat([part.owned for part in parts]))

    def _periods(self, wanted: LongWindows, fresh: Fresh, causes: Causes) -> Built:
        bounds = _extent(wanted)
        site_id = self.place.site_id
        atoms = derived.stored_atoms(self.connection, site_id, bounds)
        series = derived.stored_interval_series(self.connection, site_id, bounds)
        stored = derived.day_digests(self.connection, site_id, bounds)
        inputs = self._inputs(
            fresh,
            fresh.over(conform(atoms, ATOMS), fresh.atoms),
            fresh.over(conform(series, INTERVAL_SERIES), fresh.interval_series),
            calendar_windows(self.site, bounds.first, bounds.last),
            stored,
        )
        starts = {Grain.WEEK.value: sorted(wanted.weeks), Grain.MONTH.value: sorted(wanted.months)}
        values = rollup(inputs, frozenset({Grain.WEEK, Grain.MONTH}))
        asked = [
            values.filter(pl.col("grain") == grain, pl.col("production_day").is_in(days))
            for grain, days in starts.items()
        ]
        owned = [
            (grain, start, "", _causes(causes, start, start + 6 * DAY if grain == "week" else month_end(start)))
            for grain, days in starts.items()
            for start in days
        ]
        return Built(pl.concat(asked), _owned(owned))

    def _jobs(self, jobs: frozenset[str], fresh: Fresh, causes: Causes) -> Built:
        site_id, since = self.place.site_id, self._since(jobs, fresh)
        stored = derived.stored_job_atoms(self.connection, site_id, jobs, since)
        atoms = fresh.over(conform(stored, ATOMS), fresh.atoms.filter(pl.col("job").is_in(sorted(jobs))))
        if atoms.is_empty():
            owned = [(Grain.JOB.value, day, job, causes.get(day, frozenset())) for job in jobs for day in fresh.days]
            return Built(empty(VALUES), _owned(owned))
        known = [*atoms["production_day"].unique().to_list(), *fresh.days]
        bounds = derived.Days(min(known), max(known))
        inputs = self._inputs(
            fresh,
            atoms,
            empty(INTERVAL_SERIES),
            calendar_windows(self.site, bounds.first, bounds.last),
            derived.day_digests(self.connection, site_id, bounds),
        )
        every = _causes(causes, bounds.first, bounds.last)
        owned = [(Grain.JOB.value, day, job, every) for job in jobs for day in each_day(bounds.first, bounds.last)]
        return Built(rollup(inputs, frozenset({Grain.JOB})), _owned(owned))

    def _since(self, jobs: frozenset[str], fresh: Fresh) -> date:
        starts = [job.from_us for job in self.site.jobs if job.key in jobs]
        look_back = (fresh.days[0] if fresh.days else date.max) - JOB_LOOK_BACK
        known = [date.fromtimestamp(min(starts) / 1e6) - 2 * DAY] if starts else []  # noqa: DTZ012 - two days of slack
        return min([look_back, *known])

    def _inputs(
        self,
        fresh: Fresh,
        atoms: pl.DataFrame,
        series: pl.DataFrame,
        windows: pl.DataFrame,
        stored: Mapping[date, str] | None = None,
    ) -> RollupInputs:
        digests = {**(stored or {}), **fresh.digests}
        marks = fresh.over(self._marks(windows), fresh.marks) if stored is not None else fresh.marks
        eras = self._eras(windows) if stored is not None else ()  # a span of days has one registry
        return RollupInputs(self.site, atoms, series, windows, self.now_us, digests, marks, eras)

    def _marks(self, windows: pl.DataFrame) -> pl.DataFrame:
        first, last = windows["production_day"].min(), windows["production_day"].max()
        if not isinstance(first, date) or not isinstance(last, date):
            return empty(MARKS)
        return stored_marks(self.connection, self.site, self.place.site_id, derived.Days(first, last))

    def _eras(self, windows: pl.DataFrame) -> tuple[Era, ...]:
        first, last = windows["production_day"].min(), windows["production_day"].max()
        if not isinstance(first, date) or not isinstance(last, date):
            return ()
        return stored_eras(self.connection, self.site, first, last)


def _extent(wanted: LongWindows) -> derived.Days:
    firsts = [*wanted.weeks, *wanted.months]
    lasts = [*(day + 6 * DAY for day in wanted.weeks), *map(month_end, wanted.months)]
    return derived.Days(min(firsts), max(lasts))


def _causes(causes: Causes, first: date, last: date) -> frozenset[str]:
    return frozenset().union(*(found for day, found in causes.items() if first <= day <= last))


def _owned(rows: Iterable[tuple[str, date, str, frozenset[str]]]) -> pl.DataFrame:
    """Name the windows built, each with its causes: data after a final value is late; without any, the stored value
    tells what differs when it is compared.
    """
    named = [
        (grain, day, job, sorted({"late_data" if cause == "data" else cause for cause in causes - {"carry"}}))
        for grain, day, job, causes in rows
    ]
    return pl.DataFrame(named, schema=OWNED, orient="row").unique(["grain", "production_day", "job"], keep="first")
