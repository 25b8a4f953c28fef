"""One packet of Sparkplug in, the messages that it stands for out: itself, and what follows from it for others."""

import structlog

from ingest.decode.result import Decoded, refused
from ingest.message import Message
from ingest.route import Source
from ingest.sparkplug.arrival import Part
from ingest.sparkplug.host import Host

log = structlog.get_logger("ingest")


def messages(host: Host, message: Message, data: bytes) -> list[Message]:
    """Let the host take a packet, given as a message without content and its decompressed payload."""
    parts = _taken(host, message, data)
    if not parts:
        message.only_acknowledge = True
        return [message]
    message.decoded = parts[0].decoded
    derived = [_derived(part.source, message, part.decoded) for part in parts[1:]]
    return [message, *derived]


def unread(host: Host, message: Message, data: bytes, refusal: Decoded) -> Decoded:
    """A refusal of data that are not read, but for their place in the sequence of their node."""
    try:
        counted = host.pass_over(message.source, data, message.received_us, dup=message.dup)
    except Exception:  # a fault of ours must cost one number, not the service
        log.exception("decoder_failed", topic=message.source.topic)
        return refusal
    counted.whole = refusal.whole
    return counted


def is_kept(message: Message) -> bool:
    """Whether a message must outlast an outage here: nodes send most of theirs only once."""
    return message.source.place is not None and not (message.is_derived or message.only_acknowledge)


def again(message: Message) -> Message:
    """A message that is taken in again after an outage; its acknowledgement went with the connection."""
    return Message(
        message.source,
        message.payload,
        message.received_us,
        Decoded(),
        message.dup,
        weight=len(message.payload),
        kept=True,
    )


def _taken(host: Host, message: Message, data: bytes) -> list[Part]:
    try:
        return host.take(message.source, data, message.received_us, dup=message.dup, kept=message.kept)
    except Exception:  # a fault of ours must cost one message, not the service
        log.exception("decoder_failed", topic=message.source.topic)
        return [Part(message.source, refused("undecodable", "our decoder failed on it; the service's log says how"))]


def _derived(source: Source, message: Message, decoded: Decoded) -> Message:
    return Message(source, b"", message.received_us, decoded, is_derived=True)
