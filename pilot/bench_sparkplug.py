"""Payloads of Sparkplug nodes for benchmarks: numbers in, bytes out, quick enough not to be what is measured."""

import struct
from functools import lru_cache
from operator import add

from ingest.sparkplug.sparkplug_b_pb2 import Payload

DOUBLE = 10
FIRST_ALIAS = 1
_TENTHS = [b"\x69" + struct.pack("<d", tenths / 10) for tenths in [*range(1000)] * 2]  # field 13, a double


def node(device: int) -> str:
    """Name of the edge node that stands for a device of the load."""
    return f"unit{device:02d}"


def topic(group: str, kind: str, device: int) -> str:
    """Topic of a message of a node."""
    return f"spBv1.0/{group}/{kind}/{node(device)}"


def birth(names: list[str], tenths: list[int], at_ms: int) -> bytes:
    """An NBIRTH that defines these metrics with their aliases and values."""
    payload = Payload(timestamp=at_ms, seq=0)
    payload.metrics.add(name="bdSeq", timestamp=at_ms, datatype=8, long_value=at_ms % 256)
    for place, (name, number) in enumerate(zip(names, tenths, strict=True)):
        payload.metrics.add(
            name=name, alias=FIRST_ALIAS + place, timestamp=at_ms, datatype=DOUBLE, double_value=number / 10
        )
    written: bytes = payload.SerializeToString()
    return written


def data(size: int, first: int, at_ms: int, seq: int) -> bytes:
    """An NDATA with `size` values from `first` tenths up, by alias, each with its time, as edge nodes send it."""
    metrics = map(add, _heads(size, at_ms), _TENTHS[first : first + size])
    return b"".join((b"\x08", varint(at_ms), *metrics, b"\x18", varint(seq)))


@lru_cache(4)
def _heads(size: int, at_ms: int) -> list[bytes]:
    """Each metric up to its value: the devices of the load say the same times."""
    heads = []
    for alias in range(FIRST_ALIAS, FIRST_ALIAS + size):
        head = b"\x10" + varint(alias) + b"\x18" + varint(at_ms)
        heads.append(b"\x12" + varint(len(head) + len(_TENTHS[0])) + head)
    return heads


def varint(number: int) -> bytes:
    """A whole number as protobuf writes it."""
    if number < 0x80:
        return number.to_bytes(1, "little")
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)
