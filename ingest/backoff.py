"""Growing, random waits between tries, so that many workers do not come back at the same moment."""

import random
from collections.abc import Callable


class Backoff:
    """Waits up to `first_s`, then half as much again each time, never above `most_s`."""

    def __init__(self, first_s: float = 0.5, most_s: float = 30.0, draw: Callable[[], float] = random.random) -> None:
        self._first_s = first_s
        self._most_s = most_s
        self._draw = draw
        self._tries = 0

    def next_s(self) -> float:
        """Seconds to wait before the next try."""
        limit = min(self._most_s, self._first_s * 1.5**self._tries)
        self._tries = min(self._tries + 1, 50)
        return limit * (0.5 + 0.5 * self._draw())

    def reset(self) -> None:
        """It worked: begin anew the next time."""
        self._tries = 0
