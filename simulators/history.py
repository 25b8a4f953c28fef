"""What a machine did: stretches of one state with the pieces they make, and which of the pieces are bad.

Pieces are not kept one by one: inside a running segment they leave the machine at `first_ms`, `first_ms + cycle_ms`,
and so on, so counts at any instant are exact arithmetic on whole milliseconds.
"""

import math
from bisect import bisect_right
from dataclasses import dataclass
from random import Random

OPEN = 1 << 62
"""End of a segment that still runs."""

_SETUP_SCRAP_PIECES = 60
_SETUP_SCRAP_SHARE = 0.25


@dataclass(slots=True)
class Segment:
    """A stretch of one state at one speed and one electric power, with the pieces it makes."""

    start_ms: int
    end_ms: int
    state: str
    reason: str
    job: int
    power_w: int
    total_before: int
    cycle_ms: int = 0
    first_ms: int = OPEN
    pieces_per_cycle: int = 1

    def total(self, at_ms: int) -> int:
        """Return pieces of the unit, good and bad, finished at or before an instant of this segment."""
        at = min(at_ms, self.end_ms)
        if self.cycle_ms == 0 or at < self.first_ms:
            return self.total_before
        cycles = (at - self.first_ms) // self.cycle_ms + 1
        return self.total_before + cycles * self.pieces_per_cycle


class Rejects:
    """Which pieces are bad: ordinals drawn by geometric gaps, more of them just after a set-up."""

    def __init__(self, random: Random, share: float) -> None:
        self.ordinals: list[int] = []
        self._random = random
        self._share = share
        self._warm_from = 0
        self._next = self._draw(0)

    def _draw(self, after: int) -> int:
        scrap = after < self._warm_from
        share = _SETUP_SCRAP_SHARE if scrap else self._share
        gap = 1 + int(math.log(1.0 - self._random.random()) / math.log(1.0 - share))
        if scrap and after + gap > self._warm_from:
            return self._draw(self._warm_from)
        return after + gap

    def count(self, total: int) -> int:
        """Return how many of the first `total` pieces are bad."""
        while self._next <= total:
            self.ordinals.append(self._next)
            self._next = self._draw(self._next)
        return bisect_right(self.ordinals, total)

    def after_setup(self, total: int) -> None:
        """Make the pieces after `total` set-up scrap more often."""
        self.count(total)
        self._warm_from = total + _SETUP_SCRAP_PIECES
        self._next = self._draw(total)
