"""Compressed payloads (gzip, zlib): bytes in, bytes out, never more of them than a payload may have."""

import zlib

from ingest.decode.result import Rejection

FIRST_BYTES = b"\x1fx"  # no text of a contract and no protobuf begins with the first; few texts do with the second
_GZIP = b"\x1f\x8b"
_ZLIB = (b"x\x01", b"x\x5e", b"x\x9c", b"x\xda")
_GZIP_BITS, _ZLIB_BITS = 31, 15


def is_compressed(payload: bytes) -> bool:
    """Whether a payload begins as a compressed one does."""
    return payload[:2] == _GZIP or payload[:2] in _ZLIB


def plain(payload: bytes, most: int) -> bytes | Rejection:
    """What a payload holds, or why it is refused; one that is not compressed comes back as it is.

    Stops as soon as there are more than `most` bytes, so that a bomb costs no more than any payload.
    """
    if payload[:2] == _GZIP:
        found = _inflated(payload, _GZIP_BITS, most)
    elif payload[:2] in _ZLIB:
        found = _inflated(payload, _ZLIB_BITS, most)
        if isinstance(found, Rejection) and found.code == "undecodable":
            return payload  # a text that happens to begin so
    else:
        return payload
    if isinstance(found, bytes) and is_compressed(found):
        return Rejection("undecodable", "the compressed payload holds another compressed one: compress once", 0)
    return found


def _inflated(payload: bytes, bits: int, most: int) -> bytes | Rejection:
    inflater = zlib.decompressobj(bits)
    try:
        found = inflater.decompress(payload, most + 1)
    except zlib.error as error:
        return Rejection("undecodable", f"the payload begins as a compressed one and is none: {error}", 0)
    if len(found) > most:
        return Rejection("too_large", f"the payload has more than {most:,} bytes when it is decompressed", 0)
    if not inflater.eof:
        return Rejection("undecodable", "the compressed payload ends before its end", 0)
    if inflater.unused_data:
        size = len(inflater.unused_data)
        return Rejection("undecodable", f"{size} bytes follow the compressed payload", 0)
    return found
