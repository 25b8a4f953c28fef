"""Canonical JSON (RFC 8785) and the digests that name things by their content."""

import hashlib
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import rfc8785

ROW = np.dtype([("ts", "<i8"), ("value", "<f8"), ("quality", "<i2")])

_encode = msgspec.json.Encoder(order="sorted").encode
_SAME = frozenset({str, bool, type(None)})  # written alike by all
Number = float | int | msgspec.Raw | None
_EXACT = 2**53  # integers up to here are the same in JSON everywhere


class Prepared(msgspec.Struct, gc=False):
    """Base of structs that are written as they are, for many rows of one form.

    Their fields hold texts, lists of texts, truths, integers below 2^53, nothing, and floats only through `number`.
    """


def canonical_json(value: Any) -> bytes:
    """RFC 8785 bytes of plain data or of msgspec structs.

    What a usual encoder writes in the same way goes through it; the rest (large and tiny numbers, objects with keys
    outside of ASCII, ...) is written by the reference library and put in at its place.
    """
    return _encode(_usual(value))


def number(value: float | None) -> Number:
    """Give a float as what a usual encoder writes canonically: a whole one as an integer, a rare one written already.

    Raises:
        rfc8785.FloatDomainError: it is no number.
    """
    if value is None:
        return None
    if value.is_integer():
        if -_EXACT < value < _EXACT:
            return int(value)
    elif 1e-4 <= value < 1e15 or -1e15 < value <= -1e-4:  # here no shortest notation has an exponent
        return value
    return msgspec.Raw(rfc8785.dumps(value))


def digest(value: Any) -> str:
    """SHA-256 of the canonical JSON, as hexadecimal text."""
    return hashlib.sha256(canonical_json(value)).hexdigest()


def packed_rows(
    ts_us: npt.NDArray[np.int64], value: npt.NDArray[np.float64], quality: npt.NDArray[np.int16]
) -> npt.NDArray[np.void]:
    """Rows as they are digested, in the given order; a stretch of one series' rows in order of time digests as such."""
    rows = np.empty(len(ts_us), ROW)
    rows["ts"], rows["value"], rows["quality"] = ts_us, value, quality
    odd = np.isnan(value)
    if odd.any():
        rows["value"][odd] = np.nan
    return rows


def _usual(value: Any) -> Any:
    """Give plain data whose usual JSON is canonical: whole floats as integers, rare parts as they are written."""
    kind = type(value)
    if kind in _SAME:
        return value
    if kind is float:
        return number(value)
    if kind is dict:
        return _usual_dict(value)
    if kind is list or kind is tuple:
        return [item if type(item) in _SAME else _usual(item) for item in value]
    if kind is int and -_EXACT < value < _EXACT:
        return value
    return _usual_other(value)


def _usual_dict(value: dict[Any, Any]) -> Any:
    try:
        is_ascii = "".join(value).isascii()
    except TypeError:  # a key that is no text
        return _usual_other(value)
    if not is_ascii:
        return _written_in_order(value)
    made = value.copy()
    for key, item in value.items():
        if type(item) not in _SAME:
            made[key] = _usual(item)
    return made


def _written_in_order(value: dict[str, Any]) -> msgspec.Raw:
    """Write an object by hand: the order of keys is that of their UTF-16, which differs from that of their letters."""
    names = sorted(value, key=lambda name: name.encode("utf-16-be"))
    return msgspec.Raw(b"{" + b",".join(_encode(name) + b":" + canonical_json(value[name]) for name in names) + b"}")


def _usual_other(value: Any) -> Any:
    """Structs and what else has a plain form."""
    if isinstance(value, Prepared):
        return value
    plain = msgspec.to_builtins(value)
    return msgspec.Raw(rfc8785.dumps(plain)) if type(plain) is type(value) else _usual(plain)
