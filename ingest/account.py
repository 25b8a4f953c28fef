"""Both accounts of a batch, per device and hour of receipt. Pure: a finished plan in, ledger rows and marks out.

Messages: received = processed + rejected + redelivered. Values (events among them): decoded = stored + duplicate +
conflict + rejected_value. Derived messages count their values only; replays are received again, and counted beside.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ingest.columns import CONFLICT, DUPLICATE, REJECTED, STORED, Ints, Plan
from ingest.headers import Key
from ingest.limits import DAY_US, HOUR_US
from model.instants import instant
from model.ledger import COUNTS, LATENCY_BOUNDS_MS, SKEW_BOUNDS_MS

_DAYS = 1 << 24  # more days than any time here has


@dataclass(frozen=True)
class Account:
    """Counts of one device and hour."""

    counts: dict[str, int]
    latency_ms: list[int]
    skew_ms: list[int]


@dataclass
class Tally:
    """What became of the values of each message of a plan, as columns."""

    stored: Ints
    duplicate: Ints
    conflict: Ints
    rejected: Ints

    @property
    def decoded(self) -> Ints:
        return self.stored + self.duplicate + self.conflict + self.rejected


def tally(plan: Plan) -> Tally:
    """Count the outcomes per message."""
    size = len(plan.messages)
    counts = [np.bincount(plan.message[plan.outcome == outcome], minlength=size) for outcome in range(4)]
    for event in plan.events:
        counts[event.outcome][event.message] += 1
    rejected = counts[REJECTED] + plan.rejected_decoding + plan.event_rejections
    return Tally(counts[STORED], counts[DUPLICATE], counts[CONFLICT], rejected)


def message_outcomes(plan: Plan, counted: Tally, again: Collection[int] = ()) -> dict[str, npt.NDArray[np.bool_]]:
    """In which column of the message account each message stands; derived ones stand in none.

    Args:
        plan: with all outcomes known.
        counted: its values.
        again: places of refused messages that were kept before and are delivered again.
    """
    decoded, headers = counted.decoded, plan.headers
    own, dup = ~headers.is_derived, headers.may_repeat
    rejected = headers.is_refused | ((decoded > 0) & (counted.rejected == decoded))
    redelivered = ~rejected & dup & (decoded > 0) & (counted.stored == 0)
    if again:
        places = np.array(sorted(again), np.int64)
        rejected[places], redelivered[places] = False, True
    return {
        "received": own,
        "processed": own & ~rejected & ~redelivered,
        "rejected": own & rejected,
        "redelivered": own & redelivered,
    }


def accounts(plan: Plan, counted: Tally, now_us: int, again: Collection[int] = ()) -> dict[Key, Account]:
    """Accounts by (site id, device id, hour); 0 stands for not known."""
    headers, group, size = plan.headers, plan.headers.group, len(plan.headers.keys)
    received_us = headers.received_us
    outcomes = message_outcomes(plan, counted, again)
    columns: dict[str, npt.NDArray[Any]] = {
        **outcomes,
        "decoded": counted.decoded,
        "stored": counted.stored,
        "duplicate": counted.duplicate,
        "conflict": counted.conflict,
        "rejected_value": counted.rejected,
        "ignored": headers.ignored,
        "missing_seq": headers.missing,
        "replayed": headers.is_replay,
    }
    sums = {name: _sums(group, column, size) for name, column in columns.items()}
    live = outcomes["received"] & ~headers.is_replay  # a replay says nothing about the time of the way here
    latency = _histograms(group[live], ((now_us - received_us) / 1000)[live], LATENCY_BOUNDS_MS, size)
    newest_us = newest(plan)
    timed = live & (newest_us > 0)
    skew = _histograms(group[timed], ((received_us - newest_us) / 1000)[timed], SKEW_BOUNDS_MS, size)
    rows = list(zip(*(sums[name] for name in COUNTS), strict=True))
    counts = [dict(zip(COUNTS, row, strict=True)) for row in rows]
    found = map(Account, counts, latency, skew)
    return dict(zip(headers.keys, found, strict=True))


def _sums(group: Ints, column: npt.NDArray[Any], groups: int) -> list[int]:
    """Sums of whole numbers by group (exact: far below 2^53)."""
    totals: list[int] = np.bincount(group, weights=column, minlength=groups).astype(np.int64).tolist()
    return totals


def _histograms(group: Ints, values: npt.NDArray[np.float64], bounds: tuple[int, ...], groups: int) -> list[list[int]]:
    """Counts per bucket by group; a value on a bound belongs below it."""
    width = len(bounds) + 1
    buckets = np.searchsorted(np.array(bounds), values, side="left")
    counts = np.bincount(group * width + buckets, minlength=groups * width)
    found: list[list[int]] = counts.reshape(groups, width).tolist()
    return found


def newest(plan: Plan) -> Ints:
    """The newest device time of each message in µs, 0 where it has none."""
    result = np.zeros(len(plan.messages), np.int64)
    np.maximum.at(result, plan.message, plan.ts_us)
    return result


def ledger_rows(found: dict[Key, Account]) -> list[dict[str, Any]]:
    """Accounts as rows of `ledger_delta`."""
    return [
        {
            "hour": instant(hour * HOUR_US),
            "site_id": site_id or None,
            "device_id": device_id or None,
            **account.counts,
            "latency_ms": account.latency_ms,
            "skew_ms": account.skew_ms,
        }
        for (site_id, device_id, hour), account in sorted(found.items())
    ]


def dirty_marks(plan: Plan) -> list[tuple[int, int, int]]:
    """One half-open range (site, from, to in µs) for each site and UTC day that changed.

    Args:
        plan: with all outcomes known.
    """
    ranges: dict[tuple[int, int], tuple[int, int]] = {}

    def add(site_id: int, from_us: int, to_us: int) -> None:
        for day in range(from_us // DAY_US, (to_us - 1) // DAY_US + 1):
            start, end = max(from_us, day * DAY_US), min(to_us, (day + 1) * DAY_US)
            known = ranges.get((site_id, day), (start, end))
            ranges[site_id, day] = min(known[0], start), max(known[1], end)

    is_changed = (plan.outcome == STORED) | (plan.outcome == CONFLICT)
    is_changed[plan.known_conflicts] = False
    changed = np.flatnonzero(is_changed)
    for site_id, start, end in _by_site_and_day(plan, changed):
        add(site_id, start, end)
    for event in plan.events:
        if event.outcome in {STORED, CONFLICT} and not event.known:
            row = event.row
            start = row.ts_us if row.from_us is None else min(row.ts_us, row.from_us)
            end = max(row.ts_us + 1, row.to_us or 0)
            add(row.site_id, start, end)
    return [(site_id, start, end) for (site_id, _), (start, end) in sorted(ranges.items())]


def _by_site_and_day(plan: Plan, changed: Ints) -> list[tuple[int, int, int]]:
    """Ranges of the changed readings, already joined within each site and day."""
    if not len(changed):
        return []
    ts_us, lead_us = plan.ts_us[changed], plan.lead_us[changed]
    start = ts_us - lead_us
    # A reading that closes its interval says nothing about its own instant.
    end = ts_us + np.where(lead_us > 0, 0, 1) + plan.lag_us[changed]
    site = plan.site_id[changed].astype(np.int64)
    key = site * _DAYS + ts_us // DAY_US
    order = np.argsort(key, kind="stable")
    first = np.flatnonzero(np.diff(key[order], prepend=-1))
    starts = np.minimum.reduceat(start[order], first)
    ends = np.maximum.reduceat(end[order], first)
    sites = site[order][first]
    return list(zip(sites.tolist(), starts.tolist(), ends.tolist(), strict=True))
