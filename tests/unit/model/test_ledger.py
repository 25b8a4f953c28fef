"""Histograms read back, and accounts that add up or do not."""

import math
import re

import pytest

from model.ledger import LATENCY_BOUNDS_MS, SKEW_BOUNDS_MS, Spread, adds_up, spread
from tests.support.schema import schema

BOUNDS = (1, 10, 100)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ([], None),
        ([0, 0, 0, 0], None),
        ([4, 0, 0, 0], Spread(1, 1, 1)),
        ([98, 1, 1, 0], Spread(1, 10, 100)),
        ([1, 1, 0, 0], Spread(1, 10, 10)),
        ([0, 5, 0, 1], Spread(10, math.inf, math.inf)),
        ([0, 0, 0, 1], Spread(math.inf, math.inf, math.inf)),
    ],
)
def test_a_histogram_tells_half_nearly_all_and_the_most(counts: list[int], expected: Spread | None) -> None:
    assert spread(counts, BOUNDS) == expected


def test_a_histogram_that_was_never_filled_is_none() -> None:
    assert spread([0] * (len(LATENCY_BOUNDS_MS) + 1), LATENCY_BOUNDS_MS) is None


def test_each_account_is_checked_by_itself() -> None:
    row = {"received": 4, "processed": 2, "rejected": 1, "redelivered": 1}
    row |= {"decoded": 5, "stored": 2, "duplicate": 1, "conflict": 1, "rejected_value": 1}
    assert adds_up(row) == (True, True)
    assert adds_up({**row, "received": 5}) == (False, True)
    assert adds_up({**row, "conflict": 0}) == (True, False)


def test_the_schema_adds_up_as_many_buckets_as_there_are() -> None:
    for part in schema():
        for name, bounds in (("latency_ms", LATENCY_BOUNDS_MS), ("skew_ms", SKEW_BOUNDS_MS)):
            added = {int(place) for place in re.findall(rf"sum\({name}\[(\d+)\]\)", part)}
            assert added in (set(), set(range(1, len(bounds) + 2)))
