"""Messages in, sets of their sequence numbers out: one for each device, hour of receipt and run of its counter. Pure.

A number is placed by the device's own time, not by when it came, so it does not matter which worker sees it, in which
order, or how often. The database joins the sets (`seq_epoch` in the schema) and counts what lies between them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
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
    own = [message for message in messages if message.decoded.seq and message.source.device_id]
    if not own:
        return []
    columns = _columns(own, limits)
    _, device, hour, us, number = columns
    order = np.lexsort((number, us, hour, device))
    site, device, hour, us, number = (column[order] for column in columns)
    if not len(number):
        return []
    first = _firsts(device, hour, us, number)
    last = np.append(first[1:], len(number)) - 1
    ranges = _ranges(first, number)
    ends = zip(us[first].tolist(), us[last].tolist(), strict=True)
    places = zip(site[first].tolist(), device[first].tolist(), hour[first].tolist(), strict=True)
    return [SeqRun(*place, *end, ranges=tuple(found)) for place, end, found in zip(places, ends, ranges, strict=True)]


def _columns(own: Sequence[Message], limits: Limits) -> tuple[_Ints, ...]:
    """Site, device, hour, time and number of each number; one whose own time cannot be is placed by its receipt."""
    numbers, times = _numbers(own)
    counts = [len(message.decoded.seq) for message in own]
    site = np.repeat(np.array([message.source.site_id for message in own], np.int64), counts)
    device = np.repeat(np.array([message.source.device_id for message in own], np.int64), counts)
    received = np.repeat(np.array([message.received_us for message in own], np.int64), counts)
    # By its receipt a number can be placed once only: a second delivery would look like a counter that went back.
    again = np.repeat(np.array([message.dup or message.replay_of > 0 for message in own], np.bool_), counts)
    possible = (times >= limits.earliest_us) & (times <= received + limits.future_us)
    kept = (numbers <= _LARGEST) & (possible | ~again)
    all_columns = (site, device, received // HOUR_US * HOUR_US, np.where(possible, times, received), numbers)
    return tuple(column[kept] for column in all_columns)


def _numbers(own: Sequence[Message]) -> tuple[_Ints, _Ints]:
    """All numbers, and the device's time of each, 0 where it is not known."""
    numbers = [number for message in own for number in message.decoded.seq]
    times = [us for message in own for us in message.decoded.seq_us]
    if len(times) != len(numbers):
        times = [us for message in own for us in _times(message)]
    if max(numbers) > _LARGEST:
        numbers = [min(number, _LARGEST + 1) for number in numbers]
    return np.array(numbers, np.int64), np.array(times, np.int64)


def _times(message: Message) -> tuple[int, ...]:
    seq, times = message.decoded.seq, message.decoded.seq_us
    return times if len(times) == len(seq) else (0,) * len(seq)


def _firsts(device: _Ints, hour: _Ints, us: _Ints, number: _Ints) -> _Ints:
    """Where runs begin: where the counter began anew, or may have while another worker had the messages."""
    step, pause = np.diff(number), np.diff(us)
    back = (step <= 0) & (pause > 0) & ((pause > PAUSE_US) | ((number[1:] <= number[:-1] // 2) & (step < -FAR_BACK)))
    unseen = (step != 0) & (step != 1) & (pause > PAUSE_US)
    cut = (np.diff(device) != 0) | (np.diff(hour) != 0) | back | unseen
    return np.concatenate(([0], np.flatnonzero(cut) + 1))


def _ranges(first: _Ints, number: _Ints) -> list[list[tuple[int, int]]]:
    """First and last number of each stretch without a gap, by run."""
    run = np.zeros(len(number), np.int64)
    run[first[1:]] = 1
    run = np.cumsum(run)
    order = np.lexsort((number, run))
    run, number = run[order], number[order]
    begins = np.concatenate(([True], (np.diff(run) != 0) | (np.diff(number) > 1)))
    low = number[begins]
    high = number[np.append(np.flatnonzero(begins)[1:], len(number)) - 1]
    found: list[list[tuple[int, int]]] = [[] for _ in range(len(first))]
    for place, *bounds in zip(run[begins].tolist(), low.tolist(), high.tolist(), strict=True):
        found[place].append((bounds[0], bounds[1]))
    return found
