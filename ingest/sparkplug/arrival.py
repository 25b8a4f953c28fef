"""A packet as it arrived, and what it stands for; with what is read of any payload: its time and its session."""

from typing import TYPE_CHECKING, NamedTuple

from ingest.decode.result import Decoded
from ingest.sparkplug.meaning import BD_SEQ
from ingest.sparkplug.payload import LARGEST_MS
from ingest.sparkplug.sparkplug_b_pb2 import Payload
from ingest.sparkplug.state import ROUND
from ingest.sparkplug.topics import Place

if TYPE_CHECKING:
    from ingest.route import Source


class Part(NamedTuple):
    """One of the messages that a packet stands for; the first is the packet itself."""

    source: "Source"
    decoded: Decoded


class Receipt(NamedTuple):
    """The circumstances of a packet's receipt; time in µs UTC."""

    received_us: int
    dup: bool  # the broker sends it again: perhaps it was received before
    kept: bool  # it waited here while nothing could be stored: most likely never stored


class Arrival(NamedTuple):
    """A parsed packet and the circumstances of its receipt; times in µs UTC."""

    place: Place
    source: "Source"
    payload: Payload
    sent_us: int  # what the payload says, but no later than now
    data: bytes
    received_us: int
    dup: bool
    kept: bool

    @property
    def again(self) -> bool:
        """Whether it may have been taken in before."""
        return self.dup or self.kept

    @property
    def seq(self) -> int:
        """Its number in the sequence of its node; what is left out in the encoding is 0."""
        return int(self.payload.seq % ROUND)


def sent_us(ms: int, received_us: int) -> int:
    """When a payload was made; a clock that is ahead must not move our memory ahead."""
    return min(ms * 1000, received_us) if 0 < ms < LARGEST_MS else received_us


def bd_seq(payload: Payload) -> int:
    """The number of the session that a birth or death belongs to, -1 where it says none."""
    for metric in payload.metrics:
        if metric.name == BD_SEQ:
            field = metric.WhichOneof("value")
            if field in ("int_value", "long_value"):
                return int(getattr(metric, field)) & 0x7FFF_FFFF
    return -1
