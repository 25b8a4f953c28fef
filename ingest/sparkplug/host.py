"""The host application: a packet of a node in; readings, sessions and what the node is now out; requests to publish.

Holds the nodes as they are after everything that was received. The changes ride on the messages and are kept with
their batch, so what is held may be thrown away and read again at any time (`load`).
"""

import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple

from ingest.decode.result import Decoded, Value, refused
from ingest.sparkplug import announce, decode, state
from ingest.sparkplug.announce import Outgoing
from ingest.sparkplug.decode import Aliases, birth_metrics
from ingest.sparkplug.meaning import BD_SEQ, Meanings
from ingest.sparkplug.payload import LARGEST_MS, PayloadError, parse
from ingest.sparkplug.rebirths import Rebirths
from ingest.sparkplug.sparkplug_b_pb2 import Payload
from ingest.sparkplug.state import Life, Node
from ingest.sparkplug.topics import COMMANDS, DATA, STATE, Place
from model.vocabulary import Quality

if TYPE_CHECKING:
    from ingest.route import Source

MOST_NODES = 20_000
MOST_DEVICES = 2_000


class Part(NamedTuple):
    """One of the messages that a packet stands for; the first is the packet itself."""

    source: "Source"
    decoded: Decoded


class Arrival(NamedTuple):
    """A parsed packet and the circumstances of its receipt; times in µs UTC."""

    place: Place
    source: "Source"
    payload: Payload
    received_us: int
    sent_us: int  # what the payload says, but no later than now
    dup: bool
    data: bytes


class Options(NamedTuple):
    """How to behave; an empty host id announces nothing."""

    host_id: str = ""
    rebirth_every_s: float = 30.0
    rebirths_per_s: float = 10.0


class Host:
    """Everything that is known of the nodes of Sparkplug."""

    def __init__(
        self,
        options: Options = Options(),  # noqa: B008 - immutable
        is_mine: Callable[[str], bool] = lambda _node: True,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.options = options
        self.is_mine = is_mine
        self.outgoing: list[Outgoing] = []
        self.source_of: Callable[[str], Source] | None = None  # the router tells
        self._clock_s = clock_s
        self._nodes: dict[tuple[str, str], Node] = {}
        self._meanings: dict[tuple[str, str, str], Meanings] = {}
        self._rebirths = Rebirths(options.rebirth_every_s, options.rebirths_per_s)
        self._online_ms = 0
        self._takers: dict[str, Callable[[Arrival, Node], list[Part]]] = {
            "NBIRTH": self._node_birth,
            "DBIRTH": self._device_birth,
            "NDATA": self._data,
            "DDATA": self._data,
            "NDEATH": self._node_death,
            "DDEATH": self._device_death,
        }

    def load(self, nodes: Iterable[Node]) -> None:
        """Replace what is held by what is stored."""
        self._nodes = {(node.group, node.name): node for node in nodes if self.is_mine(f"{node.group}/{node.name}")}
        self._meanings.clear()
        self._rebirths.forget()

    def remap(self) -> None:
        """Read metrics by other mappings from now on."""
        self._meanings.clear()

    def node(self, group: str, name: str) -> Node | None:
        """A node as it is known now."""
        return self._nodes.get((group, name))

    # -- what the host says --------------------------------------------------------------------------

    def will(self, at_ms: int) -> Outgoing | None:
        """The will of a connection that begins now."""
        self._online_ms = at_ms
        return announce.state(self.options.host_id, at_ms, online=False) if self.options.host_id else None

    def online(self) -> Outgoing | None:
        """What to say once connected: the time is that of the will."""
        if not self.options.host_id or not self._online_ms:
            return None
        return announce.state(self.options.host_id, self._online_ms, online=True)

    def offline(self, at_ms: int) -> Outgoing | None:
        """What to say before leaving, once."""
        was_online, self._online_ms = self._online_ms, 0
        if not self.options.host_id or not was_online:
            return None
        return announce.state(self.options.host_id, at_ms, online=False)

    # -- what nodes say ------------------------------------------------------------------------------

    def take(self, source: "Source", data: bytes, received_us: int, *, dup: bool) -> list[Part]:
        """Take a packet in; nothing comes back for one that only has to be acknowledged."""
        place = source.place
        assert place is not None  # noqa: S101 - the router gives sources of Sparkplug one
        if place.kind == STATE:
            self._state_seen(place, data)
            return []
        if place.kind in COMMANDS or not self.is_mine(f"{place.group}/{place.node}"):
            return []
        parts = self._known_shape(source, place, data, received_us) if place.kind in DATA and not dup else []
        parts = parts or self._parsed(source, place, data, received_us, dup=dup)
        if self._rebirths.is_due(place.key, self._clock_s()):
            self.outgoing.append(announce.rebirth(*place.key, received_us // 1000))
        return parts

    def _parsed(self, source: "Source", place: Place, data: bytes, received_us: int, *, dup: bool) -> list[Part]:
        try:
            payload = parse(data)
            if not payload.metrics and not payload.timestamp and not place.kind.endswith("DEATH"):
                raise PayloadError("wrong_shape", "the payload has neither metrics nor a time")  # noqa: TRY301
            sent_us = _sent_us(payload.timestamp, received_us)
            node = self._nodes.get(place.key) or self._new_node(place)
            return self._takers[place.kind](Arrival(place, source, payload, received_us, sent_us, dup, data), node)
        except PayloadError as error:
            return [Part(source, refused(error.code, str(error)))]

    def read(self, source: "Source", data: bytes) -> Decoded:
        """Decode a payload by what is known now, changing nothing: for messages that are looked at again."""
        place = source.place
        if place is None or place.kind not in self._takers or place.kind.endswith("DEATH"):
            return Decoded()
        try:
            payload = parse(data)
            if place.kind.endswith("BIRTH"):
                return decode.decode(payload, Meanings(birth_metrics(payload), source.mapping))
            node = self._nodes.get(place.key) or Node(*place.key)
            is_born = node.device(place.device).life is Life.BORN
            return decode.decode(payload, self._meaning(source, node), Aliases(usable=is_born))
        except PayloadError as error:
            return refused(error.code, str(error))

    def _state_seen(self, place: Place, data: bytes) -> None:
        """Somebody says that we are offline (an older session's will): say that we are not."""
        answer = self.online()
        if answer is not None and place.node == self.options.host_id and announce.says_offline(data):
            self.outgoing.append(answer)

    def _new_node(self, place: Place) -> Node:
        if len(self._nodes) >= MOST_NODES:
            raise PayloadError("too_many_nodes", f"{MOST_NODES:,} Sparkplug nodes are known already")
        return Node(*place.key)

    def _keep(self, change: state.Change) -> state.Change:
        node = change.node
        if len(node.devices) > MOST_DEVICES:
            raise PayloadError("too_many_devices", f"this node has {MOST_DEVICES:,} devices already")
        self._nodes[node.group, node.name] = node
        return change

    def _meaning(self, source: "Source", node: Node) -> Meanings:
        place = source.place
        assert place is not None  # noqa: S101 - as above
        key = (*place.key, place.device)
        found = self._meanings.get(key)
        if found is None:
            found = self._meanings[key] = Meanings(node.device(place.device).metrics, source.mapping)
            _hint_texts(source, found)
        return found

    # -- births --------------------------------------------------------------------------------------

    def _node_birth(self, arrival: Arrival, node: Node) -> list[Part]:
        if state.is_repeated_birth(node, "", arrival.sent_us, dup=arrival.dup):
            return [Part(arrival.source, self._birth_values(arrival, node, is_new=False))]
        metrics = birth_metrics(arrival.payload)
        seq = arrival.payload.seq % state.ROUND
        change = state.node_born(node, metrics, _bd_seq(arrival.payload), seq, arrival.sent_us)
        self._meanings.pop((*arrival.place.key, ""), None)
        decoded = self._birth_values(arrival, change.node, is_new=True)
        decoded.online, decoded.effects = True, (self._keep(change),)
        self._rebirths.came(arrival.place.key)
        return [Part(arrival.source, decoded)]

    def _device_birth(self, arrival: Arrival, node: Node) -> list[Part]:
        device = arrival.place.device
        if state.is_repeated_birth(node, device, arrival.sent_us, dup=arrival.dup):
            return [Part(arrival.source, self._birth_values(arrival, node, is_new=False))]
        step = self._advance(arrival, node)
        change = state.device_born(step.node, device, birth_metrics(arrival.payload), arrival.sent_us)
        self._meanings.pop((*arrival.place.key, device), None)
        decoded = self._birth_values(arrival, change.node, is_new=True)
        decoded.online, decoded.effects, decoded.missing = True, (self._keep(change),), step.missing
        if not node.is_born:
            self._rebirths.want(arrival.place.key)
        return [Part(arrival.source, decoded)]

    def _birth_values(self, arrival: Arrival, node: Node, *, is_new: bool) -> Decoded:
        """Readings of a birth; states that were unknown since a death are said again for the time after it."""
        meanings = self._meaning(arrival.source, node)
        decoded = decode.decode(arrival.payload, meanings)
        died_us = node.device(arrival.place.device).died_us
        if is_new and died_us:
            texts = set(meanings.texts())
            again_us = max(arrival.sent_us, died_us + 1)
            decoded.values += [
                (name, unit, again_us, value, quality)
                for name, unit, ts_us, value, quality in list(decoded.values)
                if name in texts and ts_us <= died_us and value is not None
            ]
        return decoded

    # -- data ----------------------------------------------------------------------------------------

    def _known_shape(self, source: "Source", place: Place, data: bytes, received_us: int) -> list[Part]:
        """Take in data that look like data before, the short way; nothing comes back where they do not."""
        node, meanings = self._nodes.get(place.key), self._meanings.get((*place.key, place.device))
        if node is None or meanings is None or node.device(place.device).life is not Life.BORN:
            return []
        found = meanings.shapes.read(data)
        if found is None:
            return []
        sent_us = _sent_us(found.sent_ms, received_us)
        step = self._advanced(place, state.advance(node, found.seq % state.ROUND, sent_us, dup=False))
        change = self._keep(state.Change(step.node))
        return [Part(source, Decoded(rows=[found.row], effects=(change,), missing=step.missing))]

    def _data(self, arrival: Arrival, node: Node) -> list[Part]:
        device = node.device(arrival.place.device)
        meanings = self._meaning(arrival.source, node)
        if arrival.dup and arrival.sent_us <= max(device.born_us, device.died_us):
            aliases = Aliases(usable=arrival.sent_us >= device.born_us, past=True)
            return [Part(arrival.source, decode.decode(arrival.payload, meanings, aliases))]
        is_born = device.life is Life.BORN
        decoded = decode.decode(arrival.payload, meanings, Aliases(usable=is_born))
        if is_born and decoded.rows and not (decoded.values or decoded.rejected):
            meanings.learn(arrival.data, arrival.payload.metrics, decoded.rows[0])
        step = self._advance(arrival, node)
        change = state.Change(step.node)
        if arrival.place.device not in node.devices:
            change = state.device_heard(step.node, arrival.place.device)
        if not is_born or any(rejection.code == "unknown_alias" for rejection in decoded.rejected):
            self._rebirths.want(arrival.place.key)
        decoded.effects, decoded.missing = (self._keep(change),), step.missing
        return [Part(arrival.source, decoded)]

    def _advance(self, arrival: Arrival, node: Node) -> state.Step:
        seq = arrival.payload.seq % state.ROUND
        return self._advanced(arrival.place, state.advance(node, seq, arrival.sent_us, dup=arrival.dup))

    def _advanced(self, place: Place, step: state.Step) -> state.Step:
        if step.is_gap:
            self._rebirths.want(place.key)
        return step

    # -- deaths --------------------------------------------------------------------------------------

    def _node_death(self, arrival: Arrival, node: Node) -> list[Part]:
        is_dead = node.device("").life is Life.DEAD and bool(node.devices)
        if state.is_stale_death(node, _bd_seq(arrival.payload)) or is_dead:
            return [Part(arrival.source, Decoded(ignored=len(arrival.payload.metrics)))]
        if state.is_doubtful_death(node, _bd_seq(arrival.payload)):
            self._rebirths.want(arrival.place.key)  # if it lives, it says so
        at_us = state.death_us(node, arrival.received_us)
        change = self._keep(state.node_died(node, at_us))
        parts = [Part(arrival.source, self._silence(arrival.source, node, at_us))]
        parts[0].decoded.effects = (change,)
        for device in change.devices:
            if device and self.source_of is not None:
                source = self.source_of(Place("DDEATH", *arrival.place.key, device).topic("DDEATH"))
                parts.append(Part(source, self._silence(source, node, at_us)))
        return parts

    def _device_death(self, arrival: Arrival, node: Node) -> list[Part]:
        step = self._advance(arrival, node)
        device = node.device(arrival.place.device)
        if device.life is Life.DEAD or (arrival.dup and arrival.sent_us <= device.born_us):
            return [Part(arrival.source, Decoded(effects=(self._keep(state.Change(step.node)),), missing=step.missing))]
        at_us = state.death_us(node, arrival.sent_us)
        decoded = self._silence(arrival.source, node, at_us)
        decoded.effects = (self._keep(state.device_died(step.node, arrival.place.device, at_us)),)
        decoded.missing = step.missing
        return [Part(arrival.source, decoded)]

    def _silence(self, source: "Source", node: Node, at_us: int) -> Decoded:
        """The end of a session: from now on nobody knows the states."""
        heard = {ref.name for ref in source.refs.values() if ref.is_text}
        names = sorted(heard.union(self._meaning(source, node).texts()))
        values: list[Value] = [(name, None, at_us, None, int(Quality.NO_SIGNAL)) for name in names]
        return Decoded(values=values, online=False)


def _sent_us(ms: int, received_us: int) -> int:
    """When a payload was made; a clock that is ahead must not move our memory ahead."""
    return min(ms * 1000, received_us) if 0 < ms < LARGEST_MS else received_us


def _bd_seq(payload: Payload) -> int:
    """The number of the session that a birth or death belongs to, -1 where it says none."""
    for metric in payload.metrics:
        if metric.name == BD_SEQ:
            field = metric.WhichOneof("value")
            if field in ("int_value", "long_value"):
                return int(getattr(metric, field)) & 0x7FFF_FFFF
    return -1


def _hint_texts(source: "Source", meanings: Meanings) -> None:
    """A state that is null at first is still a state."""
    for name in meanings.texts():
        source.ref(name, None).is_text = True
