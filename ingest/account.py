"""Both accounts of a batch, per device and hour of receipt. Pure: a finished plan in, ledger rows and marks out.

Messages: received = processed + rejected + redelivered. Values (events among them): decoded = stored + duplicate +
conflict + rejected_value.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ingest.limits import DAY_US, HOUR_US
from ingest.message import Message
from ingest.plan import CONFLICT, DUPLICATE, REJECTED, STORED, Ints, Plan
from model.ledger import COUNTS, LATENCY_BOUNDS_MS, SKEW_BOUNDS_MS


@dataclass
class Account:
    """Counts of one device and hour."""

    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTS, 0))
    latency_ms: list[int] = field(default_factory=lambda: [0] * (len(LATENCY_BOUNDS_MS) + 1))
    skew_ms: list[int] = field(default_factory=lambda: [0] * (len(SKEW_BOUNDS_MS) + 1))


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


class SeqWatch:
    """Counts numbers that are missing in the `seq` of each device; a number that goes back starts anew."""

    def __init__(self) -> None:
        self._last: dict[int, int] = {}

    def missing(self, messages: Iterable[Message]) -> tuple[list[int], dict[int, int]]:
        """Missing numbers before each message, and the last numbers to remember after the commit."""
        last: dict[int, int] = {}
        result = []
        for message in messages:
            count = 0
            device = message.source.device_id
            if message.decoded.seq and device and not message.dup:
                for seq in message.decoded.seq:
                    before = last.get(device, self._last.get(device))
                    count += max(0, seq - before - 1) if before is not None else 0
                    last[device] = seq
            result.append(count)
        return result, last

    def commit(self, last: dict[int, int]) -> None:
        """These numbers were seen and stored."""
        self._last.update(last)


def tally(plan: Plan) -> Tally:
    """Count the outcomes per message."""
    size = len(plan.messages)
    counts = [np.bincount(plan.message[plan.outcome == outcome], minlength=size) for outcome in range(4)]
    for event in plan.events:
        counts[event.outcome][event.message] += 1
    rejected = counts[REJECTED] + plan.rejected_decoding + plan.event_rejections
    return Tally(counts[STORED], counts[DUPLICATE], counts[CONFLICT], rejected)


def message_outcome(message: Message, *, decoded: int, stored: int, rejected: int) -> str:
    """In which column of the message account a message stands."""
    if message.decoded.whole is not None or (decoded and rejected == decoded):
        return "rejected"
    if message.dup and decoded and not stored:
        return "redelivered"
    return "processed"


def accounts(plan: Plan, counted: Tally, missing: list[int], now_us: int) -> dict[tuple[int, int, int], Account]:
    """Accounts by (site id, device id, hour); 0 stands for not known."""
    result: dict[tuple[int, int, int], Account] = defaultdict(Account)
    columns = (
        *(counted.decoded.tolist(), counted.stored.tolist(), counted.duplicate.tolist()),
        *(counted.conflict.tolist(), counted.rejected.tolist(), newest(plan).tolist(), missing),
    )
    rows = zip(plan.messages, *columns, strict=True)
    for message, decoded, stored, duplicate, conflict, rejected, newest_us, gap in rows:
        source, received_us = message.source, message.received_us
        account = result[source.site_id, source.device_id, received_us // HOUR_US]
        counts = account.counts
        counts["received"] += 1
        counts[message_outcome(message, decoded=decoded, stored=stored, rejected=rejected)] += 1
        counts["decoded"] += decoded
        counts["stored"] += stored
        counts["duplicate"] += duplicate
        counts["conflict"] += conflict
        counts["rejected_value"] += rejected
        counts["ignored"] += message.decoded.ignored
        counts["missing_seq"] += gap
        account.latency_ms[bisect_left(LATENCY_BOUNDS_MS, (now_us - received_us) / 1000)] += 1
        if newest_us:
            account.skew_ms[bisect_left(SKEW_BOUNDS_MS, (received_us - newest_us) / 1000)] += 1
    return result


def newest(plan: Plan) -> Ints:
    """The newest device time of each message in µs, 0 where it has none."""
    result = np.zeros(len(plan.messages), np.int64)
    np.maximum.at(result, plan.message, plan.ts_us)
    return result


def ledger_rows(found: dict[tuple[int, int, int], Account]) -> list[dict[str, Any]]:
    """Accounts as rows of `ledger_delta`; the hour in µs."""
    return [
        {
            "hour_us": hour * HOUR_US,
            "site_id": site_id or None,
            "device_id": device_id or None,
            **account.counts,
            "latency_ms": account.latency_ms,
            "skew_ms": account.skew_ms,
        }
        for (site_id, device_id, hour), account in sorted(found.items())
    ]


def dirty_marks(plan: Plan, lead_us: Ints, lag_us: Ints) -> list[tuple[int, int, int]]:
    """One half-open range (site, from, to in µs) for each site and UTC day that changed.

    Args:
        plan: with all outcomes known.
        lead_us: per series ref, how far a reading reaches back (interval readings with end labels).
        lag_us: per series ref, how far it reaches on.
    """
    ranges: dict[tuple[int, int], tuple[int, int]] = {}

    def add(site_id: int, from_us: int, to_us: int) -> None:
        for day in range(from_us // DAY_US, (to_us - 1) // DAY_US + 1):
            start, end = max(from_us, day * DAY_US), min(to_us, (day + 1) * DAY_US)
            known = ranges.get((site_id, day), (start, end))
            ranges[site_id, day] = min(known[0], start), max(known[1], end)

    changed = np.flatnonzero((plan.outcome == STORED) | (plan.outcome == CONFLICT))
    for site_id, start, end in _by_site_and_day(plan, changed, lead_us, lag_us):
        add(site_id, start, end)
    for event in plan.events:
        if event.outcome in {STORED, CONFLICT}:
            row = event.row
            start = row.ts_us if row.from_us is None else min(row.ts_us, row.from_us)
            end = max(row.ts_us + 1, row.to_us or 0)
            add(row.site_id, start, end)
    return [(site_id, start, end) for (site_id, _), (start, end) in sorted(ranges.items())]


def _by_site_and_day(plan: Plan, changed: Ints, lead_us: Ints, lag_us: Ints) -> list[tuple[int, int, int]]:
    """Ranges of the changed readings, already joined within each site and day."""
    if not len(changed):
        return []
    ref = plan.ref[changed]
    start = plan.ts_us[changed] - lead_us[ref]
    end = plan.ts_us[changed] + 1 + lag_us[ref]
    keys = np.stack((plan.site_id[changed].astype(np.int64), plan.ts_us[changed] // DAY_US))
    _, group = np.unique(keys, axis=1, return_inverse=True)
    group = group.reshape(-1)
    order = np.argsort(group, kind="stable")
    first = np.flatnonzero(np.diff(group[order], prepend=-1))
    starts = np.minimum.reduceat(start[order], first)
    ends = np.maximum.reduceat(end[order], first)
    sites = keys[0][order][first]
    return list(zip(sites.tolist(), starts.tolist(), ends.tolist(), strict=True))
