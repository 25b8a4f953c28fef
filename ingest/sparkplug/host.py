"""The host application: a packet of a node in; readings, sessions and what the node is now out; requests to publish.

Holds the nodes as they are after everything that was received. The changes ride on the messages and are kept with
their batch, so what is held may be thrown away and read again at any time (`load`).
"""

import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from ingest.decode.result import Decoded, refused
from ingest.sparkplug import announce, decode, state
from ingest.sparkplug.announce import Outgoing
from ingest.sparkplug.arrival import Arrival, Part, Receipt, sent_us
from ingest.sparkplug.births import device_birth, node_birth, read_birth
from ingest.sparkplug.data import aliases_then, known_shape, values
from ingest.sparkplug.deaths import device_death, node_death
from ingest.sparkplug.decode import birth_metrics
from ingest.sparkplug.known import Known, place_of
from ingest.sparkplug.meaning import Meanings
from ingest.sparkplug.payload import PayloadError, parse
from ingest.sparkplug.rebirths import Rebirths
from ingest.sparkplug.state import Node
from ingest.sparkplug.topics import COMMANDS, DATA, STATE, Place

if TYPE_CHECKING:
    from ingest.route import Source


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
        self.known = Known(Rebirths(options.rebirth_every_s, options.rebirths_per_s))
        self._online_ms = 0
        self._takers: dict[str, Callable[[Arrival, Node], list[Part]]] = {
            "NBIRTH": partial(node_birth, self.known),
            "DBIRTH": partial(device_birth, self.known),
            "NDATA": partial(values, self.known),
            "DDATA": partial(values, self.known),
            "NDEATH": lambda arrival, node: node_death(self.known, self.source_of, arrival, node),
            "DDEATH": partial(device_death, self.known),
        }

    def load(self, nodes: Iterable[Node], *, shared: bool = False) -> None:
        """Replace what is held by what is stored; `shared` where somebody else received what they say until now too."""
        own = [node for node in nodes if self.is_mine(f"{node.group}/{node.name}")]
        self.known.nodes.load(own, shared=shared)
        self.known.meanings.clear()
        self.known.rebirths.forget()

    def doubt(self) -> None:
        """Something may have been missed: a node's aliases are read on only if its sequence goes on unbroken."""
        self.known.nodes.doubt()

    def remap(self) -> None:
        """Read metrics by other mappings from now on."""
        self.known.meanings.clear()

    def node(self, group: str, name: str) -> Node | None:
        """A node as it is known now."""
        return self.known.nodes.get((group, name))

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
        place = place_of(source)
        if place.kind == STATE:
            self._state_seen(place, data)
            return []
        if place.kind in COMMANDS or not self.is_mine(f"{place.group}/{place.node}"):
            return []
        is_plain = place.kind in DATA and not (dup or kept)
        parts = known_shape(self.known, source, place, data, received_us) if is_plain else []
        parts = parts or self._parsed(source, place, data, Receipt(received_us, dup, kept))
        if self.known.rebirths.is_due(place.key, self._clock_s()):
            self.outgoing.append(announce.rebirth(*place.key, received_us // 1000))
        return parts

    def _parsed(self, source: "Source", place: Place, data: bytes, receipt: Receipt) -> list[Part]:
        try:
            payload = parse(data)
            if not payload.metrics and not payload.timestamp and not place.kind.endswith("DEATH"):
                raise PayloadError("wrong_shape", "the payload has neither metrics nor a time")  # noqa: TRY301
            sent = sent_us(payload.timestamp, receipt.received_us)
            if sent <= self.known.nodes.shared_until_us(place.key):
                receipt = receipt._replace(dup=True)
            arrival = Arrival(place, source, payload, sent, data, *receipt)
            node = self.known.nodes.known_or_new(place.key, source)
            doubt = self.known.doubt(arrival, node)
            parts = self._takers[place.kind](arrival, doubt.node if doubt else node)
        except PayloadError as error:
            return [Part(source, refused(error.code, str(error)))]
        if doubt:
            parts[0].decoded.effects = (doubt, *parts[0].decoded.effects)
        return parts

    def pass_over(self, source: "Source", data: bytes, received_us: int, *, dup: bool) -> Decoded:
        """Take in that data came whose content is refused unread: their number is not missing."""
        place = place_of(source)
        node = self.known.nodes.get(place.key)
        if node is None or place.kind not in DATA:
            return Decoded()
        try:
            payload = parse(data)
            sent = sent_us(payload.timestamp, received_us)
            dup = dup or sent <= self.known.nodes.shared_until_us(place.key)
            arrival = Arrival(place, source, payload, sent, data, received_us, dup, kept=False)
            doubt = self.known.doubt(arrival, node)
            step = self.known.advance(arrival, doubt.node if doubt else node)
            change = self.known.nodes.keep(state.Change(step.node))
        except PayloadError:
            return Decoded()
        return Decoded(effects=(doubt, change) if doubt else (change,), missing=step.missing)

    def read(self, source: "Source", data: bytes) -> Decoded:
        """Decode a payload by what is known now, changing nothing: for messages that are looked at again."""
        place = source.place
        if place is None or place.kind not in self._takers or place.kind.endswith("DEATH"):
            return Decoded()
        try:
            payload = parse(data)
            if place.kind.endswith("BIRTH"):
                return read_birth(payload, Meanings(birth_metrics(payload), source.mapping))
            node = self.known.nodes.get(place.key) or Node(*place.key)
            return decode.decode(payload, self.known.meaning(source, node), aliases_then(node, source, payload))
        except PayloadError as error:
            return refused(error.code, str(error))

    def _state_seen(self, place: Place, data: bytes) -> None:
        """Somebody says that we are offline (an older session's will): say that we are not."""
        answer = self.online()
        if answer is not None and place.node == self.options.host_id and announce.says_offline(data):
            self.outgoing.append(answer)
