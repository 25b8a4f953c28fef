"""Readings of a package in spans of days, as the KPI computation wants them: with the rows just outside of the span.

Days are read one after the other. In: the readings members. Out: rows of kpi.frames.READINGS.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import polars as pl

from kpi.compute.signals import usable
from kpi.frames import READINGS, empty
from kpi.sums import run_starts
from maturity.package import layout
from maturity.package.content import Package
from maturity.package.parquet import readings_from_parquet
from model.canonical import packed_rows

_ORDER = ("series_id", "ts")


@dataclass(frozen=True)
class Digested:
    """Rows of one series: how many, from when to when (µs UTC, both included), and what they hash to."""

    rows: int
    first: int
    last: int
    sha256: str


@dataclass
class RawDays:
    """The readings members, in order of time: before the period, each day of it, after it.

    Attributes:
        package: where they are.
        ids: number of each series key.
        expected: about how many rows each day has.
        never: days that were never computed.
        heads: the first rows of each series (`firsts`), per member that has been read.
        digests: what the rows of each series hash to, per member that has been read.
    """

    package: Package
    ids: dict[str, int]
    expected: Mapping[date, int] = field(default_factory=dict)
    never: frozenset[date] = frozenset()
    heads: dict[str, pl.DataFrame] = field(default_factory=dict)
    digests: dict[str, dict[int, Digested]] = field(default_factory=dict)
    _kept: dict[str, pl.DataFrame] = field(default_factory=dict)

    @property
    def members(self) -> list[str]:
        """Names of the members, in order of time."""
        return [layout.BEFORE, *map(self.name_of, self.package.manifest.days), layout.AFTER]

    def name_of(self, day: date) -> str:
        """Member of a day: its readings, or what was read of it and the days after it, which were never computed."""
        margin = layout.margin_of(day)
        return margin if day in self.never and margin in self.package.members else layout.readings_of(day)

    def load(self, name: str) -> pl.DataFrame:
        """Rows of a member; a day without readings has no member."""
        if name not in self.package.members:
            return empty(READINGS)
        found = self._kept.pop(name, None)
        if found is None:
            found = in_order(readings_from_parquet(self.package.read(name), name, self.ids))
        if name not in self.heads:
            self.heads[name], self.digests[name] = firsts(found), digested(found)
        return found

    def head(self, name: str) -> pl.DataFrame:
        """First rows of each series of a member."""
        return self.heads[name] if name in self.heads else firsts(self.load(name))

    def keep(self, name: str, rows: pl.DataFrame) -> None:
        """Hold rows of a member that will be asked for next."""
        self._kept = {name: rows}


def digested(rows: pl.DataFrame) -> dict[int, Digested]:
    """Hash the rows of each series as raw_day records do; the rows are in order."""
    ids, ts = rows["series_id"].to_numpy(), rows["ts"].to_numpy()
    packed = packed_rows(ts, rows["value"].fill_null(math.nan).to_numpy(), rows["quality"].to_numpy())
    starts = run_starts(ids).tolist()
    return {
        int(ids[low]): Digested(
            high - low, int(ts[low]), int(ts[high - 1]), sha256(packed[low:high].data.cast("B")).hexdigest()
        )
        for low, high in pairwise([*starts, len(ids)] if starts else [])
    }


def in_order(rows: pl.DataFrame) -> pl.DataFrame:
    """Sort rows by series and time; cheap where each series' rows already follow each other in time."""
    ids, ts = rows["series_id"].to_numpy(), rows["ts"].to_numpy()
    if not len(ids):
        return rows
    if not _is_ordered(ids, ts):
        ranks = ids - ids.min()
        rows = rows[np.argsort(ranks.astype(np.uint16) if ranks.max() < 2**16 else ranks, kind="stable")]
        if not _is_ordered(rows["series_id"].to_numpy(), rows["ts"].to_numpy()):
            return rows.sort(_ORDER).unique(_ORDER, keep="first", maintain_order=True)
    return rows


def _is_ordered(ids: npt.NDArray[np.int32], ts: npt.NDArray[np.int64]) -> bool:
    after = (ids[1:] > ids[:-1]) | ((ids[1:] == ids[:-1]) & (ts[1:] > ts[:-1]))
    return bool(after.all())


def firsts(rows: pl.DataFrame) -> pl.DataFrame:
    """The first row of each series, and its first two that count: what was counted across a border ends at one of them,
    not at a bad row or a false zero. The rows are in order.
    """
    ids = rows["series_id"].to_numpy()
    is_usable = rows.select(usable()).to_series()
    ranked = (np.flatnonzero(mask) for mask in (is_usable, is_usable & (rows["value"] != 0).fill_null(value=False)))
    places = [run_starts(ids), *(_first_two(ids, each) for each in ranked)]
    return rows[np.unique(np.concatenate(places))]


def _first_two(ids: npt.NDArray[np.int32], places: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Those of the places that are the first two of their series."""
    of_places = ids[places]
    is_later = np.zeros(len(places), dtype=bool)
    is_later[2:] = of_places[2:] == of_places[:-2]
    return places[~is_later]


def lasts(rows: pl.DataFrame) -> pl.DataFrame:
    """The last row of each series; the rows are in order."""
    return rows.filter(pl.col("series_id") != pl.col("series_id").shift(-1).fill_null(-1))


def _from_last_before(instant: int) -> pl.Expr:
    """Rows from an instant on, and the last one of each series before it; the rows are in order."""
    is_last = pl.col("series_id") != pl.col("series_id").shift(-1).fill_null(-1)
    return (pl.col("ts") >= instant) | is_last | (pl.col("ts").shift(-1) >= instant)


@dataclass
class Spans:
    """Gives the rows of one span of days after the other.

    Attributes:
        raw: the members.
        steep: numbers of the counters with a highest rate, true where a zero is none: the last row that counts tells of
            these whether the next one is a spike (`around_steep` of the KPI job's reading).
    """

    raw: RawDays
    steep: Mapping[int, bool] = field(default_factory=dict)
    _behind: pl.DataFrame | None = None

    def rows(self, days: tuple[date, ...], read: tuple[int, int], ends: int) -> pl.DataFrame:
        """Rows of a span and those just outside of it, sorted by series and time.

        Args:
            days: of the span; spans are asked for in order, without gaps.
            read: range that its computation reads, in µs UTC (kpi.compute.read_range).
            ends: when the last day of the span ends on the asset on which it ends first.
        """
        if self._behind is None:
            self._behind = self.raw.load(layout.BEFORE)
        inside = [self.raw.load(self.raw.name_of(day)) for day in days]
        ahead = list(self._ahead(self.raw.name_of(days[-1]), read[1]))
        every = in_order(pl.concat([self._behind, *inside, *ahead]))
        counting = lasts(every.filter(self._counts(), pl.col("ts") < read[0]))
        found = in_order(pl.concat([every.filter(_from_last_before(read[0])), counting]))
        late = inside[-1].filter(pl.col("ts") >= ends)
        self._behind = pl.concat([self._lasts([self._behind, *inside]), late]).unique(_ORDER, keep="first").sort(_ORDER)
        return found

    def skip(self, days: tuple[date, ...]) -> None:
        """Pass over days that were never computed."""
        behind = self.raw.load(layout.BEFORE) if self._behind is None else self._behind
        self._behind = self._lasts([behind, *(self.raw.load(self.raw.name_of(day)) for day in days)])

    def _lasts(self, parts: list[pl.DataFrame]) -> pl.DataFrame:
        """The last row of each series, and the last that counts of the steep ones; each part is in order."""
        last = lasts(in_order(pl.concat(map(lasts, parts))))
        counting = lasts(in_order(pl.concat(lasts(part.filter(self._counts())) for part in parts)))
        return in_order(pl.concat([last, counting]))

    def _counts(self) -> pl.Expr:
        zeroing = [number for number, is_zeroing in self.steep.items() if is_zeroing]
        is_value = (pl.col("value") != 0) | ~pl.col("series_id").is_in(zeroing)
        return pl.col("series_id").is_in(list(self.steep)) & usable() & is_value

    def _ahead(self, last: str, until_us: int) -> Iterator[pl.DataFrame]:
        """Rows after a member up to an instant, and of each series the first ones after that."""
        members = self.raw.members
        follow = set(self.raw.ids.values())
        near = True
        for name in members[members.index(last) + 1 :]:
            if not follow:
                return
            if near:
                rows = self.raw.load(name)
                yield rows.filter(pl.col("ts") < until_us)
                later = firsts(rows.filter(pl.col("ts") >= until_us))
                near = later.is_empty()
                if name != layout.AFTER:
                    self.raw.keep(name, rows)
            else:
                later = self.raw.head(name)
            found = later.filter(pl.col("series_id").is_in(sorted(follow)))
            follow.difference_update(found["series_id"])
            yield found
