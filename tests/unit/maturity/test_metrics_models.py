"""Metrics of models in use, models that are trained again, and stock limits between stations."""

import pytest
from msgspec.structs import replace

from maturity import facts as schemas
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
