"""A message as it arrived in, its content out: the one way that live, replayed and tried messages go."""

import structlog

from ingest.decode.compression import FIRST_BYTES, plain
from ingest.decode.result import Decoded, Rejection, refused
from ingest.route import Source

log = structlog.get_logger("ingest")


def opened(payload: bytes, most: int) -> bytes | Rejection:
    """A payload of at most `most` bytes, decompressed where it is compressed, or why it is refused."""
    if len(payload) > most:
        return Rejection("too_large", f"the payload has {len(payload):,} bytes, {most:,} are allowed", 0)
    return plain(payload, most) if payload[:1] in FIRST_BYTES else payload


def unread(source: Source, payload: bytes, most: int, refusal: Decoded) -> Decoded:
    """A refusal of a message that is not read, but for its sequence numbers: what is refused is not missing as well."""
    if source.numbers is None:
        return refusal
    plain_payload = opened(payload, most)
    seq, seq_us = ((), ()) if isinstance(plain_payload, Rejection) else source.numbers(plain_payload)
    return Decoded(whole=refusal.whole, seq=seq, seq_us=seq_us) if seq else refusal


def decode(source: Source, payload: bytes | Rejection, received_us: int) -> Decoded:
    """Decode an opened payload."""
    if isinstance(payload, Rejection):
        return Decoded(whole=payload)
    try:
        return source.decode(payload, received_us=received_us) if source.timed_by_receipt else source.decode(payload)
    except Exception:  # a fault of ours must cost one message, not the service
        log.exception("decoder_failed", topic=source.topic)
        return refused("undecodable", "our decoder failed on it; the service's log says how")
