"""A message on its way through ingest: where it came from, what is in it, whom to acknowledge."""

from typing import Any

import msgspec

from ingest.decode.result import Decoded
from ingest.route import Source


class Message(msgspec.Struct, gc=False, eq=False):
    """One received message; `connection` is the one its acknowledgement belongs to."""

    source: Source
    payload: bytes
    received_us: int
    decoded: Decoded
    dup: bool = False
    packet_id: int = 0
    connection: Any = None
    weight: int = 0  # bytes it counts as while it is held: those of the payload when it is decompressed
    is_derived: bool = False  # made of the message before it (a death ends several devices): not received by itself
    only_acknowledge: bool = False  # somebody else's business: acknowledged in its turn, in no account
    replay_of: int = 0  # the rejected message that this is another try of
