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
_EXACT = 2**53  # integers up to here are the same in JSON everywhere


class _UnusualError(Exception):
    """Something that is written differently by RFC 8785 and by a usual encoder."""


def canonical_json(value: Any) -> bytes:
    """RFC 8785 bytes of plain data or of msgspec structs.

    What a usual encoder writes in the same way takes the fast path; the rest (large and tiny numbers, keys outside of
    ASCII, ...) is left to the reference library.
    """
    try:
        return _encode(_usual(value))
    except _UnusualError:
        return rfc8785.dumps(msgspec.to_builtins(value))


def digest(value: Any) -> str:
    """SHA-256 of the canonical JSON, as hexadecimal text."""
    return hashlib.sha256(canonical_json(value)).hexdigest()


def rows_sha256(ts_us: npt.NDArray[np.int64], value: npt.NDArray[np.float64], quality: npt.NDArray[np.int16]) -> bytes:
    """Digest of one series' rows: (ts int64 µs, value f64, quality i16), little-endian, in order of time.

    Args:
        ts_us: microseconds since 1970 UTC, shape (n,).
        value: values, NaN where there is none, shape (n,); every NaN is written as the one quiet NaN.
        quality: quality codes, shape (n,).
    """
    rows = packed_rows(ts_us, value, quality)
    return hashlib.sha256(rows[np.argsort(ts_us, kind="stable")].tobytes()).digest()


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
    """Give plain data whose usual JSON is canonical: whole floats as integers, everything else as it is."""
    kind = type(value)
    if kind in _SAME:
        return value
    if kind is float:
        return _usual_float(value)
    if kind is dict:
        return _usual_dict(value)
    if kind is list or kind is tuple:
        return [item if type(item) in _SAME else _usual(item) for item in value]
    if kind is int:
        if -_EXACT < value < _EXACT:
            return value
        raise _UnusualError
    return _usual_other(value)


def _usual_dict(value: dict[Any, Any]) -> dict[str, Any]:
    try:
        is_ascii = "".join(value).isascii()
    except TypeError as error:  # a key that is no text
        raise _UnusualError from error
    if not is_ascii:
        raise _UnusualError
    return {key: item if type(item) in _SAME else _usual(item) for key, item in value.items()}


def _usual_other(value: Any) -> Any:
    """Structs and what else has a plain form."""
    plain = msgspec.to_builtins(value)
    if type(plain) is type(value):
        raise _UnusualError
    return _usual(plain)


def _usual_float(value: float) -> float | int:
    size = abs(value)
    if size < _EXACT and value.is_integer():
        return int(value)
    if 1e-4 <= size < 1e15:  # here no shortest notation has an exponent
        return value
    raise _UnusualError
