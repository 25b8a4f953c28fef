"""Where the time of a span goes: seconds per stage, in the order in which the stages were first entered."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Stages:
    """A stopwatch with names; stages do not overlap."""

    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def of(self, name: str) -> Iterator[None]:
        """Add the time of the context to a stage."""
        began = time.monotonic()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.monotonic() - began


def added(one: Mapping[str, float], other: Mapping[str, float]) -> dict[str, float]:
    """Add the stages of two runs."""
    return {name: one.get(name, 0.0) + other.get(name, 0.0) for name in dict.fromkeys([*one, *other])}
