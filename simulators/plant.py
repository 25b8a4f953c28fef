"""The virtual plant: machines, meters and their signals put together, moved forward in virtual time.

In: a seed, a start, a sample period. Out: messages in the order of device time, and the ground truth.
The same seed and start give the same samples whatever the size of the steps (up to a day); packing follows the steps.
"""

from collections.abc import Generator, Iterator, Sequence
from itertools import pairwise
from operator import attrgetter
from typing import Any

import simpy

from simulators import truth
from simulators.changes import Improvement, Silence
from simulators.layout import LINES, LineSpec, describe
from simulators.machines import Unit
from simulators.meters import BaseLoad
from simulators.shifts import DAY_MS, day_start, window_at
from simulators.signals import Message, MeterSignals, UnitSignals, stretch

__all__ = ["Message", "Plant", "describe"]


class Plant:
    """The whole plant; `advance` moves it and returns what it reported on the way."""

    def __init__(  # noqa: PLR0913 - what decides a plant
        self,
        *,
        seed: int,
        start_ms: int,
        sample_period_ms: int,
        lines: Sequence[LineSpec] = LINES,
        improvement: Improvement | None = None,
        silences: Sequence[Silence] = (),
        anew: bool = False,
    ) -> None:
        """Build the plant; `anew`: its registers begin at zero, as those of devices that were switched off."""
        self.start_ms = start_ms
        self.now_ms = start_ms - 1
        self._period_ms = sample_period_ms
        self._env = simpy.Environment(initial_time=start_ms)
        self.units: list[Unit] = []
        self.meters: list[truth.Meter] = []
        self._sources: list[UnitSignals | MeterSignals] = []
        self._silences = tuple(silences)
        for line in lines:
            self._build(line, f"{seed}/{line.key}", anew=anew)
        if improvement is not None:
            self._env.process(self._improve(improvement))

    def _improve(self, improvement: Improvement) -> Generator[simpy.Event, Any, None]:
        yield self._env.timeout(max(0, improvement.from_ms - self.start_ms))
        for unit in self.units:
            unit.spec = improvement.of(unit.spec)

    def _build(self, line: LineSpec, seed: str, *, anew: bool) -> None:
        units = [Unit(self._env, line, spec, f"{seed}/{spec.key}") for spec in line.units]
        if line.serial:
            for before, after in pairwise(units):
                before.downstream, after.upstream = after, before
        base = BaseLoad(f"{seed}/base", line.base_load_w)
        self.units += units
        self.meters += [truth.Meter(unit.path, (unit,), None) for unit in units if unit.spec.metered]
        self.meters.append(truth.Meter(line.path(line.meter), tuple(units), base))
        self._sources += [UnitSignals(unit, f"{seed}/{unit.spec.key}", anew=anew) for unit in units]
        self._sources.append(MeterSignals(line, units, base, f"{seed}/{line.meter}", anew=anew))

    def advance(self, until_ms: int, *, batch: int = 1) -> list[Message]:
        """Move to an instant (included) and return the messages since the last call, up to `batch` samples in each."""
        if until_ms <= self.now_ms:
            return []
        self._env.run(until=until_ms + 1)
        part = stretch(self.now_ms, until_ms, self._period_ms)
        self.now_ms = until_ms
        messages = [message for source in self._sources for message in source.messages(part, batch)]
        messages.sort(key=attrgetter("ts_ms"))
        return [each for each in messages if not self._is_silent(each)] if self._silences else messages

    def _is_silent(self, message: Message) -> bool:
        day = window_at(message.ts_ms).production_date
        return any(each.topic == message.topic and each.first <= day <= each.last for each in self._silences)

    def history(self, until_ms: int, *, batch: int = 1) -> Iterator[Message]:
        """Yield the messages up to an instant, moving one production day at a time."""
        while self.now_ms < until_ms:
            morning = day_start(self.now_ms + 1) + DAY_MS
            yield from self.advance(min(until_ms, morning - 1), batch=batch)

    def truth(self) -> Iterator[dict[str, Any]]:
        """Yield the ground truth from the start up to now (see `simulators.truth`)."""
        return truth.rows(self.units, self.meters, self.start_ms, self.now_ms)
