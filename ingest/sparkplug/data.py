"""Data in; readings, and the place in the sequence, out: the short way where a payload looks like one before."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ingest.decode.result import Decoded
from ingest.sparkplug import decode, state
from ingest.sparkplug.arrival import Arrival, Part, sent_us
from ingest.sparkplug.decode import Context
from ingest.sparkplug.known import Known, place_of
from ingest.sparkplug.meaning import Meaning, Meanings
from ingest.sparkplug.payload import LARGEST_MS
from ingest.sparkplug.sparkplug_b_pb2 import Payload
from ingest.sparkplug.state import Life, Node
from ingest.sparkplug.topics import Place

if TYPE_CHECKING:
    from ingest.route import Source


def known_shape(known: Known, source: "Source", place: Place, payload: bytes, received_us: int) -> list[Part]:
    """Take in data that look like data before, the short way; nothing comes back where they do not."""
    node, meanings = known.nodes.get(place.key), known.meanings.get((*place.key, place.device))
    if node is None or meanings is None or node.device(place.device).life is not Life.BORN:
        return []
    found = meanings.shapes.read(payload)
    if found is None:
        return []
    if place.key in known.nodes.doubtful and not state.is_next(node, found.seq % state.ROUND):
        return []
    sent = sent_us(found.sent_ms, received_us)
    if sent <= known.nodes.shared_until_us(place.key):
        return []
    step = known.asked(place, state.advance(node, found.seq % state.ROUND, sent, dup=False))
    change = known.nodes.keep(state.Change(step.node))
    return [Part(source, Decoded(rows=[found.row], effects=(change,), missing=step.missing))]


def values(known: Known, arrival: Arrival, node: Node) -> list[Part]:
    """Values of a device or node, by name or by alias."""
    news: tuple[str, ...] = ()
    if arrival.place.device not in node.devices:  # heard, but not introduced
        node, news = known.nodes.keep(state.device_heard(node, arrival.place.device))
    device = node.device(arrival.place.device)
    meanings = known.meaning(arrival.source, node)
    is_born = device.life is Life.BORN
    is_first = arrival.kept and not arrival.dup and state.is_next(node, arrival.seq)
    tables = state.readable(device, arrival.sent_us, again=arrival.again and not is_first)
    decoded = decode.decode(arrival.payload, meanings, _aliases(meanings, tables))
    if is_born and decoded.rows and not (decoded.values or decoded.rejected):
        meanings.learn(arrival.data, arrival.payload.metrics, decoded.rows[0])
    step = known.advance(arrival, node)
    is_unknown = any(rejection.code == "unknown_alias" for rejection in decoded.rejected)
    if not is_born or (is_unknown and not arrival.again):  # no other birth tells what an earlier one meant
        known.rebirths.want(arrival.place.key)
    decoded.effects, decoded.missing = (known.nodes.keep(state.Change(step.node, news)),), step.missing
    return [Part(arrival.source, decoded)]


def _aliases(meanings: Meanings, tables: Sequence[state.Table]) -> Context | None:
    """Aliases by the newest birth, where all other births that may be meant say the same."""
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


def aliases_then(node: Node, source: "Source", payload: Payload) -> Context:
    """Aliases of a message that is read long after its receipt: by the births around the time that it says."""
    device = node.device(place_of(source).device)
    tables = state.readable_later(device, sent_us(payload.timestamp, LARGEST_MS))
    if len(tables) > 1 and any(metric.is_historical for metric in payload.metrics):
        tables = ()  # its time does not tell when it was sent
    known: dict[int, Meaning] = Meanings(tables[-1].metrics, source.mapping).by_alias if tables else {}
    said = [_by_alias(table) for table in tables]
    sure = {alias: meaning for alias, meaning in known.items() if len({each.get(alias) for each in said}) == 1}
    return Context(sure, "is in no birth that is kept and that was the node's when it sent this")


def _by_alias(table: state.Table) -> dict[int | None, tuple[str, int]]:
    return {metric.alias: (metric.name, metric.datatype) for metric in table.metrics}
