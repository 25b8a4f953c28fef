"""An assessment as it is kept: what the data said, beside it the decisions and the levels that they confirm. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Literal

from maturity.confirming import Decision, confirmed, undecided
from maturity.entering import instant
from maturity.evaluate import Outcome
from maturity.framework import Framework
from maturity.levels import Standing
from store.assessments import Row, StoredAssessment, StoredDecision

Status = Literal["open", "final", "superseded", "imported"]
_SUMMARY = ("site", "framework", "period", "counts")


@dataclass(frozen=True)
class Kept:
    """A kept assessment.

    Attributes:
        stored: the row, with the result as it was found.
        framework: the catalogue that it was made with, whatever the product ships now.
        decisions: all of them, oldest first; the newest on a criterion counts.
        invited: assessors: account_id, account, invited_at.
    """

    stored: StoredAssessment
    framework: Framework
    decisions: Sequence[StoredDecision]
    invited: Sequence[Row]

    @property
    def is_imported(self) -> bool:
        """Whether it came from elsewhere, with its levels as they were confirmed there."""
        return self.stored.origin == "imported"

    @property
    def status(self) -> Status:
        """Open for decisions, superseded by a newer one, or final for ever; imported ones are judged elsewhere."""
        if self.is_imported:
            return "imported"
        if self.stored.finalized_at:
            return "final"
        return "superseded" if self.stored.superseded_by else "open"

    @cached_property
    def newest(self) -> dict[str, StoredDecision]:
        """The decision that counts, per criterion."""
        return {each.criterion: each for each in self.decisions}

    @cached_property
    def rulings(self) -> dict[str, Decision]:
        """What counts, per criterion."""
        return {name: Decision(each.decision) for name, each in self.newest.items()}

    @cached_property
    def outcomes(self) -> dict[str, Outcome]:
        """What the data said, per criterion."""
        return {each["id"]: Outcome(each["outcome"]) for each in self.stored.result["criteria"]}

    @cached_property
    def confirmed(self) -> dict[str, Standing]:
        """Standing of every area and principle by the decisions."""
        return confirmed(self.framework, self.rulings)

    @property
    def undecided(self) -> list[str]:
        """Criteria that need a decision before the end."""
        return [] if self.is_imported else undecided(self.framework, self.outcomes, self.rulings)

    def plain(self) -> dict[str, Any]:
        """Everything as plain data: the result with the decision beside each criterion, each level three times."""
        result = self.stored.result
        criteria = [{**each, "decision": self._decision(each["id"])} for each in result["criteria"]]
        return {**self._head(), **result, **self._levels(), "criteria": criteria}

    def summary(self) -> dict[str, Any]:
        """Levels and counts alone: what a programme may know."""
        given = list(self.rulings.values())
        result = {name: self.stored.result[name] for name in _SUMMARY}
        counts = {each.value: given.count(each) for each in Decision}
        levels = {part: [_bare(each) for each in stands] for part, stands in self._levels().items()}
        head = {name: value for name, value in self._head().items() if name not in ("invited", "undecided")}
        return {**head, **result, "decided": counts, **levels}

    def _head(self) -> dict[str, Any]:
        stored = self.stored
        return {
            "assessment_id": stored.assessment_id,
            "number": stored.number,
            "status": self.status,
            "origin": stored.origin,
            "opened_at": instant(stored.created_at),
            "final_at": _instant(stored.finalized_at),
            "supersedes": stored.supersedes,
            "superseded_by": stored.superseded_by,
            "invited": [each["account"] for each in self.invited],
            "undecided": self.undecided,
        }

    def _levels(self) -> dict[str, list[dict[str, Any]]]:
        parts = ("principles", "areas")
        return {part: [{**each, **self._confirmed(each["key"])} for each in self.stored.result[part]] for part in parts}

    def _confirmed(self, key: str) -> dict[str, Any]:
        if self.is_imported:
            return {}
        stand = self.confirmed[key]
        return {"confirmed": stand.level, "unconfirmed": list(stand.next.open) if stand.next else []}

    def _decision(self, criterion: str) -> dict[str, Any] | None:
        found = self.newest.get(criterion)
        return {**plain_decision(found), "earlier": self._earlier(criterion)} if found else None

    def _earlier(self, criterion: str) -> int:
        return sum(each.criterion == criterion for each in self.decisions) - 1


def plain_decision(given: StoredDecision) -> dict[str, Any]:
    """A decision as plain data."""
    return {**vars(given), "at": instant(given.at)}


def _bare(stand: dict[str, Any]) -> dict[str, Any]:
    return {name: stand.get(name) for name in ("key", "supported", "claimed", "confirmed")}


def _instant(at: datetime | None) -> str | None:
    return instant(at) if at else None
