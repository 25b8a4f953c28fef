"""Hours of the site's own clock: windows of an hour begin where the clock shows a full one, also half-hour zones'.

In: instants in µs UTC and an IANA zone. Out: the instant at which their hour began. Local dates change at such borders,
so an hour is of one date, one price and one factor. Where an offset changes by a part of an hour, an hour begins, and
those after it are hours of the new offset.
"""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import polars as pl

from kpi.frames import HOUR_US

_FIRST, _LAST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
_STEP = timedelta(days=7)
_LEAST = timedelta(minutes=1)


def hour_of(at: pl.Expr, zone: str) -> pl.Expr:
    """Begin of the hour of the local clock that an instant lies in."""
    (_, first), *later = phases(zone)
    if not later:
        return _floor(at, first)
    before = [first, *(phase for _, phase in later)]
    steps = [(at >= since) * (phase - old) for (since, phase), old in zip(later, before, strict=False)]
    ahead = pl.sum_horizontal(pl.lit(first, pl.Int64), *steps)
    changed = pl.max_horizontal(pl.lit(0), *(pl.when(at >= since).then(since) for since, _ in later))
    return pl.max_horizontal((at + ahead) // HOUR_US * HOUR_US - ahead, changed)


def hour_end(start: pl.Expr, zone: str) -> pl.Expr:
    """End of the hour that begins at an instant: shorter where the clock's offset changes by a part of an hour."""
    whole = start + HOUR_US
    if len(phases(zone)) == 1:
        return whole
    following = hour_of(whole - 1, zone)
    return pl.when(following > start).then(following).otherwise(whole)


def hour_starts(zone: str, low: str, high: str) -> list[pl.Expr]:
    """Lists of the instants between two columns (µs UTC) at which an hour may begin, one for each phase of the zone."""
    return [
        pl.int_ranges(_floor(pl.col(low) + HOUR_US - 1, phase), high, HOUR_US)
        for phase in sorted({phase for _, phase in phases(zone)})
    ]


@lru_cache(maxsize=64)
def phases(zone: str) -> tuple[tuple[int, int], ...]:
    """From which instants (µs UTC) on the clock is ahead of UTC by how much more than whole hours (µs); from 2000 on,
    before that as then.
    """
    clock, at = ZoneInfo(zone), _FIRST
    found = [(0, _phase(clock, at))]
    while at < _LAST:
        following = at + _STEP
        if _phase(clock, following) != found[-1][1]:
            change = _change(clock, at, following)
            found.append((round(change.timestamp()) * 1_000_000, _phase(clock, change)))
            following = change
        at = following
    return tuple(found)


def _change(clock: ZoneInfo, low: datetime, high: datetime) -> datetime:
    before = _phase(clock, low)
    while high - low > _LEAST:
        middle = low + (high - low) / 2
        middle = middle.replace(second=0, microsecond=0)
        low, high = (middle, high) if _phase(clock, middle) == before else (low, middle)
    return high


def _phase(clock: ZoneInfo, at: datetime) -> int:
    offset = at.astimezone(clock).utcoffset()
    return 0 if offset is None else round(offset.total_seconds() * 1e6) % HOUR_US


def _floor(at: pl.Expr, phase: int) -> pl.Expr:
    whole = at // HOUR_US * HOUR_US
    return whole if phase == 0 else (at + phase) // HOUR_US * HOUR_US - phase
