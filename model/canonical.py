"""Canonical JSON (RFC 8785) and the digests that name things by their content."""

import hashlib
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import rfc8785

ROW = np.dtype([("ts", "<i8"), ("value", "<f8"), ("quality", "<i2")])


def canonical_json(value: Any) -> bytes:
    """RFC 8785 bytes of plain data or of msgspec structs."""
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
    rows = np.empty(len(ts_us), ROW)
    rows["ts"], rows["value"], rows["quality"] = ts_us, value, quality
    rows["value"][np.isnan(value)] = np.nan
    return hashlib.sha256(rows[np.argsort(ts_us, kind="stable")].tobytes()).digest()
