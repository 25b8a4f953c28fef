"""Replay: publish a recording over MQTT as its device would have, keeping or shifting device time.

In: files, the `replay:` section of a mapping, a broker. Out: messages in file order over one connection, and a summary.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from pathlib import Path
from threading import Event
from time import monotonic
from typing import Literal, NamedTuple
from uuid import uuid4

from simulators.device_time import DeviceTime, device_time
from simulators.errors import RecordingError, SettingsError
from simulators.mapping_section import PLACEHOLDER, ReplaySection, load
from simulators.publish import Publisher
from simulators.recordings import Row, find, read
from simulators.settings import utc_now
from simulators.shifts import instant, milliseconds

WEEK_MS = 7 * 24 * 3_600_000
MOST_LINES = 1000  # lines of one instant stay together up to this number
_REPORT_EVERY_S = 1.0
_UNSAFE = re.compile(r"[/+#\s\x00-\x1f]+")

Speed = float | Literal["max"]


@dataclass(frozen=True)
class ReplaySummary:
    """What a replay did; `rows` counts everything read, `untimed_rows` those without a readable time."""

    files: int
    rows: int
    untimed_rows: int
    messages: int
    acknowledged: int
    shifted_weeks: int
    first: datetime | None
    last: datetime | None
    seconds: float
    complete: bool

    @property
    def rows_per_s(self) -> float:
        """Rate over the whole replay."""
        return self.rows / self.seconds if self.seconds else 0.0


@dataclass(frozen=True)
class ReplayProgress:
    """How far a replay is; `rows_total` is known when times are shifted, else 0."""

    rows: int
    rows_total: int
    messages: int
    at: datetime | None
    seconds: float


class Packed(NamedTuple):
    """A message and the latest device time in it (None: no readable time)."""

    topic: str
    payload: bytes
    at_ms: int | None


@dataclass
class Tally:
    """Counts and device times of rows as they go by."""

    rows: int = 0
    untimed: int = 0
    first_ms: int | None = None
    last_ms: int | None = None

    def add(self, at_ms: int | None) -> None:
        """Count a row."""
        self.rows += 1
        if at_ms is None:
            self.untimed += 1
            return
        self.first_ms = at_ms if self.first_ms is None else min(self.first_ms, at_ms)
        self.last_ms = at_ms if self.last_ms is None else max(self.last_ms, at_ms)


def replay(  # noqa: PLR0913 - each is a flag of the command
    files: str | Path | Sequence[str | Path],
    mapping: Path | ReplaySection,
    broker_url: str,
    *,
    speed: Speed = "max",
    shift_to: Literal["now", "none"] = "none",
    stop: Event | None = None,
    report: Callable[[ReplayProgress], None] | None = None,
    now: Callable[[], datetime] = utc_now,
) -> ReplaySummary:
    """Publish recordings in the order of their file names; return when the broker acknowledged everything.

    `speed` is a multiple of real time by device time, or "max". `shift_to="now"` moves all device times by whole weeks
    so that the recording ends within the last week.
    """
    section = mapping if isinstance(mapping, ReplaySection) else load(mapping)
    if speed != "max" and not speed > 0:
        raise SettingsError("the speed must be max or a number above 0")
    paths = find([files] if isinstance(files, str | Path) else files, section.files)
    total, weeks = weeks_to(now(), paths, section) if shift_to == "now" else (Tally(), 0)
    with Publisher(broker_url, client_id=f"haidang-replay-{uuid4().hex[:12]}") as publisher:
        session = _Session(publisher, section.qos, speed, stop or Event(), report, total.rows)
        session.run(messages_of(paths, section, weeks, session.tally))
        publisher.drain()
        return session.summary(len(paths), weeks)


def messages_of(paths: Iterable[Path], section: ReplaySection, weeks: int, tally: Tally) -> Iterator[Packed]:
    """Yield the messages of recordings in order, device times shifted by whole weeks."""
    times = device_time(section.time)
    for path in paths:
        rows = _timed(read(path, section), times, weeks, tally)
        yield from _shdr_messages(rows, section) if section.format == "shdr" else _csv_messages(rows, section)


# -- shifting -------------------------------------------------------------------------------------


def weeks_to(now: datetime, paths: Sequence[Path], section: ReplaySection) -> tuple[Tally, int]:
    """Read everything once for its latest time; return the counts and how many weeks to move it."""
    times, tally = device_time(section.time), Tally()
    for _row, _at_ms in _timed(chain.from_iterable(read(path, section) for path in paths), times, 0, tally):
        pass
    if tally.last_ms is None:
        raise RecordingError("no row has a time as the mapping says, so nothing can be shifted")
    end_ms = tally.last_ms + int(section.time.reach_s * 1000)
    return tally, (milliseconds(now) - end_ms) // WEEK_MS


def _timed(rows: Iterable[Row], times: DeviceTime, weeks: int, tally: Tally) -> Iterator[tuple[Row, int | None]]:
    before, later, at_ms = "", "", None
    for row in rows:
        if row.time != before:  # many rows share an instant
            before = later = row.time
            at_ms = times.parse(before)
            if weeks and at_ms is not None:
                later = times.shift(before, weeks)
                at_ms = times.parse(later)
        tally.add(at_ms)
        yield (row.with_time(later) if later != before else row), at_ms


# -- packing --------------------------------------------------------------------------------------


@dataclass
class _Pack:
    """Rows of one message in the making."""

    topic: str = ""
    parts: list[bytes] = field(default_factory=list)
    at_ms: int | None = None

    def add(self, part: bytes, at_ms: int | None) -> None:
        self.parts.append(part)
        if at_ms is not None:
            self.at_ms = at_ms if self.at_ms is None else max(self.at_ms, at_ms)


def _shdr_messages(rows: Iterable[tuple[Row, int | None]], section: ReplaySection) -> Iterator[Packed]:
    """Cut after `lines_per_message` lines, but never between two lines of the same instant: order matters there."""
    pack, instant_before = _Pack(section.topic), ""
    for row, at_ms in rows:
        same = row.time == instant_before
        if len(pack.parts) >= (MOST_LINES if same else section.lines_per_message):
            yield Packed(pack.topic, b"\n".join(pack.parts), pack.at_ms)
            pack = _Pack(section.topic)
        pack.add(row.encode(), at_ms)
        instant_before = row.time
    if pack.parts:
        yield Packed(pack.topic, b"\n".join(pack.parts), pack.at_ms)


def _csv_messages(rows: Iterable[tuple[Row, int | None]], section: ReplaySection) -> Iterator[Packed]:
    """One object in a message, or an array of up to `rows_per_message`; another topic begins another message."""
    pack = _Pack()
    for row, at_ms in rows:
        topic = topic_of(section.topic, row)
        if pack.parts and (topic != pack.topic or len(pack.parts) >= section.rows_per_message):
            yield _csv_message(pack, section)
            pack = _Pack()
        pack.topic = topic
        pack.add(row.encode(), at_ms)
    if pack.parts:
        yield _csv_message(pack, section)


def _csv_message(pack: _Pack, section: ReplaySection) -> Packed:
    single = section.rows_per_message == 1
    return Packed(pack.topic, pack.parts[0] if single else b"[" + b",".join(pack.parts) + b"]", pack.at_ms)


def topic_of(template: str, row: Row) -> str:
    """Fill `{column}` places of a topic with the row's values, made safe for a topic level."""
    return PLACEHOLDER.sub(lambda place: _UNSAFE.sub("_", row.value(place[1])) or "_", template)


# -- pacing and publishing ------------------------------------------------------------------------


class Pacer:
    """Says how long to wait before a message, by device time; a time that lies back never waits."""

    def __init__(self, speed: Speed, began_s: float) -> None:
        self._speed = speed
        self._began_s = began_s
        self._first_ms: int | None = None

    def wait_s(self, at_ms: int | None, now_s: float) -> float:
        """Return the seconds to wait."""
        if self._speed == "max" or at_ms is None:
            return 0.0
        if self._first_ms is None:
            self._first_ms = at_ms
        due_s = self._began_s + (at_ms - self._first_ms) / 1000 / self._speed
        return max(0.0, due_s - now_s)


class _Session:
    def __init__(  # noqa: PLR0913, PLR0917 - made in one place only
        self,
        publisher: Publisher,
        qos: int,
        speed: Speed,
        stop: Event,
        report: Callable[[ReplayProgress], None] | None,
        rows_total: int,
    ) -> None:
        self.tally = Tally()
        self._publisher = publisher
        self._qos = qos
        self._stop = stop
        self._report = report or (lambda _progress: None)
        self._rows_total = rows_total
        self._began = self._reported = monotonic()
        self._pacer = Pacer(speed, self._began)

    def run(self, messages: Iterable[Packed]) -> None:
        for message in messages:
            self._wait(message.at_ms)
            if self._stop.is_set():
                return
            self._publisher.publish(message.topic, message.payload, self._qos)
            if monotonic() - self._reported > _REPORT_EVERY_S:
                self._tell(message.at_ms)

    def _wait(self, at_ms: int | None) -> None:
        while not self._stop.is_set() and (wait := self._pacer.wait_s(at_ms, monotonic())) > 0:
            self._publisher.tend(min(wait, _REPORT_EVERY_S))
            self._tell(at_ms)

    def _tell(self, at_ms: int | None) -> None:
        self._reported = monotonic()
        at = instant(at_ms) if at_ms is not None else None
        seconds = self._reported - self._began
        self._report(ReplayProgress(self.tally.rows, self._rows_total, self._publisher.published, at, seconds))

    def summary(self, files: int, weeks: int) -> ReplaySummary:
        tally = self.tally
        return ReplaySummary(
            files=files,
            rows=tally.rows,
            untimed_rows=tally.untimed,
            messages=self._publisher.published,
            acknowledged=self._publisher.acknowledged,
            shifted_weeks=weeks,
            first=instant(tally.first_ms) if tally.first_ms is not None else None,
            last=instant(tally.last_ms) if tally.last_ms is not None else None,
            seconds=monotonic() - self._began,
            complete=not self._stop.is_set(),
        )
