"""Simulated stretches that several tests look at, made once."""

import json
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from simulators.plant import Message, Plant
from simulators.shifts import milliseconds

FRIDAY_MORNING = milliseconds(datetime.fromisoformat("2026-11-06T06:00:00+07:00"))
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS


@dataclass(frozen=True)
class Stretch:
    plant: Plant
    messages: tuple[Message, ...]
    truth: tuple[dict[str, Any], ...]

    def rows(self, kind: str) -> list[dict[str, Any]]:
        return [row for row in self.truth if row["kind"] == kind]

    def readings(self, name: str) -> dict[str, list[tuple[int, Any]]]:
        """Values of one signal by asset path, in time order."""
        found: dict[str, list[tuple[int, Any]]] = defaultdict(list)
        for message in self.messages:
            path = "/".join(message.topic.split("/")[3:6])
            for sample in samples(message.payload):
                if name in sample["values"]:
                    ts = milliseconds(datetime.fromisoformat(sample["ts"]))
                    found[path].append((ts, sample["values"][name]))
        return found


def samples(payload: bytes) -> list[dict[str, Any]]:
    decoded = json.loads(payload)
    return decoded if isinstance(decoded, list) else [decoded]


def simulate(
    seed: int,
    days: float,
    *,
    period_s: int = 60,
    batch: int = 20,
    start_ms: int = FRIDAY_MORNING,
    anew: bool = False,
) -> Stretch:
    plant = Plant(seed=seed, start_ms=start_ms, sample_period_ms=period_s * 1000, anew=anew)
    messages = tuple(plant.history(start_ms + int(days * DAY_MS), batch=batch))
    return Stretch(plant, messages, tuple(plant.truth()))


@cache
def long_weekend() -> Stretch:
    """Friday 06:00 to Wednesday 06:00 local, with the free night of Sunday, once a minute."""
    return simulate(7, 5)
