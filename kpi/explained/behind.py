"""What stood behind values of one kind of window: the stored pieces of a scope in, its base sums out, made again."""

from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

import msgspec
import polars as pl

from kpi.catalogue import Basis, Kpi
from kpi.energy.split import Held
from kpi.errors import KpiError
from kpi.frames import ATOMS, INTERVAL_SERIES, conform, empty
from kpi.hours import hour_of
from kpi.rollup.capability import characteristic_rows
from kpi.rollup.rolling import RollupInputs, scopes_of, sources_by_days, wide_rows
from kpi.rollup.windows import calendar_windows
from kpi.running.work import DAY, month_end
from kpi.stored_eras import stored_eras
from model.instants import micros
from model.registry import Site
from model.vocabulary import Grain
from store import derived
from store import explain as stored
from store.pool import Connection

LOOK_BACK = timedelta(days=400)  # of a job's pieces
_KEPT_SITES = 8


class NotKeptError(KpiError):
    """The registry or the pieces behind a value are not kept any more."""


@dataclass(frozen=True)
class Kind:
    """Windows that were made together: with which registry, of which grain and days, of which job, when."""

    config: str
    grain: str
    first: date
    last: date
    job: str
    computed_at: datetime


@dataclass(frozen=True)
class Made:
    """The site, the pieces of one scope, and the base sums of its windows of the kind."""

    site: Site
    atoms: pl.DataFrame
    sources: pl.DataFrame  # scope, asset
    wide: pl.DataFrame
    measured: pl.DataFrame  # the same rows once more for each measured characteristic
    held: list[tuple[pl.DataFrame, date, date]]  # sources, and the first and last day on which they were those

    def row(self, kpi: Kpi, value: dict[str, Any]) -> pl.DataFrame:
        """The row of base sums that a value was made from.

        Raises:
            NotKeptError: its pieces are gone.
        """
        names = ("shift", "product") if value["grain"] == Grain.JOB else ("production_day", "shift", "product")
        keys = {"scope": value["asset"], "job": value["job"], **{name: value[name] for name in names}}
        if value["grain"] == Grain.HOUR:
            keys["window_start"] = micros(value["window_start"])
        rows = self.wide
        if kpi.basis is Basis.SAMPLE:
            rows, keys["characteristic"] = self.measured, value["variant"]
        found = rows.filter(*(pl.col(name) == key for name, key in keys.items()))
        if found.is_empty():
            raise NotKeptError("The pieces of time and counts behind this value are not kept here any more.")
        return found.head(1)

    def contributing(self, scope: str) -> list[str]:
        """Assets whose pieces enter the values of a scope."""
        return self.sources.filter(pl.col("scope") == scope)["asset"].unique().sort().to_list()

    def meters(self, scope: str) -> list[Held]:
        """The meters of a scope, stretch of days by stretch of days."""
        return [Held(sources.filter(pl.col("scope") == scope), first, last) for sources, first, last in self.held]

    def pieces(self, value: dict[str, Any]) -> pl.DataFrame:
        """The pieces of a value's window, of the assets that enter it."""
        wanted = [pl.col("asset").is_in(self.contributing(value["asset"]))]
        match value["grain"]:
            case Grain.HOUR:
                start = pl.lit(micros(value["window_start"]))
                hour = hour_of(start, self.site.timezone)
                wanted += [pl.col("hour_us") == hour, pl.col("production_day") == value["production_day"]]
            case Grain.SHIFT | Grain.PRODUCT | Grain.JOB:
                wanted.append(pl.col(value["grain"]) == value[value["grain"]])
        return self.atoms.filter(*wanted)


@dataclass
class Archive:
    """What is kept of a site; the windows that were made again last are at hand for the next value of their kind."""

    connection: Connection
    site_id: int
    _sites: dict[str, Site] = field(default_factory=dict)
    _last: tuple[Kind, RollupInputs, dict[str, Made]] | None = None

    def made(self, kind: Kind, scope: str) -> Made:
        """Make the base sums of a scope again, of a kind of windows.

        Raises:
            NotKeptError: the registry or the pieces are gone.
        """
        if self._last is None or self._last[0] != kind:
            self._last = kind, self._contents(kind), {}
        _, contents, made = self._last
        if scope not in made:
            made[scope] = self._make(kind, contents, scope)
        return made[scope]

    def forget(self) -> None:
        """Read the windows that were made last anew: they have been computed again."""
        self._last = None

    def site(self, config: str) -> Site:
        """The registry that was in force, from the snapshot that a value names.

        Raises:
            NotKeptError: it is gone.
        """
        if config not in self._sites:
            text = stored.config(self.connection, self.site_id, config)
            if text is None:
                raise NotKeptError(f"The registry {config[:12]}… that this value names is not kept here.")
            if len(self._sites) >= _KEPT_SITES:
                self._sites.clear()
            self._sites[config] = msgspec.json.decode(text, type=Site)
        return self._sites[config]

    def _make(self, kind: Kind, contents: RollupInputs, scope: str) -> Made:
        every = scopes_of(contents)
        found = every.limited([scope])
        inputs = self._pieces(kind, contents, found.sources["asset"].to_list())
        grains = frozenset({Grain(kind.grain)})
        wide = wide_rows(inputs, found, grains)
        measured = characteristic_rows(inputs.atoms, found.sources, wide, grains)
        return Made(inputs.site, inputs.atoms, found.sources, wide, measured, sources_by_days(contents))

    def _contents(self, kind: Kind) -> RollupInputs:
        """What there is of which asset on which day, which tells what contributes to what; of a job all its pieces."""
        site = self.site(kind.config)
        if kind.grain == Grain.JOB:
            found = derived.stored_job_atoms(self.connection, self.site_id, [kind.job], kind.first - LOOK_BACK)
        else:
            found = derived.stored_contents(self.connection, self.site_id, derived.Days(kind.first, kind.last))
        atoms = conform(found, ATOMS)
        if atoms.is_empty():
            raise NotKeptError("The pieces of time and counts behind this value are not kept here.")
        known = atoms["production_day"]
        windows = calendar_windows(site, min([kind.first, *known]) - DAY, max([kind.last, *known]) + DAY)
        now_us = micros(kind.computed_at)
        long = kind.grain in {Grain.WEEK, Grain.MONTH, Grain.JOB}
        eras = stored_eras(self.connection, site, min(known), max([kind.last, *known])) if long else ()
        return RollupInputs(site, atoms, empty(INTERVAL_SERIES), windows, now_us, eras=eras)

    def _pieces(self, kind: Kind, contents: RollupInputs, assets: list[str]) -> RollupInputs:
        """The pieces of some assets."""
        if kind.grain == Grain.JOB:
            return replace(contents, atoms=contents.atoms.filter(pl.col("asset").is_in(assets)))
        days = derived.Days(kind.first, kind.last)
        atoms = derived.stored_atoms(self.connection, self.site_id, days, assets)
        series = derived.stored_interval_series(self.connection, self.site_id, days, assets)
        return replace(contents, atoms=conform(atoms, ATOMS), interval_series=conform(series, INTERVAL_SERIES))


def kind_of(value: dict[str, Any]) -> Kind:
    """The kind of windows that a value belongs to."""
    first, last = days_of(value)
    return Kind(value["config_digest"], value["grain"], first, last, value["job"], value["computed_at"])


def days_of(value: dict[str, Any]) -> tuple[date, date]:
    """The production days of a value's window, both included."""
    first: date = value["production_day"]
    match value["grain"]:
        case Grain.WEEK:
            return first, first + timedelta(days=6)
        case Grain.MONTH:
            return first, month_end(first)
        case Grain.JOB:
            return first, max(first, value["window_end"].date())
        case _:
            return first, first
