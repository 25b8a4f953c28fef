"""Amounts that happened at an instant or over a stretch of time, spread over pieces of time.

An instant belongs to the piece that ends at it or around it, (from, to]: a reading counts what happened up to it.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl

from kpi.sums import Ints, run_starts, run_sums

_BITS = 48  # µs: nearly nine years of one computation, for 32,768 assets


@dataclass(frozen=True)
class Pieces:
    """Pieces of time of many assets, sorted by asset rank and start, searchable by (asset, instant)."""

    origin: int
    from_us: Ints
    to_us: Ints
    first: Ints  # per asset rank: start of its first piece
    last: Ints  # per asset rank: end of its last piece
    keys: Ints

    @classmethod
    def of(cls, frame: pl.DataFrame) -> "Pieces":
        """Index pieces (a, from_us, to_us) that are sorted and touch each other within an asset."""
        a, begin, end = (frame[name].to_numpy().astype(np.int64) for name in ("a", "from_us", "to_us"))
        origin = int(begin.min()) if len(begin) else 0
        ranks = int(a.max()) + 1 if len(a) else 0
        first, last = np.zeros(ranks, np.int64), np.zeros(ranks, np.int64)
        first[a[::-1]], last[a] = begin[::-1], end
        return cls(origin, begin, end, first, last, (a << _BITS) | (begin - origin))

    def ending(self, a: Ints, instant: Ints) -> Ints:
        """Find the piece (from, to] of each instant, which must lie inside the asset's pieces."""
        return np.searchsorted(self.keys, (a << _BITS) | (instant - self.origin), side="left") - 1

    def beginning(self, a: Ints, instant: Ints) -> Ints:
        """Find the piece [from, to) of each instant, which must lie inside the asset's pieces."""
        return np.searchsorted(self.keys, (a << _BITS) | (instant - self.origin), side="right") - 1

    def of_asset(self, a: int) -> tuple[int, int]:
        """Give the range of an asset's pieces."""
        return int(np.searchsorted(self.keys, a << _BITS)), int(np.searchsorted(self.keys, (a + 1) << _BITS))

    def reach(self, a: Ints) -> tuple[Ints, Ints]:
        """Give first and last border of each asset, equal where it has no piece."""
        inside = np.where(a < len(self.first), a, 0)
        if not len(self.first):
            return np.zeros_like(a), np.zeros_like(a)
        known = a < len(self.first)
        return np.where(known, self.first[inside], 0), np.where(known, self.last[inside], 0)


def at_instants(rows: pl.DataFrame, pieces: Pieces) -> pl.DataFrame:
    """Keep the rows (a, t1, ...) whose instant t1 lies in a piece and name it in column `p`."""
    a, t1 = rows["a"].to_numpy().astype(np.int64), rows["t1"].to_numpy()
    low, high = pieces.reach(a)
    inside = (t1 > low) & (t1 <= high)
    return rows.filter(inside).with_columns(pl.Series("p", pieces.ending(a[inside], t1[inside]), pl.Int64))


def over_time(rows: pl.DataFrame, pieces: Pieces) -> pl.DataFrame:
    """Spread rows (series_id, a, t0, t1, amount; sorted) evenly over (t0, t1) and sum per series and piece.

    Returns:
        (series_id, p, amount, covered_us), each series' parts added in the order of time.
    """
    a = rows["a"].to_numpy().astype(np.int64)
    low, high = pieces.reach(a)
    t0, t1 = rows["t0"].to_numpy(), rows["t1"].to_numpy()
    begin, end = np.maximum(t0, low), np.minimum(t1, high)
    row = np.flatnonzero(begin < end)
    a, begin, end = a[row], begin[row], end[row]
    p0, p1 = pieces.beginning(a, begin), pieces.ending(a, end)
    times = p1 - p0 + 1
    which = np.repeat(np.arange(len(row)), times)
    p = p0[which] + np.arange(len(which)) - np.repeat(np.cumsum(times) - times, times)
    covered = np.minimum(end[which], pieces.to_us[p]) - np.maximum(begin[which], pieces.from_us[p])
    row = row[which]
    amount = rows["amount"].to_numpy()[row] * (covered / (t1 - t0)[row])
    series = rows["series_id"].to_numpy()[row]
    starts = run_starts(series, p)
    return pl.DataFrame(
        {
            "series_id": pl.Series(series[starts], dtype=pl.Int32),
            "p": pl.Series(p[starts], dtype=pl.Int64),
            "amount": pl.Series(run_sums(amount, starts), dtype=pl.Float64),
            "covered_us": pl.Series(np.add.reduceat(covered, starts) if len(starts) else covered, dtype=pl.Int64),
        }
    )
