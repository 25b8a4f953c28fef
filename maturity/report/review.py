"""What an assessor decided, as a report tells it: no names, and the levels that the decisions confirm. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from maturity.confirming import Decision, confirmed
from maturity.framework import Framework


@dataclass(frozen=True)
class Said:
    """The newest decision on a criterion.

    Attributes:
        decision: accepted, rejected or not applicable.
        comment: the assessor's words, empty where there are none.
        attachment: SHA-256 of a document, hexadecimal.
    """

    decision: Decision
    comment: str = ""
    attachment: str | None = None


@dataclass(frozen=True)
class Review:
    """All decisions on an assessment, by criterion; without any, nobody has looked yet."""

    decisions: Mapping[str, Said] = field(default_factory=dict)
    is_final: bool = False

    def confirmed(self, framework: Framework) -> dict[str, int]:
        """Level of each area and principle that the decisions confirm; empty without any."""
        given = {name: each.decision for name, each in self.decisions.items()}
        return {key: stand.level for key, stand in confirmed(framework, given).items()} if given else {}
