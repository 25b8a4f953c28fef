"""How good the readings of each series are, per production day: what came, what was due, gaps, values that stand still.

Numbers only, each of its own window, so that longer windows are sums (of `longest_*` the greatest). Times int64 µs UTC.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from kpi.compute.plan import Plan
from kpi.compute.signals import usable
from kpi.frames import QUALITY
from kpi.sums import Ints
from model.registry import Series, Site
from model.vocabulary import TimeClass

GAP_PERIODS = 3  # a periodic series without max_gap: so many periods without a value are a gap
FLAT_US = 3_600_000_000  # a sampled gauge without flat_limit: so long the same value while the unit produces
_EVER = 2**60  # µs, before and after everything


@dataclass(frozen=True)
class Observed:
    """What quality is read from."""

    site: Site
    plan: Plan
    series: pl.DataFrame  # with rank a
    readings: pl.DataFrame  # in order
    made: pl.DataFrame  # increments of counters
    pieces: pl.DataFrame  # a, from_us, to_us, time_class
    until_us: int | None


@dataclass(frozen=True)
class Rows:
    """The readings of one series; `until` is where the last value ends: now, or never when nothing came after it."""

    ts: Ints
    value: np.ndarray[Any, np.dtype[np.float64]]
    is_usable: np.ndarray[Any, np.dtype[np.bool_]]
    until: int

    @property
    def ends(self) -> Ints:
        """Until when each value is the newest."""
        return np.append(self.ts[1:], max(self.until, int(self.ts[-1]))) if len(self.ts) else self.ts


@dataclass(frozen=True)
class Stretches:
    """Stretches of time that do not overlap, sorted."""

    begin: Ints
    end: Ints

    def clipped(self, low: int, high: int) -> "Stretches":
        """The parts inside [low, high)."""
        near = slice(np.searchsorted(self.end, low, side="right"), np.searchsorted(self.begin, high, side="left"))
        return Stretches(np.maximum(self.begin[near], low), np.minimum(self.end[near], high))

    def until(self, instants: Ints) -> Ints:
        """How much of the stretches lies before each instant, in µs."""
        if not len(self.begin):
            return np.zeros_like(instants)
        length = self.end - self.begin
        before = np.concatenate(([0], np.cumsum(length)))
        at = np.searchsorted(self.begin, instants, side="right")
        last = np.maximum(at - 1, 0)
        inside = np.minimum(instants - self.begin[last], length[last])
        return np.where(at > 0, before[last] + inside, 0)


def series_quality(seen: Observed) -> pl.DataFrame:
    """Measure every series of the computed days, as kpi.frames.QUALITY: one row per series and production day."""
    windows = seen.plan.windows.filter(pl.col("shift") == "").join(seen.plan.assets, on="asset")
    windows = windows.join(seen.plan.bounds, on="a").with_columns(pl.min_horizontal("to_us", "hi").alias("to_us"))
    windows = windows.filter(pl.col("from_us") < pl.col("to_us")).sort("a", "from_us")
    days = {a: part.rows() for (a,), part in windows.select("a", "production_day", "from_us", "to_us").group_by("a")}
    limits = {(each.asset, each.name): each for each in seen.site.series}
    producing = _producing(seen.pieces)
    falls = {key: part["t1"].to_numpy() for (key,), part in seen.made.filter("fell").group_by("series_id")}
    of_series = _slices(seen)
    rows: list[tuple[Any, ...]] = []
    for series_id, a, asset, name, kind in seen.series.select("series_id", "a", "asset", "name", "kind").iter_rows():
        rules = limits.get((asset, name)) or Series(asset=asset, name=name, quantity="", kind=kind)
        runs = producing.get(a, Stretches(_NONE, _NONE))
        judge = _Judge(rules, next(of_series), np.sort(falls.get(series_id, _NONE)), runs)
        rows += ((series_id, asset, name, *day, *judge.window(*day[1:])) for _, *day in days.get(a, []))
    return pl.DataFrame(rows, QUALITY, orient="row").sort("asset", "name", "production_day")


class _Judge:
    """Judges the readings of one series window by window, in the order of kpi.frames.QUALITY."""

    def __init__(self, rules: Series, rows: Rows, fell: Ints, runs: Stretches) -> None:
        self._rules, self._rows, self._fell, self._runs = rules, rows, fell, runs
        self._gaps, self._flats = gaps_of(rows, gap_limit(rules)), flat_lines(rows, flat_limit(rules))
        self._good = rows.ts[rows.is_usable]
        self._odd = rows.ts[rows.is_usable & _outside(rows.value, rules)]

    def window(self, low: int, high: int) -> tuple[int | None, ...]:
        good = _within(self._good, low, high)
        return (
            *(_count(self._rows.ts, low, high), len(good), _due(self._rules, low, high)),
            *_of_gaps(self._gaps, low, high),
            *_of_flats(self._flats, self._runs, flat_limit(self._rules), (low, high)),
            *(_count(self._odd, low, high), _count(self._fell, low, high), int(good[-1]) if len(good) else None),
        )


def gap_limit(rules: Series) -> int | None:
    """How long a periodic series may be without a value; null for one that reports when something changes."""
    if rules.expected_period_us is None:
        return None
    return rules.max_gap_us or GAP_PERIODS * rules.expected_period_us


def flat_limit(rules: Series) -> int | None:
    """How long a value may stand still while its unit produces; null = as long as it likes."""
    if rules.flat_limit_us is not None:
        return rules.flat_limit_us
    return FLAT_US if rules.kind == "gauge" and rules.expected_period_us is not None else None


def gaps_of(rows: Rows, limit_us: int | None) -> Stretches:
    """Find the stretches without a usable value: before the first reading, after bad ones, between too distant ones."""
    if not len(rows.ts):
        return Stretches(np.array([-_EVER]), np.array([_EVER]))
    missing = ~rows.is_usable
    if limit_us is not None:
        missing |= rows.ends - rows.ts > limit_us
    begin, end = np.concatenate(([-_EVER], rows.ts)), np.concatenate((rows.ts[:1], rows.ends))
    at = np.flatnonzero(np.concatenate(([True], missing)))
    first, last = np.diff(at, prepend=-2) > 1, np.diff(at, append=len(begin) + 1) > 1
    return Stretches(begin[at[first]], end[at[last]])


def flat_lines(rows: Rows, limit_us: int | None) -> Stretches:
    """Find the stretches longer than the limit in which every value was the same."""
    if limit_us is None or not len(rows.ts):
        return Stretches(_NONE, _NONE)
    changed = np.ones(len(rows.ts), bool)
    changed[1:] = (rows.value[1:] != rows.value[:-1]) | ~rows.is_usable[1:] | ~rows.is_usable[:-1]
    at = np.flatnonzero(changed)
    begin, end = rows.ts[at], np.append(rows.ts[at[1:]], rows.ends[-1])
    kept = rows.is_usable[at] & (end - begin > limit_us)
    return Stretches(begin[kept], end[kept])


def _of_gaps(gaps: Stretches, low: int, high: int) -> tuple[int, int, int]:
    """Gaps that begin in the window, all time of gaps in it, the longest part of one in it."""
    inside = gaps.clipped(low, high)
    length = inside.end - inside.begin
    begun = np.searchsorted(gaps.begin, high) - np.searchsorted(gaps.begin, low)
    return int(begun), int(length.sum()), int(length.max(initial=0))


def _of_flats(flats: Stretches, runs: Stretches, limit_us: int | None, window: tuple[int, int]) -> tuple[int, int, int]:
    """Flat lines in the window, by the time in which the unit produced meanwhile."""
    if not len(flats.begin):
        return 0, 0, 0
    inside = flats.clipped(*window)
    produced = runs.until(inside.end) - runs.until(inside.begin)
    produced = produced[produced > (limit_us or 0)]
    return len(produced), int(produced.sum()), int(produced.max(initial=0))


def _due(rules: Series, low: int, high: int) -> int:
    """Readings expected in (low, high], as kpi.compute.periodic counts them."""
    period = rules.expected_period_us
    return 0 if period is None else high // period - low // period


def _outside(value: np.ndarray[Any, np.dtype[np.float64]], rules: Series) -> np.ndarray[Any, np.dtype[np.bool_]]:
    outside = np.zeros(len(value), bool)
    if rules.valid_low is not None:
        outside |= value < rules.valid_low
    if rules.valid_high is not None:
        outside |= value > rules.valid_high
    return outside


def _within(ts: Ints, low: int, high: int) -> Ints:
    """Instants in (low, high]."""
    return ts[np.searchsorted(ts, low, side="right") : np.searchsorted(ts, high, side="right")]


def _count(ts: Ints, low: int, high: int) -> int:
    return len(_within(ts, low, high))


def _producing(pieces: pl.DataFrame) -> dict[int, Stretches]:
    runs = pieces.filter(pl.col("time_class") == TimeClass.PRODUCTION.value).select("a", "from_us", "to_us")
    parts = runs.partition_by("a", as_dict=True)
    return {int(a): Stretches(part["from_us"].to_numpy(), part["to_us"].to_numpy()) for (a,), part in parts.items()}


def _slices(seen: Observed) -> Iterator[Rows]:
    """The readings of each series, in the order of the series."""
    ids, ts = seen.readings["series_id"].to_numpy(), seen.readings["ts"].to_numpy()
    value, good = seen.readings["value"].to_numpy(), seen.readings.select(usable().fill_null(value=False)).to_series()
    is_usable = good.to_numpy()
    until = _EVER if seen.until_us is None else seen.until_us
    for series_id in seen.series["series_id"]:
        own = slice(*np.searchsorted(ids, np.array([series_id, series_id + 1], ids.dtype)))
        yield Rows(ts[own], value[own], is_usable[own], until)


_NONE: Ints = np.array([], np.int64)
