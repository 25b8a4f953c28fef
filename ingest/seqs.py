"""Messages in, sets of their sequence numbers out: one for each device, hour of receipt and run of its counter. Pure.

A number is placed by the device's own time, not by when it came, so it does not matter which worker sees it, in which
order, or how often. The database joins the sets (`seq_epoch` in the schema) and counts what lies between them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from ingest.limits import HOUR_US, Limits
from ingest.message import Message

PAUSE_US = 1_000_000  # a device needs longer than that to start again
FAR_BACK = 16
_LARGEST = (1 << 63) - 2  # a bigint, and the number after it
_DEFAULTS = Limits()

_Ints: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True)
class SeqRun:
    """Numbers of one device that belong together; times in µs are those of the first and the last in its order."""

    site_id: int
    device_id: int
    hour_us: int
    first_us: int
    last_us: int
    ranges: tuple[tuple[int, int], ...]  # first and last number of each, both included

    @property
    def multirange(self) -> str:
        """As PostgreSQL reads it."""
        return "{" + ",".join(f"[{low},{high}]" for low, high in self.ranges) + "}"


def seq_runs(messages: Sequence[Message], limits: Limits = _DEFAULTS) -> list[SeqRun]:
    """Gather the numbers of a batch; a message of no known device has no counter."""
    found = [row for message in messages if message.decoded.seq for row in _rows(message, limits)]
    if not found:
        return []
    site, device, hour, us, number = np.array(sorted(set(found), key=_place), np.int64).T
    return [
        SeqRun(int(site[a]), int(device[a]), int(hour[a]), int(us[a]), int(us[b - 1]), _ranges(number[a:b]))
        for a, b in _runs(device, hour, us, number)
    ]


def _rows(message: Message, limits: Limits) -> Iterable[tuple[int, int, int, int, int]]:
    """Site, device, hour, time and number of each number; one whose own time cannot be is placed by its receipt."""
    source, received_us, decoded = message.source, message.received_us, message.decoded
    if not source.device_id or message.only_acknowledge:
        return
    hour_us = received_us // HOUR_US * HOUR_US
    times = decoded.seq_us if len(decoded.seq_us) == len(decoded.seq) else (0,) * len(decoded.seq)
    for number, us in zip(decoded.seq, times, strict=True):
        is_possible = limits.earliest_us <= us <= received_us + limits.future_us
        # By its receipt a number can be placed once only: a second delivery would look like a counter that went back.
        if number <= _LARGEST and (is_possible or not (message.dup or message.replay_of)):
            yield source.site_id, source.device_id, hour_us, us if is_possible else received_us, number


def _place(row: tuple[int, int, int, int, int]) -> tuple[int, int, int, int]:
    _, device, hour, us, number = row
    return device, hour, us, number


def _runs(device: _Ints, hour: _Ints, us: _Ints, number: _Ints) -> list[tuple[int, int]]:
    """Places from, to: cut where the counter began anew, or may have while another worker had the messages."""
    step, pause = np.diff(number), np.diff(us)
    back = (step <= 0) & (pause > 0) & ((pause > PAUSE_US) | ((number[1:] <= number[:-1] // 2) & (step < -FAR_BACK)))
    unseen = (step != 1) & (pause > PAUSE_US)
    cut = np.flatnonzero((np.diff(device) != 0) | (np.diff(hour) != 0) | back | unseen) + 1
    bounds = [0, *cut.tolist(), len(number)]
    return list(pairwise(bounds))


def _ranges(numbers: _Ints) -> tuple[tuple[int, int], ...]:
    unique = np.unique(numbers)
    cut = np.flatnonzero(np.diff(unique) != 1) + 1
    return tuple((int(part[0]), int(part[-1])) for part in np.split(unique, cut))
