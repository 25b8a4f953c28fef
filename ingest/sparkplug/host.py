"""The host application: a packet of a node in; readings, sessions and what the node is now out; requests to publish.

Holds the nodes as they are after everything that was received. The changes ride on the messages and are kept with
their batch, so what is held may be thrown away and read again at any time (`load`).
"""

import time
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from ingest.decode.result import Decoded, Value, refused
from ingest.sparkplug import announce, decode, state
from ingest.sparkplug.announce import Outgoing
from ingest.sparkplug.decode import Context, birth_metrics
from ingest.sparkplug.meaning import BD_SEQ, Meaning, Meanings
from ingest.sparkplug.nodes import Nodes
from ingest.sparkplug.payload import LARGEST_MS, PayloadError, parse
from ingest.sparkplug.rebirths import Rebirths
from ingest.sparkplug.sparkplug_b_pb2 import Payload
from ingest.sparkplug.state import Life, Node
from ingest.sparkplug.topics import COMMANDS, DATA, STATE, Place
from model.vocabulary import Quality

if TYPE_CHECKING:
    from ingest.route import Source


class Part(NamedTuple):
    """One of the messages that a packet stands for; the first is the packet itself."""

    source: "Source"
    decoded: Decoded


class Receipt(NamedTuple):
    """The circumstances of a packet's receipt; time in µs UTC."""

    received_us: int
    dup: bool  # the broker sends it again: perhaps it was received before
    kept: bool  # it waited here while nothing could be stored: most likely never stored


class Arrival(NamedTuple):
    """A parsed packet and the circumstances of its receipt; times in µs UTC."""

    place: Place
    source: "Source"
    payload: Payload
    sent_us: int  # what the payload says, but no later than now
    data: bytes
    received_us: int
    dup: bool
    kept: bool

    @property
    def again(self) -> bool:
        """Whether it may have been taken in before."""
        return self.dup or self.kept


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
        self._nodes = Nodes(self._forget)
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
        self._nodes.load(node for node in nodes if self.is_mine(f"{node.group}/{node.name}"))
        self._meanings.clear()
        self._rebirths.forget()

    def doubt(self) -> None:
        """Something may have been missed: a node's aliases are read on only if its sequence goes on unbroken."""
        self._nodes.doubt()

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

    def take(self, source: "Source", data: bytes, received_us: int, *, dup: bool, kept: bool = False) -> list[Part]:
        """Take a packet in; nothing comes back for one that only has to be acknowledged.

        Args:
            source: of its topic.
            data: the payload, decompressed.
            received_us: time of receipt in µs UTC.
            dup: whether the broker marks it as sent before.
            kept: whether it was taken in before and given up in an outage.
        """
        place = source.place
        assert place is not None  # noqa: S101 - the router gives sources of Sparkplug one
        if place.kind == STATE:
            self._state_seen(place, data)
            return []
        if place.kind in COMMANDS or not self.is_mine(f"{place.group}/{place.node}"):
            return []
        is_plain = place.kind in DATA and not (dup or kept) and place.key not in self._nodes.doubtful
        parts = self._known_shape(source, place, data, received_us) if is_plain else []
        parts = parts or self._parsed(source, place, data, Receipt(received_us, dup, kept))
        if self._rebirths.is_due(place.key, self._clock_s()):
            self.outgoing.append(announce.rebirth(*place.key, received_us // 1000))
        return parts

    def _parsed(self, source: "Source", place: Place, data: bytes, receipt: Receipt) -> list[Part]:
        try:
            payload = parse(data)
            if not payload.metrics and not payload.timestamp and not place.kind.endswith("DEATH"):
                raise PayloadError("wrong_shape", "the payload has neither metrics nor a time")  # noqa: TRY301
            sent_us = _sent_us(payload.timestamp, receipt.received_us)
            arrival = Arrival(place, source, payload, sent_us, data, *receipt)
            node = self._nodes.known_or_new(place.key, source)
            doubt = self._doubt(arrival, node)
            parts = self._takers[place.kind](arrival, doubt.node if doubt else node)
        except PayloadError as error:
            return [Part(source, refused(error.code, str(error)))]
        if doubt:
            parts[0].decoded.effects = (doubt, *parts[0].decoded.effects)
        return parts

    def _doubt(self, arrival: Arrival, node: Node) -> state.Change | None:
        """The first message after nobody listened: if it does not go on where we left, a birth may have been missed."""
        key = arrival.place.key
        if key not in self._nodes.doubtful or arrival.place.kind == "NDEATH":
            return None
        is_birth = arrival.place.kind == "NBIRTH"
        if arrival.again and arrival.sent_us <= node.newest_us and not is_birth:
            if arrival.kept and state.is_next(node, arrival.payload.seq % state.ROUND):
                self._nodes.doubtful.discard(key)
            return None  # of before, so it does not tell
        self._nodes.doubtful.discard(key)
        if is_birth or state.is_next(node, arrival.payload.seq % state.ROUND):
            return None
        self._rebirths.want(key)
        return self._keep(state.doubted(node))

    def read(self, source: "Source", data: bytes) -> Decoded:
        """Decode a payload by what is known now, changing nothing: for messages that are looked at again."""
        place = source.place
        if place is None or place.kind not in self._takers or place.kind.endswith("DEATH"):
            return Decoded()
        try:
            payload = parse(data)
            if place.kind.endswith("BIRTH"):
                return _birth(payload, Meanings(birth_metrics(payload), source.mapping))
            node = self._nodes.get(place.key) or Node(*place.key)
            return decode.decode(payload, self._meaning(source, node), _aliases_then(node, source, payload))
        except PayloadError as error:
            return refused(error.code, str(error))

    def _state_seen(self, place: Place, data: bytes) -> None:
        """Somebody says that we are offline (an older session's will): say that we are not."""
        answer = self.online()
        if answer is not None and place.node == self.options.host_id and announce.says_offline(data):
            self.outgoing.append(answer)

    def _keep(self, change: state.Change) -> state.Change:
        return self._nodes.keep(change)

    def _forget(self, key: tuple[str, str]) -> None:
        self._rebirths.came(key)
        for known in [known for known in self._meanings if known[:2] == key]:
            del self._meanings[known]

    def _meaning(self, source: "Source", node: Node) -> Meanings:
        place = source.place
        assert place is not None  # noqa: S101 - as above
        key = (*place.key, place.device)
        found = self._meanings.get(key)
        if found is None:
            found = Meanings(node.device(place.device).metrics, source.mapping)
            _hint_texts(source, found)
            held = self._nodes.get(place.key)
            if held is not None and place.device in held.devices:  # else it may be refused: there is no end of names
                self._meanings[key] = found
        return found

    # -- births --------------------------------------------------------------------------------------

    def _node_birth(self, arrival: Arrival, node: Node) -> list[Part]:
        metrics, bd_seq = birth_metrics(arrival.payload), _bd_seq(arrival.payload)
        if arrival.again and state.is_repeated_birth(node, "", metrics, arrival.sent_us, bd_seq):
            return [Part(arrival.source, self._birth_values(arrival, node, is_new=False))]
        seq = arrival.payload.seq % state.ROUND
        change = self._keep(state.node_born(node, metrics, bd_seq, seq, arrival.sent_us))
        self._meanings.pop((*arrival.place.key, ""), None)
        decoded = self._birth_values(arrival, change.node, is_new=True)
        decoded.online, decoded.effects = True, (change,)
        self._rebirths.came(arrival.place.key)
        return [Part(arrival.source, decoded)]

    def _device_birth(self, arrival: Arrival, node: Node) -> list[Part]:
        device, metrics = arrival.place.device, birth_metrics(arrival.payload)
        step = self._advance(arrival, node)
        if arrival.again and state.is_repeated_birth(node, device, metrics, arrival.sent_us):
            decoded = self._birth_values(arrival, node, is_new=False)
            decoded.effects, decoded.missing = (self._keep(state.Change(step.node)),), step.missing
            return [Part(arrival.source, decoded)]
        change = self._keep(state.device_born(step.node, device, metrics, arrival.sent_us))
        self._meanings.pop((*arrival.place.key, device), None)
        decoded = self._birth_values(arrival, change.node, is_new=True)
        decoded.online, decoded.effects, decoded.missing = True, (change,), step.missing
        if not node.is_born:
            self._rebirths.want(arrival.place.key)
        return [Part(arrival.source, decoded)]

    def _birth_values(self, arrival: Arrival, node: Node, *, is_new: bool) -> Decoded:
        """Readings of a birth; states that were unknown since a death are said again for the time after it."""
        meanings = self._meaning(arrival.source, node)
        decoded = _birth(arrival.payload, meanings)
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
        news: tuple[str, ...] = ()
        if arrival.place.device not in node.devices:  # heard, but not introduced
            node, news = self._keep(state.device_heard(node, arrival.place.device))
        device = node.device(arrival.place.device)
        meanings = self._meaning(arrival.source, node)
        is_born = device.life is Life.BORN
        is_first = arrival.kept and state.is_next(node, arrival.payload.seq % state.ROUND)
        tables = state.readable(device, arrival.sent_us, again=arrival.again and not is_first)
        decoded = decode.decode(arrival.payload, meanings, _aliases(meanings, tables))
        if is_born and decoded.rows and not (decoded.values or decoded.rejected):
            meanings.learn(arrival.data, arrival.payload.metrics, decoded.rows[0])
        step = self._advance(arrival, node)
        is_unknown = any(rejection.code == "unknown_alias" for rejection in decoded.rejected)
        if not is_born or (is_unknown and not arrival.again):  # no other birth tells what an earlier one meant
            self._rebirths.want(arrival.place.key)
        decoded.effects, decoded.missing = (self._keep(state.Change(step.node, news)),), step.missing
        return [Part(arrival.source, decoded)]

    def _advance(self, arrival: Arrival, node: Node) -> state.Step:
        seq = arrival.payload.seq % state.ROUND
        return self._advanced(arrival.place, state.advance(node, seq, arrival.sent_us, dup=arrival.again))

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
        if device.life is Life.DEAD or (arrival.again and arrival.sent_us <= device.born_us):
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


def _birth(payload: Payload, meanings: Meanings) -> Decoded:
    return decode.decode(payload, meanings, Context(meanings.by_alias, is_birth=True))


def _aliases(meanings: Meanings, tables: Sequence[state.Table]) -> Context | None:
    """Context by the newest birth, where all other births that may be meant say the same."""
    if not tables:
        return Context({})
    if len(tables) == 1:
        return None
    others = [_by_alias(table) for table in tables]
    known = {
        alias: meaning
        for alias, meaning in meanings.by_alias.items()
        if len({other.get(alias) for other in others}) == 1
    }
    return Context(known, "is not in every birth around the time of this message, or not the same there")


def _aliases_then(node: Node, source: "Source", payload: Payload) -> Context:
    """Context of a message that is read long after its receipt: by the births around the time that it says."""
    assert source.place is not None  # noqa: S101 - as above
    device = node.device(source.place.device)
    sent_us = _sent_us(payload.timestamp, LARGEST_MS)
    tables = state.readable_later(device, sent_us)
    if len(tables) > 1 and any(metric.is_historical for metric in payload.metrics):
        tables = ()  # its time does not tell when it was sent
    known: dict[int, Meaning] = {}
    for table in reversed(tables):
        known |= Meanings(table.metrics, source.mapping).by_alias
    return Context(known, "is in no birth that is kept and that was the node's when it sent this")


def _by_alias(table: state.Table) -> dict[int | None, tuple[str, int]]:
    return {metric.alias: (metric.name, metric.datatype) for metric in table.metrics}


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
