"""Shifts and breaks of the plant on the UTC time line, in whole milliseconds.

A production day runs from 06:00 to 06:00 local time and carries the date of its beginning; it has three shifts of
8 h, but the night of a Sunday is free. Viet Nam has kept UTC+7 without summer time since 1975, so one offset is enough.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import Enum

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
OFFSET_MS = 7 * HOUR_MS
_DAY_BEGIN_MS = 6 * HOUR_MS
_SHIFT_MS = 8 * HOUR_MS
_BREAK_AFTER_MS = 4 * HOUR_MS
_BREAK_MS = HOUR_MS // 2
_SHIFT_KEYS = ("morning", "afternoon", "night")
_SUNDAY = 6
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Mode(Enum):
    """What the calendar wants from a unit."""

    WORK = "work"
    BREAK = "break"
    OFF = "off"


@dataclass(frozen=True)
class Window:
    """One shift, or a stretch without one (`shift` is None)."""

    start_ms: int
    end_ms: int
    production_date: date
    shift: str | None

    def breaks(self, *, has_breaks: bool) -> tuple[int, int] | None:
        """Return the planned break inside this window as start and end."""
        if self.shift is None or not has_breaks:
            return None
        start = self.start_ms + _BREAK_AFTER_MS
        return start, start + _BREAK_MS


def day_start(at_ms: int) -> int:
    """Return the begin of the production day that holds an instant."""
    local = at_ms + OFFSET_MS - _DAY_BEGIN_MS
    return local // DAY_MS * DAY_MS - OFFSET_MS + _DAY_BEGIN_MS


def window_at(at_ms: int) -> Window:
    """Return the shift, or the free night, that holds an instant (its start belongs to it)."""
    start = day_start(at_ms)
    day = date(1970, 1, 1) + timedelta(days=(start + OFFSET_MS) // DAY_MS)
    index = (at_ms - start) // _SHIFT_MS
    begin = start + index * _SHIFT_MS
    free = day.weekday() == _SUNDAY and _SHIFT_KEYS[index] == "night"
    return Window(begin, begin + _SHIFT_MS, day, None if free else _SHIFT_KEYS[index])


def windows(start_ms: int, end_ms: int) -> Iterator[Window]:
    """Yield the windows that overlap a stretch of time, uncut, in order."""
    at = start_ms
    while at < end_ms:
        window = window_at(at)
        yield window
        at = window.end_ms


def status(at_ms: int, *, has_breaks: bool) -> tuple[Mode, int]:
    """Return what the calendar wants at an instant and until when (shift changes are no border)."""
    window = window_at(at_ms)
    if window.shift is None:
        return Mode.OFF, window.end_ms
    pause = window.breaks(has_breaks=has_breaks)
    if pause is not None:
        if pause[0] <= at_ms < pause[1]:
            return Mode.BREAK, pause[1]
        if at_ms < pause[0]:
            return Mode.WORK, pause[0]
    return Mode.WORK, _end_of_work(window, has_breaks=has_breaks)


def _end_of_work(window: Window, *, has_breaks: bool) -> int:
    following = window_at(window.end_ms)
    if following.shift is None:
        return window.end_ms
    pause = following.breaks(has_breaks=has_breaks)
    return pause[0] if pause is not None else _end_of_work(following, has_breaks=False)


def instant(at_ms: int) -> datetime:
    """Return milliseconds since 1970 as an aware UTC time."""
    return _EPOCH + timedelta(milliseconds=at_ms)


def milliseconds(at: datetime) -> int:
    """Return an aware time as whole milliseconds since 1970 (finer parts are cut)."""
    since = at - _EPOCH
    return since.days * DAY_MS + since.seconds * 1000 + since.microseconds // 1000
