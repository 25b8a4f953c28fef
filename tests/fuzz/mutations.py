"""Valid messages in, damaged and hostile ones out. A recipe is plain data, so that Hypothesis can make it smaller."""

import gzip
import json
import zlib
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, NamedTuple

from google.protobuf.message import DecodeError
from hypothesis import strategies as st

from ingest.sparkplug.sparkplug_b_pb2 import Payload
from tests.fuzz.corpus import Seed, seeds

MOST = 1 << 20  # bytes that a payload may have
_SIZES = (2, 100, 10_000, MOST, 3, 17, 400, 3_000)
# What JSON, a line or an attribute may hold in the place of a value; as text, since much of it is no JSON.
TOKENS = (
    *("0", "-0", "1e308", "1e309", "-1e400", "1e-400", "0.1e", "01", "9007199254740993", "9223372036854775808"),
    *("18446744073709551616", "1" + "0" * 400, "NaN", "Infinity", "-Infinity", "true", "null", "[]", "{}", "[[]]"),
    *('""', '"\\u0000"', '"\\ud800"', '"\\udfff\\ud800"', '"\\u202e\\u0301"', '"' + "x" * 501 + '"', '"UNAVAILABLE"'),
    *('"2026-02-30T00:00:00Z"', '"9999-12-31T23:59:59.999999999+14:00"', '"0001-01-01T00:00:00+14:00"', '"2026-11-22"'),
    *(
        '"2026-11-22T08:00:00+99:99"',
        '"2026-11-22T24:00:00Z"',
        '"1e3"',
        '"1_0"',
        '"٣"',
        '" 7 "',
        '"0x1F"',
        '"nan"',
        '"inf"',
    ),
    *("-1", "1795334400", "1795334400000", "99999999999999", "-99999999999999999999", "1795334400000.5"),
    *(
        '{"ts": 1, "values": {}}',
        '"demo/other"',
        "|",
        "@",
        "\x00",
        "\ud800",
        "\n",
        "--multiline--X",
        "<!DOCTYPE a>",
        "&x;",
    ),
    *('<a xmlns="b">', "]]>", "\x1f\x8b", "\xff\xfe", "2026-11-22T08:00:00Z|x|1", "=", ";", "%s{0}", "kWh", "°", "*"),
)


class Op(NamedTuple):
    """One change of a payload: its kind, where, how much, with what."""

    kind: str
    at: int
    size: int
    token: int


def apply(seed: Seed, ops: list[Op]) -> bytes:
    """The payload of a seed after some changes, at most a little larger than ingest takes."""
    payload = seed.payload
    for op in ops:
        payload = KINDS[op.kind](payload, op)[: MOST + 10]
    return payload


def recipes() -> st.SearchStrategy[tuple[int, list[Op]]]:
    """Which seed, and what is done to it."""
    number = st.integers(0, 65_535)
    op = st.builds(Op, st.sampled_from(sorted(KINDS)), number, number, number)
    return st.tuples(st.integers(0, len(seeds()) - 1), st.lists(op, max_size=4))


# -- bytes -------------------------------------------------------------------------------------------


def _token(op: Op) -> bytes:
    return TOKENS[op.token % len(TOKENS)].encode("utf-8", "surrogatepass")


def _flip(payload: bytes, op: Op) -> bytes:
    at = op.at % max(1, len(payload))
    return payload[:at] + bytes([op.token & 0xFF]) + payload[at + 1 :]


def _delete(payload: bytes, op: Op) -> bytes:
    at = op.at % max(1, len(payload))
    return payload[:at] + payload[at + 1 + op.size % 20 :]


def _insert(payload: bytes, op: Op) -> bytes:
    at = op.at % (len(payload) + 1)
    return payload[:at] + _token(op) + payload[at:]


def _repeat(payload: bytes, op: Op) -> bytes:
    at = op.at % max(1, len(payload))
    part = payload[at : at + 1 + op.size % 64]
    size = _SIZES[op.token % len(_SIZES)]
    return payload[:at] + part * (size // max(1, len(part))) + payload[at:]


def _splice(payload: bytes, op: Op) -> bytes:
    other = seeds()[op.token % len(seeds())].payload
    return payload[: op.at % (len(payload) + 1)] + other[op.size % (len(other) + 1) :]


def _cut(payload: bytes, op: Op) -> bytes:
    return payload[: op.at % (len(payload) + 1)]


# -- structure ---------------------------------------------------------------------------------------


def _json(payload: bytes, op: Op) -> bytes:
    """Put a token in the place of some value, or under a name that is there already."""
    try:
        document = json.loads(payload)
    except (ValueError, RecursionError):
        return _field(payload, op)
    places = list(_places(document))
    if not places:
        return _token(op)
    holder, key = places[op.at % len(places)]
    if op.size % 3 == 0 and isinstance(holder, dict):
        holder["@name@"] = holder[key]
        return _dumped(document).replace(b'"@name@"', json.dumps(key).encode())  # a name that comes twice
    if op.size % 3 == 1 and isinstance(holder, dict):
        holder["@name@"] = holder.pop(key)
        token = _token(op)
        return _dumped(document).replace(b'"@name@"', token if token[:1] == b'"' else b'"' + token + b'"')
    holder[key] = "@value@"
    return _dumped(document).replace(b'"@value@"', _token(op))


def _places(document: Any, depth: int = 0) -> Iterator[tuple[Any, Any]]:
    members = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    for key, value in list(members):
        yield document, key
        if depth < 20:
            yield from _places(value, depth + 1)


def _dumped(document: Any) -> bytes:
    return json.dumps(document).encode("utf-8", "surrogatepass")


def _field(payload: bytes, op: Op) -> bytes:
    """Put a token in the place of a field of a line or an attribute of an element."""
    mark = (b"|", b'"', b">", b" ")[op.size % 4]
    fields = payload.split(mark)
    fields[op.at % len(fields)] = _token(op)
    return mark.join(fields)


def _many(payload: bytes, op: Op) -> bytes:
    """The same message as an array, or line after line, up to the largest payload."""
    count = _SIZES[op.size % len(_SIZES)] // (len(payload) + 1)
    if payload[:1] in (b"{", b"["):
        return b"[" + b",".join([payload] * max(1, count)) + b"]"
    return b"\n".join([payload] * max(1, count))


def _nest(payload: bytes, op: Op) -> bytes:
    """Deep structures, closed or not."""
    opening, closing = ((b"[", b"]"), (b'{"a":', b"}"), (b"<a>", b"</a>"), (b'{"values":{"a":', b"}}"))[op.size % 4]
    depth = _SIZES[op.token % len(_SIZES)] // len(opening + closing)
    return opening * depth + payload[: op.at % 100] + (closing * depth if op.at % 2 else b"")


def _names(payload: bytes, op: Op) -> bytes:
    """Very many names, short or long."""
    size = _SIZES[op.size % len(_SIZES)]
    length = 1 + op.token % 200
    members = (b'"%s%d":%d' % (b"n" * length, number, number) for number in range(size // (length + 12)))
    inner = b"{" + b",".join(members) + b"}"
    return (
        payload.replace(b"{}", inner)
        if b"{}" in payload
        else b'{"ts":1795334395000,"timestamp_ms":1795334395000,"values":%s}' % inner
    )


def _digits(payload: bytes, op: Op) -> bytes:
    """A number of up to a million digits in the place of the first one."""
    head, mark, rest = payload.partition(b":")
    digits = b"-"[: op.at % 2] + b"7" * _SIZES[op.size % len(_SIZES)] + (b".", b"e9", b"", b"e-9")[op.token % 4]
    return head + mark + digits + rest[op.at % 20 :] if mark else digits


# -- compression and protobuf ------------------------------------------------------------------------


def _packed(payload: bytes, op: Op) -> bytes:
    compress: Callable[[bytes], bytes] = (gzip.compress, zlib.compress)[op.token % 2]
    return compress(payload)


def _bomb(payload: bytes, op: Op) -> bytes:
    return _bombs()[op.token % len(_bombs())] + payload[: op.at % 3]


@cache
def _bombs() -> tuple[bytes, ...]:
    zeros, brackets = bytes(16 << 20), b"[" * (8 << 20)
    return (
        gzip.compress(zeros),
        zlib.compress(brackets),
        gzip.compress(gzip.compress(zeros)),
        gzip.compress(b"[" * MOST),
    )


def _metric(payload: bytes, op: Op) -> bytes:
    """Change one metric of a Sparkplug packet, or have very many of them."""
    try:
        packet = Payload.FromString(payload)
    except (DecodeError, ValueError):
        return payload
    if not packet.metrics:
        packet.metrics.add()
    metric = packet.metrics[op.at % len(packet.metrics)]
    large = (0, 1, 2**31, 2**32 - 1, 2**63, 2**64 - 1, packet.timestamp)[op.size % 7]
    names = ("", "a/b", "a.b", "x" * 2000, "Node Control/Rebirth", "a\x00", "bdSeq", "é")
    numbers = (float("nan"), float("inf"), -0.0, 1e308, 5e-324)
    what, value = (
        ("timestamp", large),
        ("datatype", op.size % 40),
        ("alias", large),
        ("name", names[op.size % len(names)]),
        ("double_value", numbers[op.size % len(numbers)]),
        ("long_value", large),
        ("string_value", ("", "x" * 501, "a\x00", "a\nb")[op.size % 4]),
        ("bytes_value", bytes(op.size)),
        ("is_historical", True),
        ("many", None),
    )[op.token % 10]
    if what == "many":
        return payload + b"\x12\x00" * _SIZES[op.size % len(_SIZES)]
    setattr(metric, what, value)
    if op.at % 5 == 0:
        packet.seq = packet.timestamp = large
    return packet.SerializeToString()


KINDS: dict[str, Callable[[bytes, Op], bytes]] = {
    "flip": _flip,
    "delete": _delete,
    "insert": _insert,
    "repeat": _repeat,
    "splice": _splice,
    "cut": _cut,
    "json": _json,
    "field": _field,
    "many": _many,
    "nest": _nest,
    "names": _names,
    "digits": _digits,
    "packed": _packed,
    "bomb": _bomb,
    "metric": _metric,
}
