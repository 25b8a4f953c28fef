"""Rows of a package in spans of days: those just outside of a span come with it."""

from dataclasses import dataclass, field
from datetime import date
from types import SimpleNamespace
from typing import cast

import polars as pl

from kpi.frames import READINGS, empty
from maturity.package import layout
from maturity.package.content import Package
from maturity.package.rows import RawDays, Spans

FIRST, SECOND = date(2026, 3, 2), date(2026, 3, 3)
GOOD, BAD = 0, 2
STEEP, PLAIN = 1, 2


@dataclass
class Held(RawDays):
    """Members that are frames in memory."""

    frames: dict[str, pl.DataFrame] = field(default_factory=dict)

    def load(self, name: str) -> pl.DataFrame:
        return self.frames.get(name, empty(READINGS))


def rows(*of: tuple[int, int, float, int]) -> pl.DataFrame:
    return pl.DataFrame(sorted(of), READINGS, orient="row")


def held(**frames: pl.DataFrame) -> Held:
    package = cast("Package", SimpleNamespace(manifest=SimpleNamespace(days=(FIRST, SECOND)), members=[]))
    names = {"before": layout.BEFORE, "first": layout.readings_of(FIRST), "second": layout.readings_of(SECOND)}
    return Held(package, {"a": STEEP, "b": PLAIN}, frames={names[name]: frame for name, frame in frames.items()})


def test_a_steep_counter_brings_its_last_row_that_counts() -> None:
    before = rows(*((each, ts, 5.0, quality) for each in (STEEP, PLAIN) for ts, quality in ((80, GOOD), (90, BAD))))
    first = rows(*((each, ts, value, GOOD) for each in (STEEP, PLAIN) for ts, value in ((110, 9.0), (190, 0.0))))
    second = rows(*((each, 210, 10.0, GOOD) for each in (STEEP, PLAIN)))
    spans = Spans(held(before=before, first=first, second=second), {STEEP: True})
    of_first = spans.rows((FIRST,), (100, 200), 200)
    assert of_first.filter(series_id=STEEP)["ts"].to_list() == [80, 90, 110, 190, 210]
    assert of_first.filter(series_id=PLAIN)["ts"].to_list() == [90, 110, 190, 210]
    of_second = spans.rows((SECOND,), (200, 300), 300)
    assert of_second.filter(series_id=STEEP)["ts"].to_list() == [110, 190, 210]
    assert of_second.filter(series_id=PLAIN)["ts"].to_list() == [190, 210]


def test_days_that_are_passed_over_hand_on_the_last_row_that_counts() -> None:
    first = rows((STEEP, 110, 9.0, GOOD), (STEEP, 190, 9.5, BAD))
    spans = Spans(held(first=first, second=rows((STEEP, 210, 10.0, GOOD))), {STEEP: False})
    spans.skip((FIRST,))
    assert spans.rows((SECOND,), (200, 300), 300)["ts"].to_list() == [110, 190, 210]
