"""Births in; readings, and what nodes are from now on, out."""

from ingest.decode.result import Decoded
from ingest.sparkplug import decode, state
from ingest.sparkplug.arrival import Arrival, Part, bd_seq
from ingest.sparkplug.decode import Context, birth_metrics
from ingest.sparkplug.known import Known
from ingest.sparkplug.meaning import Meanings
from ingest.sparkplug.sparkplug_b_pb2 import Payload
from ingest.sparkplug.state import Node


def node_birth(known: Known, arrival: Arrival, node: Node) -> list[Part]:
    """A node introduces itself: its sequence and all aliases begin anew."""
    metrics, session = birth_metrics(arrival.payload), bd_seq(arrival.payload)
    if arrival.again and state.is_repeated_birth(node, "", metrics, arrival.sent_us, session):
        return [Part(arrival.source, _values(known, arrival, node, is_new=False))]
    change = known.nodes.keep(state.node_born(node, metrics, session, arrival.seq, arrival.sent_us))
    known.meanings.pop((*arrival.place.key, ""), None)
    decoded = _values(known, arrival, change.node, is_new=True)
    decoded.online, decoded.effects = True, (change,)
    known.rebirths.came(arrival.place.key)
    return [Part(arrival.source, decoded)]


def device_birth(known: Known, arrival: Arrival, node: Node) -> list[Part]:
    """A device introduces itself."""
    device, metrics = arrival.place.device, birth_metrics(arrival.payload)
    step = known.advance(arrival, node)
    if arrival.again and state.is_repeated_birth(node, device, metrics, arrival.sent_us):
        change = state.Change(step.node)
        if state.is_next(node, arrival.seq) and state.is_forgotten(node.device(device), arrival.sent_us):
            change = state.device_doubted(step.node, device)  # new, by a clock that was set back? It is to say so
            known.rebirths.want(arrival.place.key)
        decoded = _values(known, arrival, node, is_new=False)
        decoded.effects, decoded.missing = (known.nodes.keep(change),), step.missing
        return [Part(arrival.source, decoded)]
    change = known.nodes.keep(state.device_born(step.node, device, metrics, arrival.sent_us))
    known.meanings.pop((*arrival.place.key, device), None)
    decoded = _values(known, arrival, change.node, is_new=True)
    decoded.online, decoded.effects, decoded.missing = True, (change,), step.missing
    if not node.is_born:
        known.rebirths.want(arrival.place.key)
    return [Part(arrival.source, decoded)]


def _values(known: Known, arrival: Arrival, node: Node, *, is_new: bool) -> Decoded:
    """Readings of a birth; states that were unknown since a death are said again for the time after it."""
    meanings = known.meaning(arrival.source, node)
    decoded = read_birth(arrival.payload, meanings)
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


def read_birth(payload: Payload, meanings: Meanings) -> Decoded:
    """What a birth says of now, beside what its metrics are."""
    return decode.decode(payload, meanings, Context(meanings.by_alias, is_birth=True))
