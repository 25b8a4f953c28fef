"""Deaths in; the end of sessions, and of what was known of states, out."""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from ingest.decode.result import Decoded, Value
from ingest.sparkplug import state
from ingest.sparkplug.arrival import Arrival, Part, bd_seq
from ingest.sparkplug.known import Known
from ingest.sparkplug.state import Life, Node
from ingest.sparkplug.topics import Place
from model.vocabulary import Quality

if TYPE_CHECKING:
    from ingest.route import Source

SourceOf: TypeAlias = "Callable[[str], Source]"


def node_death(known: Known, source_of: "SourceOf | None", arrival: Arrival, node: Node) -> list[Part]:
    """A node is gone, and its devices with it: a message for each of them."""
    is_dead = node.device("").life is Life.DEAD and bool(node.devices)
    if state.is_stale_death(node, bd_seq(arrival.payload)) or is_dead:
        return [Part(arrival.source, Decoded(ignored=len(arrival.payload.metrics)))]
    if state.is_doubtful_death(node, bd_seq(arrival.payload)):
        known.rebirths.want(arrival.place.key)  # if it lives, it says so
    at_us = state.death_us(node, arrival.received_us)
    change = known.nodes.keep(state.node_died(node, at_us))
    parts = [Part(arrival.source, _silence(known, arrival.source, node, at_us))]
    parts[0].decoded.effects = (change,)
    for device in change.devices:
        if device and source_of is not None:
            source = source_of(Place("DDEATH", *arrival.place.key, device).topic("DDEATH"))
            parts.append(Part(source, _silence(known, source, node, at_us)))
    return parts


def device_death(known: Known, arrival: Arrival, node: Node) -> list[Part]:
    """A device is gone."""
    step = known.advance(arrival, node)
    device = node.device(arrival.place.device)
    if device.life is Life.DEAD or (arrival.again and arrival.sent_us <= device.born_us):
        change = known.nodes.keep(state.Change(step.node))
        return [Part(arrival.source, Decoded(effects=(change,), missing=step.missing))]
    at_us = state.death_us(node, arrival.sent_us)
    decoded = _silence(known, arrival.source, node, at_us)
    decoded.effects = (known.nodes.keep(state.device_died(step.node, arrival.place.device, at_us)),)
    decoded.missing = step.missing
    return [Part(arrival.source, decoded)]


def _silence(known: Known, source: "Source", node: Node, at_us: int) -> Decoded:
    """The end of a session: from now on nobody knows the states."""
    heard = {ref.name for ref in list(source.refs.values()) if ref.is_text}  # another thread adds to them
    names = sorted(heard.union(known.meaning(source, node).texts()))
    values: list[Value] = [(name, None, at_us, None, int(Quality.NO_SIGNAL)) for name in names]
    return Decoded(values=values, online=False)
