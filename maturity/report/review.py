"""What an assessor decided, as a report tells it: no names, and the levels that the accepted criteria make. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from maturity.evaluate import Outcome
from maturity.framework import Framework
from maturity.levels import standings

Verdict = Literal["accept", "reject", "not_applicable"]


@dataclass(frozen=True)
class Decision:
    """The newest decision on a criterion.

    Attributes:
        verdict: accepted, rejected or not applicable.
        comment: the assessor's words, empty where there are none.
        attachment: SHA-256 of a document, hexadecimal.
    """

    verdict: Verdict
    comment: str = ""
    attachment: str | None = None


@dataclass(frozen=True)
class Review:
    """All decisions on an assessment, by criterion; without any, nobody has looked yet."""

    decisions: Mapping[str, Decision] = field(default_factory=dict)
    is_final: bool = False

    def confirmed(self, framework: Framework) -> dict[str, int]:
        """Level of each area and principle up to which an assessor accepted every criterion; empty without a review."""
        if not self.decisions:
            return {}
        outcomes = {
            name: Outcome.SUPPORTED if each.verdict == "accept" else Outcome.CONTRADICTED
            for name, each in self.decisions.items()
        }
        excluded = frozenset(name for name, each in self.decisions.items() if each.verdict == "not_applicable")
        return {key: stand.level for key, stand in standings(framework, outcomes, excluded).items()}
