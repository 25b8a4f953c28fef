"""Quality over several steps: what sums of one step cannot say. Pure."""

from collections.abc import Sequence


def rolled_throughput_yield(step_yields: Sequence[float | None]) -> float | None:
    """Yield of steps one after the other, None when one of them is not known or there are none."""
    found = 1.0
    for each in step_yields:
        if each is None:
            return None
        found *= each
    return found if step_yields else None
