"""Levels by decisions: cumulative, never an average; what is undecided confirms nothing; what needs a reason."""

from itertools import product

import pytest

from maturity.confirming import Decision, confirmed, needs_reason, undecided
from maturity.evaluate import Outcome
from tests.unit.maturity.plain import criterion, framework

ACCEPT, REJECT, OUT = Decision.ACCEPT, Decision.REJECT, Decision.NOT_APPLICABLE
FRAMEWORK = framework(
    criterion("AA-1.1", 1),
    criterion("AA-1.2", 1),
    criterion("AA-2.1", 2),
    criterion("AA-2.2", 2, mandatory=False),
    criterion("AA-3.1", 3),
)


@pytest.mark.parametrize(
    ("decisions", "level"),
    [
        ({}, 0),
        ({"AA-1.1": ACCEPT}, 0),  # undecided confirms nothing
        ({"AA-1.1": ACCEPT, "AA-1.2": ACCEPT}, 1),
        ({"AA-1.1": ACCEPT, "AA-1.2": REJECT, "AA-2.1": ACCEPT, "AA-3.1": ACCEPT}, 0),  # no average
        ({"AA-1.1": ACCEPT, "AA-1.2": OUT, "AA-2.1": ACCEPT}, 2),  # what does not apply is left out
        ({"AA-1.1": OUT, "AA-1.2": OUT, "AA-2.1": ACCEPT}, 0),  # a level of which nothing applies is not reached
        ({"AA-1.1": ACCEPT, "AA-1.2": ACCEPT, "AA-2.1": ACCEPT, "AA-2.2": REJECT}, 2),  # not mandatory
        ({"AA-1.1": ACCEPT, "AA-1.2": ACCEPT, "AA-3.1": ACCEPT}, 1),  # level 2 is missing in between
    ],
)
def test_levels_are_confirmed_from_below(decisions: dict[str, Decision], level: int) -> None:
    found = confirmed(FRAMEWORK, decisions)
    assert (found["work"].level, found["p"].level) == (level, level)


def test_the_end_needs_decisions_on_what_the_data_speak_of() -> None:
    outcomes = {
        "AA-1.1": Outcome.SUPPORTED,
        "AA-1.2": Outcome.CONTRADICTED,
        "AA-2.1": Outcome.NOT_ASSESSABLE,
        "AA-2.2": Outcome.SUPPORTED,
    }
    assert undecided(FRAMEWORK, outcomes, {}) == ["AA-1.1", "AA-1.2"]
    assert undecided(FRAMEWORK, outcomes, {"AA-1.2": OUT}) == ["AA-1.1"]
    assert undecided(FRAMEWORK, outcomes, {"AA-1.1": ACCEPT, "AA-1.2": REJECT}) == []


def test_only_what_the_data_say_needs_no_reason() -> None:
    agreed = {(Outcome.SUPPORTED, ACCEPT), (Outcome.CONTRADICTED, REJECT)}
    for outcome, decision in product(Outcome, Decision):
        assert needs_reason(outcome, decision) is ((outcome, decision) not in agreed)
