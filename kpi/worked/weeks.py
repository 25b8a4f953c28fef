"""Wall times of one week from texts: `Mon-Fri 08:00-17:00`, `Tue 05:00`, `daily 6-22`, `24/7`. Pure.

In: texts as reports write them. Out: spans in µs since the Monday of one week.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from kpi.worked.result import UnsupportedError
from model.calendar import Span

MONDAY = datetime(2026, 1, 5)  # noqa: DTZ001 - wall time of no zone
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_NAMED = {
    "weekday": range(5),
    "workday": range(5),
    "working day": range(5),
    "business day": range(5),
    "weekend": (5, 6),
}
_ALL = ("daily", "every day", "each day", "all days")
_ALWAYS = re.compile(r"24\s*/\s*7|always|around the clock|continuous", re.IGNORECASE)
_TIME = r"\d{1,2}(?::\d{2}){0,2}\s*(?:[ap]\.?m\.?)?"
_DAY = r"(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?"
_TO = r"\s*(?:-|–|—|to|until|till|\.\.)\s*"
_OVER_DAYS = re.compile(rf"({_DAY})[\s,]*({_TIME}){_TO}({_DAY})[\s,]*({_TIME})", re.IGNORECASE)
_HOURS = re.compile(rf"({_TIME}){_TO}({_TIME})", re.IGNORECASE)
_RANGE = re.compile(rf"({_DAY}){_TO}({_DAY})", re.IGNORECASE)
_ONE_DAY = re.compile(_DAY, re.IGNORECASE)
_WEEK = timedelta(days=7)


def spans(given: Any, key: str) -> list[Span]:
    """Spans of a text, of a list of texts or pairs, or of a mapping of days or names to those."""
    if isinstance(given, str):
        return list(_of_text(given, key))
    if isinstance(given, Mapping):
        return [span for name, value in given.items() for span in _of_entry(name, value, key)]
    pair = len(given) == 2 and all(isinstance(each, str) and not _HOURS.search(_clean(each)) for each in given)
    if pair:
        return [_between(at(given[0]), at(given[1]), given[0], key)]
    return [span for each in given for span in spans(each, key)]


def at(text: str) -> datetime:
    """`2026-01-05T08:00`, `Mon 08:00` or `08:00`, all as wall times."""
    if re.match(r"\s*\d{4}-\d{2}-\d{2}", text):
        return datetime.fromisoformat(text.strip()).replace(tzinfo=None)
    day, clock = _ONE_DAY.search(text), re.search(_TIME, text, re.IGNORECASE)
    if clock is None:
        raise UnsupportedError(f"time {text!r}")
    return MONDAY + timedelta(days=_number(day.group()) if day else 0) + _clock(clock.group())


def _of_entry(name: str, value: Any, key: str) -> list[Span]:
    if isinstance(value, str) and not _ONE_DAY.search(value) and _days(_clean(name)):
        return list(_of_text(f"{name} {value}", key))
    return spans(value, key)


def _of_text(text: str, key: str) -> Iterator[Span]:
    clean = _clean(text)
    if _ALWAYS.search(clean):
        yield _between(MONDAY, MONDAY + _WEEK, "mon", key)
        return
    if re.match(r"\s*\d{4}-", clean):
        parts = re.split(r"\s+(?:to|-|until)\s+|/", clean)
        yield _between(at(parts[0]), at(parts[-1]), parts[0], key)
        return
    days: list[int] = []
    for part in filter(str.strip, re.split(r";|\band\b|,(?=\s*\d)", clean)):
        over = _OVER_DAYS.search(part)
        if over is not None:
            begin, end = (MONDAY + timedelta(days=_number(over[n])) + _clock(over[n + 1]) for n in (1, 3))
            yield _between(begin, end, part, key)
            continue
        hours = _HOURS.search(_RANGE.sub(lambda found: found.group().replace(" ", ""), part))
        days = _days(part) or days or list(range(7))
        if hours is None:
            if not _days(part):
                raise UnsupportedError(f"operating windows {text!r}")
            continue
        for day in days:
            begin, end = (MONDAY + timedelta(days=day) + _clock(clock) for clock in hours.groups())
            yield _between(begin, end if end > begin else end + timedelta(days=1), "mon", key)


def _days(text: str) -> list[int]:
    lower = text.lower()
    for name, days in _NAMED.items():
        if name in lower:
            return list(days)
    if any(name in lower for name in _ALL):
        return list(range(7))
    found = _RANGE.search(lower)
    if found is not None:
        first, last = _number(found[1]), _number(found[2])
        return [day % 7 for day in range(first, last + 1 if last >= first else last + 8)]
    return [_number(day) for day in _ONE_DAY.findall(lower)]


def _between(begin: datetime, end: datetime, written: str, key: str) -> Span:
    if end <= begin:  # over midnight, or over the end of the week
        end += _WEEK if _ONE_DAY.search(written) else timedelta(days=1)
    from_us, to_us = ((each - MONDAY) // timedelta(microseconds=1) for each in (begin, end))
    return Span(from_us, to_us, key)


def _clock(text: str) -> timedelta:
    digits = [int(each) for each in re.findall(r"\d+", text)]
    half = re.search(r"([ap])\.?m", text, re.IGNORECASE)
    hour = digits[0] if half is None else digits[0] % 12 + (12 if half[1].lower() == "p" else 0)
    if hour > 24:
        raise UnsupportedError(f"time {text!r}")
    return timedelta(hours=hour, minutes=digits[1] if len(digits) > 1 else 0)


def _number(day: str) -> int:
    return _DAYS.index(day[:3].lower())


def _clean(text: str) -> str:
    return " ".join(text.split())
