"""Electric energy of machines and lines, as whole watt-milliseconds (3.6e9 of them are one kWh).

In: the segments of units (constant power each) and the base load of a line (constant for a quarter of an hour).
Out: register readings at given instants; energy at T is the integral until T.
"""

from bisect import bisect_right
from random import Random

import numpy as np
import numpy.typing as npt

from simulators.history import Segment

WATT_MS_PER_KWH = 3_600_000_000
QUARTER_MS = 900_000

Instants = npt.NDArray[np.int64]


class BaseLoad:
    """What a line draws beside its machines: light, pumps, compressed air; it also goes on without a shift."""

    def __init__(self, seed: str, mean_w: int) -> None:
        self._seed = seed
        self._mean_w = mean_w
        self._known: dict[int, int] = {}

    def power_w(self, quarter: int) -> int:
        """Return the power in a quarter of an hour, counted from 1970 UTC."""
        if quarter not in self._known:
            random = Random(f"{self._seed}/{quarter}")
            self._known[quarter] = self._mean_w * random.randrange(85, 116) // 100
        return self._known[quarter]

    def segments(self, start_ms: int, end_ms: int) -> list[Segment]:
        """Return the base load of a stretch of time as segments of constant power."""
        return [
            Segment(
                max(start_ms, quarter * QUARTER_MS),
                min(end_ms, (quarter + 1) * QUARTER_MS),
                "EXECUTE",
                "",
                0,
                self.power_w(quarter),
                0,
            )
            for quarter in range(start_ms // QUARTER_MS, -(-end_ms // QUARTER_MS))
        ]


class Register:
    """A cumulative energy register over a growing list of segments, read in the order of time."""

    def __init__(self, segments: list[Segment], first_reading: int) -> None:
        self._segments = segments
        self._index = 0
        self._at_index = first_reading  # reading at the start of segment `_index`

    def read(self, instants: Instants) -> tuple[Instants, Instants]:
        """Return readings (watt-milliseconds) and power (watts) at ascending instants, none before the last call's."""
        part = self._segments[self._index :]
        starts = np.array([segment.start_ms for segment in part], dtype=np.int64)
        power = np.array([segment.power_w for segment in part], dtype=np.int64)
        at_start = np.concatenate(([0], np.cumsum(np.diff(starts) * power[:-1]))) + self._at_index
        place = np.searchsorted(starts, instants, side="right") - 1
        readings = at_start[place] + (instants - starts[place]) * power[place]
        if len(place):
            last = int(place[-1])
            self._index += last
            self._at_index = int(at_start[last])
        return readings, power[place]


def energy(segments: list[Segment], start_ms: int, end_ms: int) -> int:
    """Return the watt-milliseconds of a stretch of time, added up segment by segment."""
    total = 0
    first = max(0, bisect_right(segments, start_ms, key=lambda segment: segment.start_ms) - 1)
    for segment in segments[first:]:
        if segment.start_ms >= end_ms:
            break
        overlap = min(end_ms, segment.end_ms) - max(start_ms, segment.start_ms)
        total += max(0, overlap) * segment.power_w
    return total
