"""What the ledger of ingest counts in: bounds of its histograms, the names of its two accounts, and how they add up."""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

# Milliseconds from receipt to the commit's last statement; counts per bucket, one more bucket above the last bound.
LATENCY_BOUNDS_MS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000)

# Milliseconds from the newest device time of a message to its receipt; negative = the device's clock is ahead.
SKEW_BOUNDS_MS = (
    *(-600_000, -60_000, -10_000, -1_000, -100, 0, 100, 500, 1_000, 5_000, 10_000, 60_000, 600_000),
    *(3_600_000, 86_400_000),
)

# Messages: the first is the sum of the others.
MESSAGE_ACCOUNT = ("received", "processed", "rejected", "redelivered")
# Values: the first is the sum of the others.
VALUE_ACCOUNT = ("decoded", "stored", "duplicate", "conflict", "rejected_value")
# Beside the accounts: values that a mapping leaves out on purpose, numbers missing in a device's sequence (those of
# a native `seq` are not counted with the batch but found between the sets of numbers), and which of the received
# messages were replays of rejected ones.
BESIDE = ("ignored", "missing_seq", "replayed")
COUNTS = (*MESSAGE_ACCOUNT, *VALUE_ACCOUNT, *BESIDE)


class Spread(NamedTuple):
    """What a histogram says, in ms: half, 99 % and all of the counts are at most this (infinite above all bounds)."""

    p50: float
    p99: float
    most: float


def spread(counts: Sequence[int], bounds: Sequence[int]) -> Spread | None:
    """Read a histogram; null where nothing was counted. Exact only to the bounds of its buckets."""
    total = sum(counts)
    if not total:
        return None
    return Spread(*(_at_most(counts, bounds, total * share) for share in (0.5, 0.99, 1.0)))


def quantile(counts: Sequence[int], bounds: Sequence[int], share: float) -> float | None:
    """The least bound (ms) that a share of the counts is not above; null where nothing was counted."""
    return _at_most(counts, bounds, sum(counts) * share) if sum(counts) else None


def _at_most(counts: Sequence[int], bounds: Sequence[int], wanted: float) -> float:
    seen = 0
    for place, count in enumerate(counts):
        seen += count
        if count and seen >= wanted:
            return bounds[place] if place < len(bounds) else math.inf
    return math.inf


def adds_up(row: Mapping[str, int]) -> tuple[bool, bool]:
    """Whether the account of messages and that of values add up."""
    messages, values = (
        row[whole] == sum(row[part] for part in parts) for whole, *parts in (MESSAGE_ACCOUNT, VALUE_ACCOUNT)
    )
    return messages, values
