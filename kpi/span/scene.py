"""What every step of a span works on: connections, site, days and their windows; and what comes of the span."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Any

from kpi.running.pool import Pool
from kpi.running.progress import Gauge
from kpi.running.stages import Stages
from kpi.running.work import Span, reach_of, windows_of_days
from model.calendar import DayWindow
from model.instants import micros
from model.registry import Site
from store import derived, inputs
from store.pool import Connection

# From where to where each step of a span goes, as a fraction of its time: as it is with millions of readings.
READING, COMPUTING = (0.0, 0.4), (0.4, 0.8)
SHORT, PIECES, LONG, VALUES = (0.8, 0.86), (0.86, 0.88), (0.88, 0.9), (0.9, 1.0)


@dataclass(frozen=True)
class Answered:
    """Marks to lock before reading, and those of them that are answered once the span is written.

    `anyway`: the day before was computed in this run, and what it hands on may have changed since others answered them.
    """

    lock: Sequence[int] = ()
    delete: Sequence[int] = ()
    anyway: bool = False


@dataclass(frozen=True)
class SpanResult:
    """What a span brought."""

    days: int
    readings: int
    values_new: int
    values_revised: int
    seconds: float
    passed_on: frozenset[int] = frozenset()  # marks on the day after, whose carry has changed
    stages: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Scene:
    """A span of a site, locked, at an instant.

    Args:
        connection: of the KPI role, in the transaction of the span.
        reader: ADBC connections for the readings.
        place: ids of the site and its assets.
        site: the registry in force in the span.
        span: the production days.
        now: the instant of the computation.
        pool: computes the parts.
        part_rows: readings of a part, at most, where that can be.
        gauge: told how far the span is.
        ahead: so many days after the span are computed again, at most, when it hands on something else.
    """

    connection: Connection
    reader: Any
    place: derived.Place
    site: Site
    span: Span
    now: datetime
    pool: Pool
    part_rows: int
    gauge: Gauge = field(default_factory=Gauge)
    stages: Stages = field(default_factory=Stages)
    ahead: int = 1

    @property
    def now_us(self) -> int:
        """The instant of the computation in µs UTC."""
        return micros(self.now)

    @contextmanager
    def step(self, name: str, stretch: tuple[float, float], what: str) -> Iterator[None]:
        """Time a step under its name, and tell that it begins and that it is done."""
        gauge = self.gauge.part(*stretch)
        gauge.at(0, what)
        with self.stages.of(name):
            yield
        gauge.at(1, what)

    @cached_property
    def windows(self) -> dict[str, tuple[DayWindow, ...]]:
        """Production days per asset."""
        return windows_of_days(self.site, self.span.days)

    @cached_property
    def whole(self) -> inputs.Range:
        """From the first begin to the last end of the windows."""
        return bounds(self.windows)

    @cached_property
    def closed(self) -> list[date]:
        """Days whose last window has ended and waited for late data."""
        ends: dict[date, int] = {}
        for plan in self.windows.values():
            for window in plan:
                ends[window.day] = max(window.to_us, ends.get(window.day, 0))
        return sorted(day for day, end in ends.items() if end + self.site.lateness_us <= self.now_us)


def bounds(windows: Mapping[str, tuple[DayWindow, ...]]) -> inputs.Range:
    """From the first begin to the last end of windows."""
    return inputs.Range(*reach_of(windows))
