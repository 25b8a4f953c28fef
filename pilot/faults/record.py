"""Messages of which each value says where it belongs: number, speaker and place in one exact double. Pure.

Such messages may be refused for now and stored later (Sparkplug without its birth; a site that is not known yet), so
of each of them either every value is stored, or the message is kept as refused; and a value under another series than
its own is seen for what it is. A state says the same by its time alone.
"""

from dataclasses import dataclass

from model.vocabulary import Quality
from pilot.faults.load import STATES

PLACES = 16  # values in a message at most
SPEAKERS = 1 << 20  # numbers of a speaker stay below 2^29: exact in a double
SPARKPLUG_SITE = "faults-sparkplug"
LATE_SITE = "faults-late-{}"
LATE_ROUND = 1000  # speakers of sites that are known late begin here: round times this, plus the device
VALUES = 6


@dataclass(frozen=True)
class Record:
    """A message and what is to be stored of it; `mask` has a bit for each place that it carries."""

    speaker: int
    number: int
    ts_ms: int
    mask: int
    digest: bytes
    quality: int = int(Quality.GOOD)


def names() -> list[str]:
    """Names of the values by place: gauges, then a state."""
    return [*(f"p{place:02d}_kw" for place in range(VALUES - 1)), "state"]


def places(mask: int) -> list[int]:
    """The places of a mask."""
    return [place for place in range(VALUES) if mask >> place & 1]


def value(speaker: int, number: int, place: int) -> float | str:
    """The value at a place."""
    if place == VALUES - 1:
        return STATES[(number * 7 + speaker) % len(STATES)]
    return float((number * SPEAKERS + speaker) * PLACES + place)


def late_speaker(turn: int, device: int) -> int:
    """The speaker of a device in the site that becomes known in a round."""
    return turn * LATE_ROUND + device


def asset_key(speaker: int) -> tuple[str, str]:
    """Site and path of a speaker; even ones of Sparkplug are nodes, the next is the node's device."""
    if speaker >= LATE_ROUND:
        turn, device = divmod(speaker, LATE_ROUND)
        return LATE_SITE.format(turn), f"late/m{device:03d}"
    node = f"edge{speaker // 2:02d}"
    return SPARKPLUG_SITE, f"{node}/press" if speaker % 2 else node
