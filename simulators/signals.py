"""Signals of units and meters as native JSON messages.

In: the history of a unit or the registers of a line, a stretch of virtual time. Out: messages in device-time order.
States, products and jobs are reported when they change and once at 06:00 local, counters with each of these changes and
at every whole sample period of UTC, energy at every whole sample period; so every shift and state begins with a count.
"""

from bisect import bisect_right
from collections.abc import Iterator
from random import Random
from typing import NamedTuple

import numpy as np

from simulators.history import Segment
from simulators.layout import SITE, LineSpec
from simulators.machines import Unit
from simulators.meters import WATT_MS_PER_KWH, BaseLoad, Instants, Register
from simulators.shifts import OFFSET_MS, day_start

_OFFSET_TEXT = "+07:00"


class Message(NamedTuple):
    """One MQTT message and the device time of its last sample."""

    topic: str
    payload: bytes
    ts_ms: int


class Stretch(NamedTuple):
    """A stretch of virtual time, `after_ms` excluded and `until_ms` included, with its sampling instants."""

    after_ms: int
    until_ms: int
    instants: Instants
    stamps: list[str]


def stretch(after_ms: int, until_ms: int, period_ms: int) -> Stretch:
    """Return a stretch with the whole multiples of the period (counted in UTC) inside it."""
    first = (after_ms // period_ms + 1) * period_ms
    instants = np.arange(first, until_ms + 1, period_ms, dtype=np.int64)
    return Stretch(after_ms, until_ms, instants, stamps(instants))


def stamps(instants: Instants) -> list[str]:
    """Return instants as RFC 3339 text in local time with milliseconds."""
    local = (instants + OFFSET_MS).astype("datetime64[ms]")
    return [text + _OFFSET_TEXT for text in np.datetime_as_string(local).tolist()]


class Device:
    """Numbers the samples of one device and packs them into messages."""

    def __init__(self, path: str) -> None:
        self.topic = f"haidang/v1/{SITE}/{path}/data"
        self._seq = 0

    def pack(self, samples: list[tuple[int, str, str]], batch: int) -> Iterator[Message]:
        """Yield messages of up to `batch` samples, each given as time (ms), stamp and JSON members."""
        objects = []
        for seq, (_, stamp, members) in enumerate(samples, self._seq + 1):
            objects.append(f'{{"ts":"{stamp}","seq":{seq},"values":{{{members}}}}}')
        self._seq += len(samples)
        for begin in range(0, len(objects), batch):
            part = objects[begin : begin + batch]
            text = part[0] if batch == 1 else f"[{','.join(part)}]"
            yield Message(self.topic, text.encode(), samples[begin + len(part) - 1][0])


class UnitSignals:
    """Turns the history of one unit into messages."""

    def __init__(self, unit: Unit, seed: str, *, anew: bool = False) -> None:
        random = Random(f"{seed}/registers")
        before = (random.randrange(100_000, 900_000), random.randrange(1_000, 9_000), random.randrange(20_000, 90_000))
        self._good_before, self._reject_before, kwh = (0, 0, 0) if anew else before
        self.unit = unit
        self._device = Device(unit.path)
        self._register = Register(unit.segments, kwh * WATT_MS_PER_KWH) if unit.spec.metered else None
        self._index = 0
        self._state = ""
        self._job = -1

    def messages(self, part: Stretch, batch: int) -> Iterator[Message]:
        """Yield what the unit reports in a stretch of time."""
        segments = self._segments_of(part)
        events = self._events(segments, part)
        samples = self._samples(segments, part)
        places = {ts: place for place, (ts, _, _) in enumerate(samples) if ts in events}
        for ts, (members, counters) in events.items():
            if ts in places:
                _, stamp, sampled = samples[places[ts]]
                samples[places[ts]] = (ts, stamp, members + "," + sampled)
            else:
                samples.append((ts, stamps(np.array([ts]))[0], members + counters))
        samples.sort(key=lambda sample: sample[0])
        return self._device.pack(samples, batch)

    def _segments_of(self, part: Stretch) -> list[Segment]:
        segments = self.unit.segments[self._index :]
        last = bisect_right(segments, part.until_ms, key=lambda segment: segment.start_ms)
        self._index += last - 1
        return segments[:last]

    def _samples(self, segments: list[Segment], part: Stretch) -> list[tuple[int, str, str]]:
        totals = _totals(segments, part.instants)
        rejects = self._rejects(totals)
        good = (totals - rejects + self._good_before).tolist()
        bad = (rejects + self._reject_before).tolist()
        rows = zip(part.instants.tolist(), part.stamps, good, bad, strict=True)
        plain = [(ts, s, f'"good_count":{g},"reject_count":{r}') for ts, s, g, r in rows]
        if self._register is None:
            return plain
        energy = energy_members(*self._register.read(part.instants))
        return [(ts, s, f"{m},{e}") for (ts, s, m), e in zip(plain, energy, strict=True)]

    def _rejects(self, totals: Instants) -> Instants:
        if len(totals):
            self.unit.rejects.count(int(totals[-1]))
        ordinals = np.array(self.unit.rejects.ordinals, dtype=np.int64)
        return np.searchsorted(ordinals, totals, side="right").astype(np.int64)

    def _events(self, segments: list[Segment], part: Stretch) -> dict[int, tuple[str, str]]:
        """Return members by time, and the counters to go with them where no sample does."""
        events: dict[int, tuple[str, str]] = {}
        morning = day_start(part.until_ms)
        for segment in segments:
            if segment.start_ms > part.after_ms:
                self._change(segment, events)
            if part.after_ms < morning and segment.start_ms < morning < segment.end_ms:
                events[morning] = (self._identity(segment), "")
        return events

    def _change(self, segment: Segment, events: dict[int, tuple[str, str]]) -> None:
        if segment.job != self._job:
            events[segment.start_ms] = (self._identity(segment), self._counters_at(segment))
        elif segment.state != self._state:
            members = f'"state":"{segment.state}"' + _reason(segment)
            events[segment.start_ms] = (members, self._counters_at(segment))
        self._state, self._job = segment.state, segment.job

    def _identity(self, segment: Segment) -> str:
        product = self.unit.product(segment.job).key
        job = self.unit.job_key(segment.job)
        return f'"state":"{segment.state}","product":"{product}","job":"{job}"' + _reason(segment)

    def _counters_at(self, segment: Segment) -> str:
        """Counters beside a change, so that every piece can be told to its state and its product."""
        bad = bisect_right(self.unit.rejects.ordinals, segment.total_before)
        good = segment.total_before - bad + self._good_before
        return f',"good_count":{good},"reject_count":{bad + self._reject_before}'


class MeterSignals:
    """Turns the power of a line's units and its base load into messages of its meter."""

    def __init__(self, line: LineSpec, units: list[Unit], base: BaseLoad, seed: str, *, anew: bool = False) -> None:
        before = Random(f"{seed}/registers").randrange(200_000, 900_000)
        self.line = line
        self.base = base
        self._device = Device(line.path(line.meter))
        self._registers = [Register(unit.segments, 0) for unit in units]
        self._reading = 0 if anew else before * WATT_MS_PER_KWH
        self._read_at: int | None = None

    def messages(self, part: Stretch, batch: int) -> Iterator[Message]:
        """Yield what the meter reports in a stretch of time."""
        if not len(part.instants):
            return iter(())
        readings, power = self._base(part.instants)
        for register in self._registers:
            energy, watts = register.read(part.instants)
            readings, power = readings + energy, power + watts
        rows = zip(part.instants.tolist(), part.stamps, energy_members(readings, power), strict=True)
        return self._device.pack(list(rows), batch)

    def _base(self, instants: Instants) -> tuple[Instants, Instants]:
        start = int(instants[0]) if self._read_at is None else self._read_at
        segments = self.base.segments(start, int(instants[-1]) + 1)
        readings, power = Register(segments, self._reading).read(instants)
        self._read_at, self._reading = int(instants[-1]), int(readings[-1])
        return readings, power


def energy_members(readings: Instants, power: Instants) -> list[str]:
    """Return the JSON members of energy registers; nine decimals keep every milliwatt-second of a shift."""
    pairs = zip((readings / WATT_MS_PER_KWH).tolist(), (power / 1000).tolist(), strict=True)
    return [f'"energy_kwh":{kwh:.9f},"power_kw":{kw:.3f}' for kwh, kw in pairs]


def _reason(segment: Segment) -> str:
    return f',"stop_reason":"{segment.reason}"' if segment.reason else ""


def _totals(segments: list[Segment], instants: Instants) -> Instants:
    """Return the pieces finished at or before each instant."""
    fields = np.array(
        [(s.start_ms, s.total_before, s.cycle_ms or 1, s.first_ms, s.pieces_per_cycle) for s in segments],
        dtype=np.int64,
    )
    place = np.searchsorted(fields[:, 0], instants, side="right") - 1
    _, before, cycle, first, pieces = fields[place].T
    cycles = np.where(instants >= first, (instants - first) // cycle + 1, 0)
    return np.asarray(before + cycles * pieces, dtype=np.int64)
