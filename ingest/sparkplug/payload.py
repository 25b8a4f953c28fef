"""Bytes in, a payload within bounds out; one metric in, its value out. Knows the encoding and nothing of nodes."""

import math
from typing import Final

from google.protobuf.message import DecodeError

from ingest.sparkplug.sparkplug_b_pb2 import Metric, Payload

MOST_METRICS = 5_000
LONGEST_NAME = 1_000  # of a metric; a series name is shorter still
LARGEST_MS = 1 << 53
COMPRESSED = "SPBV1.0_COMPRESSED"
_METRICS_TAG = 0x12

INT8, INT16, INT32, INT64 = 1, 2, 3, 4
BOOLEAN, STRING, TEXT, UUID = 11, 12, 14, 15
TEXTS: Final = frozenset({STRING, TEXT, UUID})
_BITS: Final = {INT8: 8, INT16: 16, INT32: 32, INT64: 64}
_ARRAYS = "Int8 Int16 Int32 Int64 UInt8 UInt16 UInt32 UInt64 Float Double Boolean String DateTime"
# Types that are no single value; what is in none of these lists is not known at all.
REFUSED: Final = {
    16: "DataSet",
    17: "Bytes",
    18: "File",
    19: "Template",
    20: "PropertySet",
    21: "PropertySetList",
    **{22 + place: f"{name}Array" for place, name in enumerate(_ARRAYS.split())},
}
KNOWN: Final = frozenset(range(1, 16)) | REFUSED.keys()
_REFUSED_FIELDS: Final = {
    "bytes_value": "Bytes", "dataset_value": "DataSet", "template_value": "Template", "extension_value": "extension",
}  # fmt: skip
_UNIT_PROPERTIES = ("engUnit", "Engineering Units", "EngUnit", "engUnits", "unit", "Unit")
LONGEST_UNIT = 40


class PayloadError(ValueError):
    """A payload cannot be used; code and sentence as in a refusal."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


def parse(data: bytes) -> Payload:
    """Decode a payload.

    Raises:
        PayloadError: it is none, or more than anybody needs.
    """
    if len(data) > 2 * MOST_METRICS and _has_too_many(data):
        raise PayloadError("too_large", f"the payload has more than {MOST_METRICS:,} metrics")
    try:
        payload = Payload.FromString(data)
        is_compressed = payload.uuid == COMPRESSED
    except (DecodeError, UnicodeDecodeError) as error:
        raise PayloadError("undecodable", "the payload is not a Sparkplug B payload (protobuf)") from error
    if is_compressed:
        raise PayloadError(
            "compressed", "compressed Sparkplug payloads are not read: switch compression off at the node"
        )
    return payload


def _has_too_many(data: bytes) -> bool:
    """Count metrics without building them: a small payload can make a large object."""
    at, size, count = 0, len(data), 0
    while at < size:
        tag, at = _varint(data, at)
        kind = tag & 7
        if kind == 0:
            _, at = _varint(data, at)
        elif kind == 2:
            length, at = _varint(data, at)
            at += length
        elif kind in (1, 5):
            at += 8 if kind == 1 else 4
        else:
            return False  # the parser finds what is wrong
        count += tag == _METRICS_TAG
        if count > MOST_METRICS:
            return True
    return False


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(data) and shift < 70:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    return 0, len(data)


def signed(value: int, datatype: int, width: int) -> int:
    """The number that a field of 32 or 64 bits stands for: negative ones come as two's complement.

    Raises:
        PayloadError: it does not fit its type.
    """
    bits = _BITS.get(datatype)
    if bits is None:
        return value
    half = 1 << bits - 1
    if value < half:
        return value
    for size in (bits, 32, width):  # some encode a small type in its own width, some in that of the field
        if bits <= size and (1 << size) - half <= value < 1 << size:
            return value - (1 << size)
    raise PayloadError("wrong_type", f"{value} does not fit Int{bits}")


def value_of(metric: Metric, datatype: int) -> float | str:
    """The value of a metric that is not null: what its field carries, whatever a birth declared.

    Raises:
        PayloadError: there is none, or none that can be stored.
    """
    field = metric.WhichOneof("value")
    _check_type(field, datatype)
    if field in ("double_value", "float_value"):
        number: float = metric.double_value if field == "double_value" else metric.float_value
        if not math.isfinite(number):
            raise PayloadError("not_finite", "is not a finite number")
        return number
    if field == "boolean_value":
        return 1.0 if metric.boolean_value else 0.0
    if field == "string_value":
        text = metric.string_value
        if not isinstance(text, str):  # the library hands out the bytes where they are no UTF-8
            raise PayloadError("bad_text", "is not UTF-8 text")
        return text
    if field is None:
        raise PayloadError("wrong_type", "has neither a value nor is_null")
    if not datatype:
        raise PayloadError("unknown_type", "a whole number without a datatype, and no birth that tells it")
    if field == "int_value":
        return float(signed(metric.int_value, datatype, 32))
    return float(signed(metric.long_value, datatype, 64))


def _check_type(field: str | None, datatype: int) -> None:
    if field in _REFUSED_FIELDS or datatype in REFUSED:
        name = REFUSED.get(datatype) or _REFUSED_FIELDS[field or ""]
        raise PayloadError("unsupported_type", f"{name} is no single value and is not stored")
    if datatype and datatype not in KNOWN:
        raise PayloadError("unknown_type", f"datatype {datatype} is none of Sparkplug B")


def unit_of(metric: Metric) -> str | None:
    """The engineering unit that a birth gives a metric."""
    if not metric.HasField("properties"):
        return None
    found = dict(zip(metric.properties.keys, metric.properties.values, strict=False))
    for name in _UNIT_PROPERTIES:
        text = found[name].string_value if name in found else ""
        text = text.strip() if isinstance(text, str) else ""
        if text and len(text) <= LONGEST_UNIT and text.isprintable():
            return text
    return None


def quality_code_of(metric: Metric) -> int | None:
    """The OPC quality that a metric carries as a property, if any."""
    found = dict(zip(metric.properties.keys, metric.properties.values, strict=False)).get("Quality")
    if found is None or found.WhichOneof("value") not in ("int_value", "long_value"):
        return None
    return found.int_value if found.HasField("int_value") else found.long_value
