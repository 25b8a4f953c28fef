"""What the host knows while it takes packets in: nodes, what their metrics mean, who is to be asked for a rebirth."""

from typing import TYPE_CHECKING

from ingest.sparkplug import state
from ingest.sparkplug.arrival import Arrival
from ingest.sparkplug.meaning import Meanings
from ingest.sparkplug.nodes import Key, Nodes
from ingest.sparkplug.rebirths import Rebirths
from ingest.sparkplug.state import Change, Node, Step
from ingest.sparkplug.topics import Place

if TYPE_CHECKING:
    from ingest.route import Source


class Known:
    """Shared by what takes births, data and deaths."""

    def __init__(self, rebirths: Rebirths) -> None:
        self.nodes = Nodes(self._forget)
        self.rebirths = rebirths
        self.meanings: dict[tuple[str, str, str], Meanings] = {}

    def meaning(self, source: "Source", node: Node) -> Meanings:
        """What the metrics of a device mean by its last birth."""
        place = place_of(source)
        key = (*place.key, place.device)
        found = self.meanings.get(key)
        if found is None:
            found = Meanings(node.device(place.device).metrics, source.mapping)
            _hint_texts(source, found)
            held = self.nodes.get(place.key)
            if held is not None and place.device in held.devices:  # else it may be refused: there is no end of names
                self.meanings[key] = found
        return found

    def advance(self, arrival: Arrival, node: Node) -> Step:
        """Count a packet in the sequence of its node."""
        return self.asked(arrival.place, state.advance(node, arrival.seq, arrival.sent_us, dup=arrival.again))

    def asked(self, place: Place, step: Step) -> Step:
        """The same step; a gap makes the node be asked for a rebirth."""
        if step.is_gap:
            self.rebirths.want(place.key)
        return step

    def doubt(self, arrival: Arrival, node: Node) -> Change | None:
        """The first gap after nobody listened: a birth may have been missed there.

        It may be any gap until a birth comes: what the broker kept for us was said while births were lost.
        """
        key, kind = arrival.place.key, arrival.place.kind
        if key not in self.nodes.doubtful or kind == "NDEATH":
            return None
        if kind == "NBIRTH":
            if not arrival.again:
                self.nodes.doubtful.discard(key)
            return None
        if state.is_next(node, arrival.seq) or _is_stored(arrival, node):
            return None
        self.nodes.doubtful.discard(key)
        self.rebirths.want(key)
        return self.nodes.keep(state.doubted(node))

    def _forget(self, key: Key) -> None:
        self.rebirths.came(key)
        for known in [known for known in self.meanings if known[:2] == key]:
            del self.meanings[known]


def _is_stored(arrival: Arrival, node: Node) -> bool:
    """Whether a message that comes again is older than what is stored; the time of history does not tell."""
    is_old = arrival.again and arrival.sent_us <= node.newest_us
    return is_old and not any(metric.is_historical for metric in arrival.payload.metrics)


def place_of(source: "Source") -> Place:
    """Who speaks on a topic of Sparkplug."""
    assert source.place is not None  # noqa: S101 - the router gives sources of Sparkplug one
    return source.place


def _hint_texts(source: "Source", meanings: Meanings) -> None:
    """A state that is null at first is still a state."""
    for name in meanings.texts():
        source.ref(name, None).is_text = True
