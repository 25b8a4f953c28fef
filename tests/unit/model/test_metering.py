"""Relations between meters: what would count energy twice is refused, shares are followed through main meters."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.metering import counted_by, relation_problems
from model.registry import AssetRelation

METERED = {"main", "line", "m1", "q1", "q2"}
OWN = {"main", "line", "m1"}
PARENTS = {"main": None, "line": None, "m1": "line", "m2": "line", "q1": None, "q2": None, "hall": None}


def relation(text: str, share: float = 1.0) -> AssetRelation:
    source, kind, to = text.split()
    return AssetRelation(from_asset=source, to_asset=to, kind=kind, share=share)


@pytest.mark.parametrize(
    ("relations", "sentence"),
    [
        ([relation("m1 submeter_of m1")], "not related to itself"),
        ([relation("m2 submeter_of main")], "'m2' has no series of active energy"),
        ([relation("m1 submeter_of hall")], "nothing measures the energy of 'hall'"),
        ([relation("q1 meters m1")], "'m1' measures itself, its energy would be counted twice"),
        ([relation("q1 meters q2")], "'q2' is a meter itself"),
        ([relation("q1 meters m2", 0.6), relation("q1 meters hall", 0.5)], "add up to 1.1"),
        ([relation("m1 submeter_of line", 0.7), relation("m1 submeter_of main", 0.7)], "add up to 1.4"),
        ([relation("m1 submeter_of line"), relation("line submeter_of m1")], "'m1' is a sub-meter of itself"),
        (
            [relation("m1 submeter_of line"), relation("line submeter_of main"), relation("main submeter_of m1")],
            "a sub-meter of itself, through",
        ),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(relations: list[AssetRelation], sentence: str) -> None:
    assert any(sentence in problem for problem in relation_problems(relations, METERED, OWN, PARENTS))


def test_a_meter_of_an_asset_and_of_one_below_it_is_refused() -> None:
    relations = [relation("q1 meters m2", 0.5), relation("q1 meters hall", 0.5)]
    problems = relation_problems(relations, METERED, OWN, {**PARENTS, "m2": "hall"})
    assert problems == ["'q1' meters 'm2' and 'hall' above it: energy would be counted twice"]


def test_what_can_be_has_no_problem() -> None:
    relations = [
        relation("m1 submeter_of line"), relation("line submeter_of main", 0.5), relation("q1 meters m2", 0.25),
        relation("q1 meters hall", 0.75), relation("q2 submeter_of hall"),
    ]  # fmt: skip
    assert relation_problems(relations, METERED, OWN, PARENTS) == []


def test_shares_are_followed_through_the_meters_between() -> None:
    mains = {"m1": {"line": 0.5}, "line": {"main": 0.5}}
    assert counted_by("m1", {"main"}, mains) == 0.25
    assert counted_by("m1", {"main", "line"}, mains) == 0.5
    assert counted_by("m1", {"q1"}, mains) == 0.0


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.floats(0.01, 1)), max_size=8), st.integers(0, 63))
def test_no_meter_is_counted_more_than_once(links: list[tuple[int, int, float]], chosen: int) -> None:
    """Every sub-meter hangs on later ones only, so there is no ring; shares are cut to one."""
    mains: dict[str, dict[str, float]] = {}
    for one, other, share in links:
        if one < other:
            given_away = sum(mains.get(str(one), {}).values())
            mains.setdefault(str(one), {})[str(other)] = min(share, max(0.0, 1.0 - given_away))
    counted = {str(n) for n in range(6) if chosen >> n & 1}
    assert all(0.0 <= counted_by(str(n), counted, mains) <= 1.0 for n in range(6))
