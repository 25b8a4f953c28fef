"""Sparkplug payloads read by the wire format alone: what our decoder is compared with. Imports nothing of ours."""

import base64
import gzip
import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

_NAMES = {1: "name", 2: "alias", 3: "timestamp", 4: "datatype", 10: "int", 11: "long", 12: "float", 13: "double"}
_NAMES |= {5: "historical", 7: "null", 14: "boolean", 15: "string"}

_READ: dict[str, Any] = {
    "name": bytes.decode,
    "string": bytes.decode,
    "float": lambda raw: struct.unpack("<f", raw)[0],
    "double": lambda raw: struct.unpack("<d", raw)[0],
}


class Packet(NamedTuple):
    """A recorded message with its metrics; times in ms since 1970."""

    topic: str
    payload: bytes
    kind: str
    device: str
    seq: int
    timestamp: int
    metrics: list[dict[str, Any]]


def fields(data: bytes) -> Iterator[tuple[int, Any]]:
    """Number and raw value of each field."""
    at = 0
    value: Any
    while at < len(data):
        tag, at = _varint(data, at)
        if tag & 7 == 0:
            value, at = _varint(data, at)
        else:
            size, at = {1: (8, at), 5: (4, at)}.get(tag & 7) or _varint(data, at)
            value, at = data[at : at + size], at + size
        yield tag >> 3, value


def metric(data: bytes) -> dict[str, Any]:
    """A metric by the names of its fields."""
    found: dict[str, Any] = {}
    for number, value in fields(data):
        name = _NAMES.get(number, str(number))
        found[name] = _READ.get(name, _as_it_is)(value)
    return found


def recording(path: Path) -> list[Packet]:
    """All packets of a recording, in their order."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [
            packet(document["topic"], base64.b64decode(document["payload_b64"])) for document in map(json.loads, lines)
        ]


def packet(topic: str, payload: bytes) -> Packet:
    """A packet read by the wire format."""
    parts = list(fields(payload))
    single = dict(parts)
    levels = topic.split("/")
    device = "/".join(levels[3:])
    metrics = [metric(value) for number, value in parts if number == 2]
    return Packet(topic, payload, levels[2], device, single.get(3, 0), single.get(1, 0), metrics)


def _as_it_is(value: Any) -> Any:
    return value


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value, shift, at = value | (byte & 0x7F) << shift, shift + 7, at + 1
        if byte < 0x80:
            return value, at
