"""Numbers out of the samples of a phase. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise


@dataclass(frozen=True)
class Sample:
    """What was known at an instant; `stored` and `received` stay as they were while the database is away."""

    at_s: float
    sent_values: int
    stored: int
    received: int


def longest_stall_s(samples: Sequence[Sample]) -> float:
    """The longest time in which nothing was committed although something waited."""
    longest, since = 0.0, None
    for before, now in pairwise(samples):
        waiting = now.sent_values > now.stored
        if not waiting or now.received != before.received:
            since = now.at_s
        elif since is None:
            since = before.at_s
        if waiting and since is not None:
            longest = max(longest, now.at_s - since)
    return longest


def rate_per_s(samples: Sequence[Sample], from_s: float, until_s: float) -> float | None:
    """Values stored in a second between two instants; None where that is too short to tell."""
    there = [sample for sample in samples if from_s <= sample.at_s <= until_s]
    if len(there) < 2 or there[-1].at_s - there[0].at_s < 0.2:
        return None
    return (there[-1].stored - there[0].stored) / (there[-1].at_s - there[0].at_s)


def caught_up_s(samples: Sequence[Sample], after_s: float, slack_values: float) -> float | None:
    """The first instant after another at which no more than so many values were outstanding."""
    return next(
        (one.at_s for one in samples if one.at_s >= after_s and one.sent_values - one.stored <= slack_values), None
    )


def first_commit_s(samples: Sequence[Sample], after_s: float) -> float | None:
    """How long after an instant the next commit was seen."""
    start = next((one for one in samples if one.at_s >= after_s), None)
    if start is None:
        return None
    return next((one.at_s - after_s for one in samples if one.at_s >= after_s and one.received > start.received), None)
