"""Times of mapped messages: text or number and a rule in, microseconds UTC out, or a sentence about what is wrong."""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from ingest.decode.result import shown
from ingest.decode.scalars import number
from ingest.mapping import SlotRule, TimeRule

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_UNIX_SCALE = {"unix_s": 1_000_000, "unix_ms": 1_000, "unix_us": 1}
_LARGEST_US = 1 << 62


class TimeError(ValueError):
    """A time cannot be understood; the text says why."""


def to_us(at: datetime) -> int:
    """Microseconds since 1970 of an aware datetime."""
    return (at - _EPOCH) // _MICROSECOND


def shdr_time(text: str) -> int:
    """Time of an SHDR line: RFC 3339 in UTC, any number of decimals, a duration behind @ left out."""
    head = text.partition("@")[0]
    try:
        at = datetime.fromisoformat(_six_decimals(head))
    except ValueError as error:
        raise TimeError(f"{shown(text)} is no time such as 2016-05-23T11:40:26.503208Z") from error
    return to_us(at if at.tzinfo else at.replace(tzinfo=UTC))


def mapped_time(value: Any, rule: TimeRule) -> int:
    """Time of a mapped record."""
    if rule.format in _UNIX_SCALE:
        return _unix(value, _UNIX_SCALE[rule.format])
    if not isinstance(value, str) or not value.strip():
        raise TimeError(f"the time must be a text, not {shown(value)}")
    if rule.format == "rfc3339":
        return _rfc3339(value.strip(), rule)
    return _pattern(value.strip(), rule)


def slot_times(day: Any, slot: Any, rule: SlotRule) -> tuple[int, int]:
    """Start and end of a slot of a local date; it lasts its hours also over a change of the clock."""
    start = rule.starts.get(str(slot).strip())
    if start is None:
        raise TimeError(f"slot {shown(slot)} is not one of {', '.join(rule.starts)}")
    try:
        local = datetime.strptime(str(day).strip(), rule.date_format).date()  # noqa: DTZ007 - a date only
    except ValueError as error:
        raise TimeError(f"{shown(day)} is no date as {rule.date_format} says") from error
    from_us = _local_us(local, start, rule.tz)
    return from_us, from_us + round(rule.hours * 3_600_000_000)


def _unix(value: Any, scale: int) -> int:
    try:
        found = number(value) if isinstance(value, str) else value
        if isinstance(found, bool) or not isinstance(found, int | float):
            raise TimeError(f"the time must be a number, not {shown(value)}")
        result = found * scale if isinstance(found, int) else round(found * scale)
    except (ValueError, OverflowError) as error:
        raise TimeError(f"the time must be a number, not {shown(value)}") from error
    if abs(result) > _LARGEST_US:
        raise TimeError(f"the time {shown(value)} is out of all bounds")
    return result


def _rfc3339(text: str, rule: TimeRule) -> int:
    try:
        at = datetime.fromisoformat(_six_decimals(text))
    except ValueError as error:
        raise TimeError(f"{shown(text)} is no RFC 3339 time") from error
    if at.tzinfo is not None:
        return to_us(at)
    if rule.zone is None:
        raise TimeError(f"{shown(text)} has no offset, and the mapping names no zone")
    return _wall_us(at, rule.tz)


def _pattern(text: str, rule: TimeRule) -> int:
    try:
        at = datetime.strptime(text, rule.format)  # noqa: DTZ007 - the zone follows
    except ValueError as error:
        raise TimeError(f"{shown(text)} is no time as {rule.format} says") from error
    if rule.midnight == "closes_day" and at.time() == time(0):
        if at.date() == date.max:
            raise _out_of_bounds(at)
        at += timedelta(days=1)
    return to_us(at) if at.tzinfo else _wall_us(at, rule.tz)


@lru_cache(4096)
def _local_us(day: date, at: time, zone: ZoneInfo) -> int:
    return _wall_us(datetime.combine(day, at), zone)


def _wall_us(at: datetime, zone: ZoneInfo) -> int:
    """Wall time to UTC; of two equal wall times (clock set back) the first is meant, a skipped one is refused."""
    aware = at.replace(tzinfo=zone)
    try:
        back = aware.astimezone(UTC).astimezone(zone).replace(tzinfo=None)
    except OverflowError as error:  # year 1 or 9999: what programs write where they have no time
        raise _out_of_bounds(at) from error
    if back != at:
        raise TimeError(f"{at} does not exist in {zone}: the clock was set forward over it")
    return to_us(aware)


def _out_of_bounds(at: datetime) -> TimeError:
    return TimeError(f"the time {at.isoformat()} is out of all bounds")


def _six_decimals(text: str) -> str:
    """Cut decimals of a second after the sixth (some adapters write seven)."""
    whole, point, rest = text.partition(".")
    if not point:
        return text
    digits = len(rest) - len(rest.lstrip("0123456789"))
    return f"{whole}.{rest[:digits][:6].ljust(6, '0')}{rest[digits:]}" if digits else text
