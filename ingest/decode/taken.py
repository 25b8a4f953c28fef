"""Which member, item or tag has which name of a series: two that would become one series are told apart, not mixed.

The one state that decoders have: a topic's names, bounded. The rules' names are taken from the beginning; of all others
the first that is seen has the name until the mapping changes or the service starts again.
"""

from ingest.decode.result import Rejection, shown
from ingest.mapping import Mapping, ValueRule

MOST = 4_096  # names remembered of a topic; an asset may not have as many


class Names:
    """The names of one topic."""

    def __init__(self, mapping: Mapping) -> None:
        self._mapping = mapping
        self._takers: dict[str, str] = {}

    def has_rule(self, rule: ValueRule) -> bool:
        """Whether it is one of the mapping, not a proposed one."""
        return self._mapping.by_name.get(rule.name) is rule

    def refusal(self, rule: ValueRule, sender: str) -> Rejection | None:
        """Why what `sender` calls a value cannot have the name of this rule, if so."""
        listed = self._mapping.by_name.get(rule.name)
        if listed is not None and listed is not rule:
            return name_taken(sender, rule.name, listed.source)
        taker = self._takers.get(rule.name)
        if taker is None:
            if len(self._takers) < MOST:
                self._takers[rule.name] = sender
            return None
        return name_taken(sender, rule.name, taker) if taker != sender else None


def name_taken(sender: str, name: str, taker: str) -> Rejection:
    """The refusal of the second of two that would have one name."""
    detail = f"{shown(sender)} would be called {shown(name)} like {shown(taker)}: give each a rule of its own"
    return Rejection("name_taken", detail)
