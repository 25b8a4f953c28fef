"""Quality over several steps or samples: what sums of one window cannot say. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Capability:
    """Index (Cm, Cp) and critical index (Cmk, Cpk); the critical one is below 0 when the mean is outside the limits."""

    index: float
    critical: float


def capability(mean: float, deviation: float, lower: float, upper: float) -> Capability | None:
    """Capability of a machine or process (ISO 22400-2 nos. 19 to 22), None without any deviation.

    Args:
        mean: mean of the characteristic.
        deviation: standard deviation of one run (Cm), within subgroups (Cp) or of all (Pp), in the same unit.
        lower: lower specification limit.
        upper: upper specification limit.
    """
    if deviation <= 0:
        return None
    return Capability((upper - lower) / (6 * deviation), min(upper - mean, mean - lower) / (3 * deviation))


def sample_capability(samples: Sequence[float], lower: float, upper: float) -> Capability | None:
    """Capability from samples with their own standard deviation (n - 1), None with fewer than two."""
    n = len(samples)
    if n < 2:
        return None
    mean = math.fsum(samples) / n
    deviation = math.sqrt(math.fsum((each - mean) ** 2 for each in samples) / (n - 1))
    return capability(mean, deviation, lower, upper)


def rolled_throughput_yield(step_yields: Sequence[float | None]) -> float | None:
    """Yield of steps one after the other, None when one of them is not known."""
    found = 1.0
    for each in step_yields:
        if each is None:
            return None
        found *= each
    return found
