"""What an assessor's decisions say: which are still open, and the levels that they confirm. Pure.

A level stands three times: supported by data, claimed by the site, confirmed by the assessor; never an average of them.
"""

from collections.abc import Mapping
from enum import StrEnum

from maturity.evaluate import Outcome
from maturity.framework import Framework
from maturity.levels import Standing, standings

Outcomes = Mapping[str, Outcome]
SHORTEST_REASON = 10  # characters


class Decision(StrEnum):
    """What an assessor says of a criterion."""

    ACCEPT = "accept"
    REJECT = "reject"
    NOT_APPLICABLE = "not_applicable"


_MEANS = {Decision.ACCEPT: Outcome.SUPPORTED, Decision.REJECT: Outcome.CONTRADICTED}
_EXPECTED = {Outcome.SUPPORTED: Decision.ACCEPT, Outcome.CONTRADICTED: Decision.REJECT}


def confirmed(framework: Framework, decisions: Mapping[str, Decision]) -> dict[str, Standing]:
    """Standing of every area and principle by the decisions alone.

    Accepted criteria hold, rejected ones do not, those that do not apply are left out; without a decision nothing is
    confirmed, whatever the data say.

    Args:
        framework: the catalogue of the assessment.
        decisions: the newest one of each criterion.
    """
    outcomes = {name: _MEANS[each] for name, each in decisions.items() if each in _MEANS}
    excluded = frozenset(name for name, each in decisions.items() if each is Decision.NOT_APPLICABLE)
    return standings(framework, outcomes, excluded)


def undecided(framework: Framework, outcomes: Outcomes, decisions: Mapping[str, Decision]) -> list[str]:
    """Criteria that need a decision before the end: mandatory ones of which the data say something, either way.

    Of what cannot be assessed an assessor may say something, for example on documents; without that it stays
    unconfirmed.
    """
    told = {Outcome.SUPPORTED, Outcome.CONTRADICTED}
    return [
        each.id
        for each in framework.criteria
        if each.mandatory and each.id not in decisions and outcomes.get(each.id) in told
    ]


def needs_reason(outcome: Outcome, decision: Decision) -> bool:
    """Whether a decision must say why: all but to accept what is supported, and to reject what is contradicted."""
    return _EXPECTED.get(outcome) is not decision
