"""Device times as text: read them for pacing, shift them by whole weeks without touching how they are written.

In: a `TimeRule`. Out: milliseconds since 1970, and the same text some weeks later (same clock time, same precision).
"""

from datetime import datetime, timedelta
from functools import lru_cache
from typing import Protocol
from zoneinfo import ZoneInfo

from simulators.mapping_section import TimeRule
from simulators.shifts import milliseconds

_DATE_LENGTH = len("2018-11-01")


class DeviceTime(Protocol):
    """Reads and shifts the time texts of one recording."""

    def parse(self, text: str) -> int | None:
        """Return milliseconds since 1970, or None if this is not a time as the rule says."""

    def shift(self, text: str, weeks: int) -> str:
        """Return the same text, whole weeks later on the wall clock; only for texts that `parse` takes."""


def device_time(rule: TimeRule) -> DeviceTime:
    """Return the reader for a rule."""
    zone = ZoneInfo(rule.zone)
    return _IsoTime(zone) if rule.format is None else _PatternTime(rule.format, zone)


class _IsoTime:
    """ISO 8601: only the date part changes, so offset, precision and separators stay as they are."""

    def __init__(self, zone: ZoneInfo) -> None:
        self._zone = zone

    def parse(self, text: str) -> int | None:
        if text[4:5] != "-" or text[7:8] != "-":  # fromisoformat also takes forms that cannot be shifted as text
            return None
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            return None
        return milliseconds(at if at.tzinfo is not None else at.replace(tzinfo=self._zone))

    def shift(self, text: str, weeks: int) -> str:
        return _later(text[:_DATE_LENGTH], weeks) + text[_DATE_LENGTH:]


@lru_cache(maxsize=1024)
def _later(date: str, weeks: int) -> str:
    return (datetime.fromisoformat(date) + timedelta(weeks=weeks)).date().isoformat()


class _PatternTime:
    """A strptime pattern; `%-d` and the like stand for numbers without leading zeros."""

    def __init__(self, pattern: str, zone: ZoneInfo) -> None:
        self._write = pattern
        self._read = pattern.replace("%-", "%")
        self._zone = zone

    def parse(self, text: str) -> int | None:
        try:
            at = datetime.strptime(text, self._read)  # noqa: DTZ007 - the zone follows
        except ValueError:
            return None
        if at.strftime(self._write) != text:
            return None  # could not be written back as it was
        return milliseconds(at if at.tzinfo is not None else at.replace(tzinfo=self._zone))

    def shift(self, text: str, weeks: int) -> str:
        at = datetime.strptime(text, self._read)  # noqa: DTZ007 - wall clock on purpose
        return (at + timedelta(weeks=weeks)).strftime(self._write)
