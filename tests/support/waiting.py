"""Wait for a condition with a deadline, never for a fixed time."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

POLL_S = 0.02


def wait_until(predicate: Callable[[], T], *, timeout_s: float = 30.0, what: str = "the condition") -> T:
    """Ask until the answer is true and return it; fail after `timeout_s` seconds.

    An exception of the predicate is not swallowed: what may fail for a while says so itself.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        answer = predicate()
        if answer:
            return answer
        if time.monotonic() >= deadline:
            raise AssertionError(f"waited {timeout_s:g} s for {what}; the last answer was {answer!r}")
        time.sleep(POLL_S)
