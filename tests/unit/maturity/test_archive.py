"""The archive of a site: windows are cut out of one big frame, a baseline is the first good candidate and stays."""

from datetime import date, timedelta
from typing import Any

import polars as pl
import pytest

from maturity.archive import SiteArchive, baseline_key, candidates
from maturity.evaluate import Baseline
from maturity.facts import Facts
from maturity.framework import BaselineRule, Condition
from tests.unit.maturity.plain import SITE, values

DAY = timedelta(days=1)
FIRST = date(2026, 1, 5)
RULE = BaselineRule(days=4)
ASKED = Condition.model_validate(
    {"metric": "kpi.oee", "scope": "critical_machines", "compare": {"operator": ">=", "baseline_factor": 1.1}}
)


def archive(oee: dict[int, tuple[float, float]], days: int, **others: Any) -> SiteArchive:
    """OEE by the number of the day, the newest row first, as a database may give them."""
    rows = values({FIRST + number * DAY: pair for number, pair in sorted(oee.items(), reverse=True)})
    return SiteArchive(Facts(site=SITE, first=FIRST, last=FIRST + (days - 1) * DAY, values=rows), rule=RULE, **others)


def test_a_window_is_the_same_cut_from_rows_in_any_order() -> None:
    made = archive({number: (number, 10.0) for number in range(9)}, 9)
    window = made.facts(FIRST + 2 * DAY, FIRST + 4 * DAY)
    assert window is not None
    assert window.values["numerator"].to_list() == [2, 3, 4]
    assert window.window(FIRST + 3 * DAY, FIRST + 3 * DAY).values["numerator"].to_list() == [3]
    assert made.whole is not None
    assert made.whole.values.equals(made.whole.values.sort("production_day"))
    assert made.facts(FIRST + 9 * DAY, FIRST + 12 * DAY) is None


def test_the_baseline_is_the_first_window_whose_data_are_there() -> None:
    made = archive({number: (number, 10.0) for number in range(12) if number != 2}, 12)
    first = FIRST + 3 * DAY
    assert made.baseline(ASKED, 4) == Baseline(pytest.approx(0.45), first, first + 3 * DAY)  # type: ignore[arg-type]
    assert list(made.found) == [baseline_key(ASKED, RULE)]


def test_a_frozen_baseline_never_moves() -> None:
    frozen = Baseline(0.2, FIRST, FIRST + 3 * DAY, 2)
    made = archive(dict.fromkeys(range(9), (5.0, 10.0)), 9, frozen={baseline_key(ASKED, RULE): frozen})
    assert (made.baseline(ASKED, 4), made.found) == (frozen, {})


def test_candidates_begin_on_each_of_the_first_days_and_then_once_a_week() -> None:
    tried = [(first - FIRST).days for first, _ in candidates(RULE, FIRST, FIRST + 32 * DAY)]
    assert tried == [*range(17), 23]
    assert {last - first for first, last in candidates(RULE, FIRST, FIRST + 32 * DAY)} == {3 * DAY}
    assert list(candidates(RULE, FIRST, FIRST + 2 * DAY)) == []


def test_a_site_of_thin_data_has_no_baseline() -> None:
    made = archive(dict.fromkeys(range(0, 40, 2), (5.0, 10.0)), 40)
    assert (made.baseline(ASKED, 4), made.found) == (None, {})


def test_frames_that_lack_days_are_searched() -> None:
    whole = Facts(site=SITE, first=FIRST, last=FIRST, values=values({FIRST: (1.0, 2.0)}))
    unknown = whole.values.with_columns(pl.lit(None, pl.Date).alias("production_day"))
    with_holes = Facts(site=SITE, first=FIRST, last=FIRST, values=pl.concat([unknown, whole.values]))
    assert with_holes.by_day().window(FIRST, FIRST).values.height == 1
