"""A message on its way through ingest: where it came from, what is in it, whom to acknowledge."""

from typing import Any

import msgspec

from ingest.decode.result import Decoded
from ingest.route import Source

# Bytes of memory, measured: of a message beside its payload, of a value, of a row and each number in it, of an event.
_MESSAGE, _VALUE, _ROW, _NUMBER, _EVENT = 700, 180, 160, 48, 600


class Message(msgspec.Struct, gc=False, eq=False):
    """One received message; `connection` is the one its acknowledgement belongs to."""

    source: Source
    payload: bytes
    received_us: int
    decoded: Decoded
    dup: bool = False
    packet_id: int = 0
    connection: Any = None
    weight: int = 0  # bytes it counts as while it is held: of the payload when it is decompressed, and of its content
    is_derived: bool = False  # made of the message before it (a death ends several devices): not received by itself
    only_acknowledge: bool = False  # somebody else's business: acknowledged in its turn, in no account
    replay_of: int = 0  # the rejected message that this is another try of
    copied: bool = False  # may also be in the session of another layout, whose worker stores it too
    kept: bool = False  # given up in an outage and taken in again: stored only if the last commit before it was

    @property
    def may_repeat(self) -> bool:
        """Whether the same message may have been stored before."""
        return self.dup or self.kept or self.copied


def measured(decoded: Decoded) -> tuple[int, int]:
    """How many values a message has (one without any counts as one), and an estimate of the bytes that its content
    takes while it waits, beside its payload.
    """
    count = len(decoded.values)
    size = _MESSAGE + _VALUE * count
    for row in decoded.rows:
        width = len(row[0])
        count += width
        size += _ROW + _NUMBER * width
    if decoded.events or decoded.effects:
        size += _EVENT * len(decoded.events) + sum(effect.memory for effect in decoded.effects)
        count = count or len(decoded.events)
    return count or 1, size
