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
