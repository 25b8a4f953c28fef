"""What a trial of mappings remembers of topics, series and rules. Bounded, whatever comes."""

from collections import Counter
from dataclasses import dataclass, field

MOST_SERIES = 500
MOST_REASONS = 20
OTHERS = "others of this kind, for further reasons"


@dataclass
class SeriesSeen:
    """A series as messages of a topic name it."""

    name: str
    rule: str
    quantity: str = ""
    received_unit: str = ""
    unit: str = ""
    count: int = 0
    last: float | str | None = None
    last_us: int = 0
    refused: str = ""


@dataclass
class Unmatched:
    """A value that no rule names."""

    source: str
    name: str
    last: float | str | None
    count: int = 0


@dataclass
class TopicSeen:
    """What came on a topic."""

    topic: str
    read_by: str
    site: str
    asset: str
    messages: int = 0
    values: int = 0
    events: Counter[str] = field(default_factory=Counter)
    ignored: int = 0
    series: dict[tuple[str, str | None], SeriesSeen] = field(default_factory=dict)
    refused: Counter[tuple[str, str]] = field(default_factory=Counter)
    unmatched: dict[str, Unmatched] = field(default_factory=dict)
    more_unmatched: bool = False  # names beyond those that are remembered
    sample: bytes = b""

    def refuse(self, code: str, detail: str) -> None:
        """Count a refusal; sentences beyond the bound count as one."""
        if (code, detail) not in self.refused and len(self.refused) >= MOST_REASONS:
            detail = OTHERS
        self.refused[code, detail] += 1

    def miss(self, name: str, source: str, received: float | str | None) -> None:
        """Note a value that no rule names."""
        found = self.unmatched.get(name)
        if found is None:
            if len(self.unmatched) >= MOST_SERIES:
                self.more_unmatched = True
                return
            found = self.unmatched[name] = Unmatched(source, name, None)
        found.count += 1
        found.last = received


@dataclass
class RuleSeen:
    """A rule of a mapping, and how often a value came for it."""

    mapping: str
    source: str
    name: str
    count: int = 0
