"""Machines in virtual time: a unit lives through the calendar, its stops, set-ups and full or empty conveyors.

In: a `UnitSpec`, a line's calendar, its neighbours, a seed. Out: a list of `Segment`, the complete history of the unit.
All times are whole milliseconds. Pieces are not simulated one by one: inside a running segment they leave the machine
at `first_ms`, `first_ms + cycle_ms`, and so on, so counts at any instant are exact arithmetic.
"""

import math
from collections.abc import Generator
from dataclasses import dataclass
from random import Random
from typing import Any

import simpy

from simulators.history import OPEN, Rejects, Segment
from simulators.layout import LineSpec, Product, StopKind, UnitSpec
from simulators.shifts import Mode, status

CONVEYOR_PIECES = 400
_RELEASE_PIECES = 340
_RESTART_PIECES = 160
_EMPTY_PIECES = 24


@dataclass(slots=True)
class _Hold:
    """A state that lasts until a known instant, whatever happens on the line."""

    state: str
    until_ms: int
    then: str = ""  # "start" = a start-up follows, "setup" = the set-up follows


class Unit:
    """One machine; `segments` is its history, the last one is open."""

    def __init__(self, env: simpy.Environment, line: LineSpec, spec: UnitSpec, seed: str) -> None:
        self.env = env
        self.line = line
        self.spec = spec
        self.path = line.path(spec.key)
        self.upstream: Unit | None = None
        self.downstream: Unit | None = None
        self.segments: list[Segment] = []
        self.job = 0
        self.good_at_job_end: list[int] = []
        self._total_at_job_start = 0
        self._random = Random(f"{seed}/life")
        self.rejects = Rejects(Random(f"{seed}/rejects"), spec.reject_share)
        self._jobs = Random(f"{seed}/jobs")
        self._job_pieces = self._draw_job_pieces()
        self._running_ms = 0
        self._due_ms = [self._draw_ms_of_run(kind) for kind in spec.stops]
        self._hold: _Hold | None = None
        self._needs_start = True
        self._left_ms = 0  # what remains of the piece in the machine
        self._speed_until_ms = 0
        self._calendar = (Mode.OFF, -1)
        self._nudge: simpy.Event = env.event()
        self.enter("STOPPED")
        env.process(self._live())

    # -- what others see ------------------------------------------------------------------------------------------

    def product(self, job: int) -> Product:
        """Return the product of a job: the two products take turns."""
        return self.spec.products[job % 2]

    def job_key(self, job: int) -> str:
        """Return the order key of a job; the units of a serial line share it."""
        where = "" if self.line.serial else f"-{self.spec.key}"
        return f"{self.line.job_prefix}{where}-{job + 1:05d}"

    def total(self, at_ms: int) -> int:
        """Return pieces finished at or before an instant not before the current segment."""
        return self.segments[-1].total(at_ms)

    def good(self, at_ms: int) -> int:
        """Return good pieces finished at or before an instant not before the current segment."""
        total = self.total(at_ms)
        return total - self.rejects.count(total)

    def rate(self) -> float:
        """Return pieces per millisecond in the current segment."""
        segment = self.segments[-1]
        return segment.pieces_per_cycle / segment.cycle_ms if segment.cycle_ms else 0.0

    @property
    def _now(self) -> int:
        return int(self.env.now)

    def nudge(self) -> None:
        """Make the unit look at its surroundings again."""
        if not self._nudge.triggered:
            self._nudge.succeed()

    # -- history --------------------------------------------------------------------------------------------------

    @property
    def state(self) -> str:
        """State now."""
        return self.segments[-1].state

    def enter(self, state: str, reason: str = "", cycle_ms: int = 0) -> None:
        """Close the current segment and begin another one now."""
        now = self._now
        total = self._close(now) if self.segments else 0
        power = self.spec.power_w[state]
        if cycle_ms:
            power = power * self._random.randrange(96, 105) // 100
        segment = Segment(now, OPEN, state, reason, self.job, power, total)
        if cycle_ms:
            segment.cycle_ms = cycle_ms
            segment.first_ms = now + (min(self._left_ms, cycle_ms) or cycle_ms)
            segment.pieces_per_cycle = self.product(self.job).pieces_per_cycle
        if self.segments and self.segments[-1].start_ms == now:
            self.segments[-1] = segment
        else:
            self.segments.append(segment)
        for neighbour in (self.upstream, self.downstream):
            if neighbour is not None:
                neighbour.nudge()

    def _close(self, now: int) -> int:
        last = self.segments[-1]
        total = last.total(now)
        self.rejects.count(total)
        last.end_ms = now
        if last.cycle_ms:
            self._running_ms += now - last.start_ms
            made = (total - last.total_before) // last.pieces_per_cycle
            self._left_ms = last.first_ms + made * last.cycle_ms - now
        return total

    # -- life -----------------------------------------------------------------------------------------------------

    def _live(self) -> Generator[simpy.Event, Any, None]:
        while True:
            self._nudge = self.env.event()
            wake_ms = self._decide(self._now)
            timeout = self.env.timeout(max(1, wake_ms - self._now))
            yield self.env.any_of((timeout, self._nudge))

    def _decide(self, now: int) -> int:
        """Take the state that fits the moment; return when to look again."""
        if now >= self._calendar[1]:
            self._calendar = status(now, has_breaks=self.line.breaks)
        mode, border = self._calendar
        if mode is Mode.OFF:
            return self._rest("STOPPED", border, drop_hold=True)
        if self._hold is not None and now < self._hold.until_ms:
            return self._held_until(now, border)
        self._end_hold(now)
        if self._hold is not None:
            return self._held_until(now, border)
        if mode is Mode.BREAK:
            return self._rest("IDLE", border)
        if self._needs_start:
            self._needs_start = False
            self._begin_hold("STARTING", now, self._draw_ms(15, 45))
            return self._held_until(now, border)
        return self._work(now, border)

    def _held_until(self, now: int, border: int) -> int:
        assert self._hold is not None  # noqa: S101 - callers have just looked
        if border <= now:
            return self._hold.until_ms
        return min(self._hold.until_ms, border)

    def _rest(self, state: str, until_ms: int, *, drop_hold: bool = False) -> int:
        if drop_hold and self._hold is not None:
            if self._hold.then == "setup":
                self._next_job()
            self._hold = None
        if self.state != state or self.segments[-1].reason:
            self.enter(state)
        self._needs_start = True
        return until_ms

    def _begin_hold(self, state: str, now: int, lasts_ms: int, reason: str = "", then: str = "") -> None:
        self._hold = _Hold(state, now + lasts_ms, then)
        self.enter(state, reason)

    def _end_hold(self, now: int) -> None:
        hold, self._hold = self._hold, None
        if hold is None:
            return
        if hold.then == "start":
            self._needs_start = True
        if hold.then == "setup":
            self._next_job()
            low, high = self.spec.setup_s
            self._begin_hold("SETUP", now, self._draw_ms(low, high), then="start")

    def _next_job(self) -> None:
        total = self.segments[-1].total(self._now)
        self.good_at_job_end.append(total - self.rejects.count(total))
        self.job += 1
        self._total_at_job_start = total
        self._job_pieces = self._draw_job_pieces()
        self._left_ms = 0
        self.rejects.after_setup(total)

    # -- running --------------------------------------------------------------------------------------------------

    def _work(self, now: int, border: int) -> int:
        ahead = self.upstream is not None and self.upstream.job > self.job
        if self._job_left(now) == 0:
            self._begin_hold("COMPLETING", now, self._draw_ms(10, 40), then="setup")
            return self._held_until(now, border)
        if not ahead and self._starved(now):
            return min(border, self._refilled_at(now))
        if self._blocked(now):
            return border
        if self._stop_due(now, border):
            return self._held_until(now, border)
        if self.state != "EXECUTE" or now >= self._speed_until_ms:
            self._run(now)
        return min(border, self._next_look(now, ahead=ahead))

    def _job_left(self, now: int) -> int:
        """Pieces still to be made in this job (unknown as long as the upstream unit works on it too)."""
        if self.upstream is None:
            return max(0, self._total_at_job_start + self._job_pieces - self.total(now))
        if self.upstream.job == self.job:
            return OPEN
        return self.upstream.good_at_job_end[self.job] - self.total(now)

    def _level(self, now: int) -> int:
        """Pieces on the conveyor in front."""
        assert self.upstream is not None  # noqa: S101 - asked only on serial lines
        return self.upstream.good(now) - self.total(now)

    def _starved(self, now: int) -> bool:
        if self.upstream is None:
            return False
        waiting = self.state == "SUSPENDED"
        if self._level(now) > (_RESTART_PIECES if waiting else _EMPTY_PIECES):
            return False
        if not waiting:
            self.enter("SUSPENDED")
        return True

    def _refilled_at(self, now: int) -> int:
        assert self.upstream is not None  # noqa: S101 - only a starved unit asks
        rate = self.upstream.rate()
        if rate == 0:
            return OPEN
        return now + _ahead_ms((_RESTART_PIECES + 1 - self._level(now)) / rate)

    def _blocked(self, now: int) -> bool:
        if self.downstream is None:
            return False
        full = _RELEASE_PIECES if self.state == "HELD" else CONVEYOR_PIECES
        if self.downstream._level(now) < full:  # noqa: SLF001 - same class
            return False
        if self.state != "HELD":
            self.enter("HELD")
        return True

    def _stop_due(self, now: int, border: int) -> bool:
        running = self._running_now(now)
        for index, kind in enumerate(self.spec.stops):
            if running < self._due_ms[index]:
                continue
            self._due_ms[index] = running + self._draw_ms_of_run(kind)
            lasts = self._draw_stop_ms(kind)
            if not kind.reason and now + lasts + 60_000 >= border:
                continue  # a short stop never touches a break: it always lies between two running stretches
            then = "start" if kind.state == "ABORTED" else ""
            self._begin_hold(kind.state, now, lasts, kind.reason, then)
            return True
        return False

    def _run(self, now: int) -> None:
        ideal = self.product(self.job).ideal_cycle_ms
        loss = self._random.uniform(0.005, 0.06)
        if self._random.random() < 0.1:
            loss = self._random.uniform(0.12, 0.35)
        self.enter("EXECUTE", cycle_ms=ideal + int(ideal * loss))
        self._speed_until_ms = now + self._draw_ms(1200, 3600)

    def _next_look(self, now: int, *, ahead: bool) -> int:
        to_stop = min(self._due_ms) - self._running_now(now)
        looks = [self._speed_until_ms, now + max(1, to_stop)]
        if ahead or self.upstream is None:
            looks.append(self._finished_at(self._job_left(now)))
        else:
            drop = self.rate() - self.upstream.rate() * 0.9
            looks.append(now + _until_crossed(self._level(now) - _EMPTY_PIECES, drop))
        if self.downstream is not None:
            rise = self.rate() - self.downstream.rate() * 0.97
            room = CONVEYOR_PIECES - self.downstream._level(now)  # noqa: SLF001 - same class
            looks.append(now + _until_crossed(room, rise))
        return min(looks)

    def _finished_at(self, pieces: int) -> int:
        segment = self.segments[-1]
        made = self.total(self._now) - segment.total_before
        cycles = -(-(made + pieces) // segment.pieces_per_cycle)
        return segment.first_ms + (cycles - 1) * segment.cycle_ms

    # -- draws ----------------------------------------------------------------------------------------------------

    def _running_now(self, now: int) -> int:
        last = self.segments[-1]
        return self._running_ms + (now - last.start_ms if last.cycle_ms else 0)

    def _draw_ms_of_run(self, kind: StopKind) -> int:
        return 60_000 + int(self._random.expovariate(1.0) * kind.mean_running_s * 1000)

    def _draw_stop_ms(self, kind: StopKind) -> int:
        short_ones_prevail = self._random.random() ** 2
        return int((kind.shortest_s + (kind.longest_s - kind.shortest_s) * short_ones_prevail) * 1000)

    def _draw_ms(self, low_s: float, high_s: float) -> int:
        return int(self._random.uniform(low_s, high_s) * 1000)

    def _draw_job_pieces(self) -> int:
        low, high = self.spec.job_cycles
        if high == 0:
            return 0
        return self._jobs.randrange(low, high) * self.product(self.job).pieces_per_cycle


def _ahead_ms(wait_ms: float) -> int:
    """At least a second, so that a level just beside its limit does not cause a storm of looks."""
    return max(1000, math.ceil(wait_ms))


def _until_crossed(distance: int, speed: float) -> int:
    if speed <= 0:
        return OPEN
    return _ahead_ms(max(0, distance) / speed)
