"""Field conditions as a layer over the correct source: messages come twice, late, or out of order; none is lost.

In: messages in the order of device time. Out: the same messages as a real network and a real gateway deliver them,
by seeded chances: same seed, same order.
"""

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from random import Random

from simulators.signals import Message


@dataclass(frozen=True)
class Chances:
    """How often what happens to a message, and how long (s of device time) it is held back."""

    duplicate: float = 0.0
    reorder: float = 0.0
    delay: float = 0.0
    reorder_s: float = 60.0
    delay_s: float = 7200.0


PROFILES = {
    "none": Chances(),
    "field": Chances(duplicate=0.01, reorder=0.02, delay=0.005),
}


class FaultLayer:
    """Holds messages back and repeats them; `feed` it in order, `flush` at the end."""

    def __init__(self, chances: Chances, seed: int) -> None:
        self._chances = chances
        self._random = Random(f"{seed}/faults")
        self._held: list[tuple[int, int, Message]] = []
        self._count = 0
        self.duplicated = 0
        self.reordered = 0
        self.delayed = 0

    def feed(self, messages: Iterable[Message]) -> Iterator[Message]:
        """Yield what arrives by now: held-back messages whose time has come, then the undisturbed ones."""
        for message in messages:
            while self._held and self._held[0][0] <= message.ts_ms:
                yield heapq.heappop(self._held)[2]
            hold_s = self._hold_s()
            if hold_s:
                self._hold(message, hold_s)
            else:
                yield message
            if self._random.random() < self._chances.duplicate:
                self.duplicated += 1
                self._hold(message, hold_s + self._random.uniform(0, self._chances.reorder_s))

    def flush(self) -> Iterator[Message]:
        """Yield everything that is still held back."""
        while self._held:
            yield heapq.heappop(self._held)[2]

    def _hold_s(self) -> float:
        draw = self._random.random()
        if draw < self._chances.delay:
            self.delayed += 1
            return self._random.uniform(1.0, self._chances.delay_s)
        if draw < self._chances.delay + self._chances.reorder:
            self.reordered += 1
            return self._random.uniform(1.0, self._chances.reorder_s)
        return 0.0

    def _hold(self, message: Message, seconds: float) -> None:
        self._count += 1
        release_ms = message.ts_ms + int(seconds * 1000)
        heapq.heappush(self._held, (release_ms, self._count, message))
