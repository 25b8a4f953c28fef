"""Metrics of models in use, models that are trained again, and stock limits between stations."""

from dataclasses import replace as with_
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from maturity import facts as schemas
from model.calendar import production_day_of, production_day_windows
from model.registry import AssetRelation
from tests.unit.maturity.invented_facts import at, facts, frame, local, measure, record, records
from tests.unit.maturity.plain import SITE

ON = {"performance": 0.9, "days_used": 2}


def predictions(*made: tuple[str, float]) -> dict[str, object]:
    rows = [{"asset": "l/a", "model": model, "made_us": at(hour), "for_us": at(hour + 1)} for model, hour in made]
    return {"predictions": frame(schemas.PREDICTIONS, rows)}


def test_a_model_counts_when_it_is_used_daily_and_reviewed() -> None:
    """Written on both days, on one of two, stated on both, never reviewed, of the same use case."""
    written = predictions(("a", 1), ("a", 30), ("b", 1), ("d", 1), ("d", 30))
    said = [
        record("model_review", "1", 0, 47, model="a", performance=0.9),
        record("model_review", "2", 0, 47, model="b", performance=0.9),
        record("model_review", "3", 0, 47, model="c", use_case="scrap", **ON),
        record("model_review", "4", 0, 47, model="e", use_case="scrap", **ON),
        record("model_review", "5", 0, 47, model="f", days_used=1, performance=0.9),
    ]
    found = measure("record.models_in_use", facts(records=records(*said), **written))
    assert found.value == 2
    assert found.detail == {"daily": ["a", "scrap"], "reviewed": ["a", "b", "f", "scrap"]}


# Zones with the days on which their clocks change; Lord Howe by half an hour, Santiago at midnight.
CHANGES = (
    *(("Europe/Berlin", date(2026, 3, 29)), ("Europe/Berlin", date(2026, 10, 25))),
    *(("America/New_York", date(2026, 3, 8)), ("America/New_York", date(2026, 11, 1))),
    *(("Australia/Lord_Howe", date(2026, 4, 5)), ("Australia/Lord_Howe", date(2026, 10, 4))),
    *(("America/Santiago", date(2026, 4, 5)), ("America/Santiago", date(2026, 9, 6))),
    ("Asia/Ho_Chi_Minh", date(2026, 3, 29)),
)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(CHANGES),
    st.sampled_from(("00:00", "06:00")),
    st.integers(0, 13),
    st.lists(st.tuples(st.integers(0, 13), st.sampled_from((0.0, 0.01, 0.5, 0.99))), min_size=1, max_size=12),
)
def test_days_of_use_are_production_days_whatever_the_clock_does(
    change: tuple[str, date], start: str, before: int, places: list[tuple[int, float]]
) -> None:
    """Use at any place of a day, of 23, 24 or 25 hours, counts that day, and there are never more than were used."""
    site, first = replace(SITE, timezone=change[0], day_start=start), change[1] - timedelta(days=before)
    days = production_day_windows(site, "", first, first + timedelta(days=14))
    times = [days[day].from_us + int(part * (days[day].to_us - days[day].from_us)) for day, part in places]
    rows = [{"asset": "l/a", "model": "a", "made_us": at_us, "for_us": at_us} for at_us in times]
    review = record("model_review", "1", 0, 0, model="a", performance=0.9)
    ends = {"from_us": days[0].from_us, "to_us": days[-1].to_us - 1}
    of_days = with_(
        facts(site=site, predictions=frame(schemas.PREDICTIONS, rows), records=records({**review, **ends})),
        first=first, last=first + timedelta(days=13),
    )  # fmt: skip
    used = len({production_day_of(site, "", at_us) for at_us in times})
    for least, counts in ((used / 14, 1), ((used + 0.5) / 14, 0)):
        assert measure("record.models_in_use", of_days, min_days_share=least).value == counts


def test_without_a_review_in_the_window_use_is_not_known() -> None:
    written = predictions(("a", 1), ("a", 30))
    late = record("model_review", "1", 0, 60, model="a", performance=0.9)
    assert "--kind model_review" in str(measure("record.models_in_use", facts(**written)).missing)
    assert measure("record.models_in_use", facts(records=records(late), **written)).value is None


@pytest.mark.parametrize(
    ("changed", "count"),
    [({}, 1), ({"approved": local(30)}, 0), ({"released_by": "person"}, 0), ({"trained_by": "person"}, 0)],
)
def test_a_cycle_is_automatic_and_approved_before_it_goes_live(changed: dict[str, str], count: int) -> None:
    usual = {"model": "a", "trained_by": "system", "released_by": "system", "approved": local(1)}
    rows = [record("model_release", str(number), number, number + 2, **usual) for number in range(2)]
    rows.append(record("model_release", "9", 20, 22, **{**usual, **changed}))
    found = measure("record.models_retrained", facts(records=records(*rows)), min_cycles=3)
    assert found.value == count
    assert measure("record.models_retrained", facts()).value is None


def test_every_link_needs_a_least_and_a_most_stock() -> None:
    links = (("l/a", "l/b"), ("l/a", "l/c"), ("l/b", "l/d"))
    site = replace(SITE, relations=tuple(AssetRelation(kind="feeds", from_asset=a, to_asset=b) for a, b in links))
    said = [
        record("inventory", "1", 1, 2, asset="l/a", next="l/b", minimum=1, maximum=9),
        record("inventory", "2", 1, 2, asset="l/b", minimum=1, maximum=9),
        record("inventory", "3", 1, 2, asset="l/c", minimum=1, maximum=9),
        record("inventory", "4", 1, 2, asset="l/a", next="l/c", minimum=9, maximum=1),
    ]
    found = measure("record.stock_limits_share", facts(site=site, records=records(*said)), "lines")
    assert found.value == pytest.approx(2 / 3)
    assert found.detail["without"] == ["l/a → l/c"]
    assert "--kind inventory" in str(measure("record.stock_limits_share", facts(site=site), "lines").missing)
    assert "feeds" in str(measure("record.stock_limits_share", facts(records=records(*said)), "lines").missing)
