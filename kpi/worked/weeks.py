"""Wall times of one week from texts: `Mon-Fri 08:00-17:00`, `Tue 05:00`, `daily 6-22`, `24/7`. Pure.

In: texts as reports write them. Out: spans in µs since the Monday of one week.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from kpi.worked.result import UnsupportedError
from model.calendar import Span

MONDAY = datetime(2026, 1, 5)  # noqa: DTZ001 - wall time of no zone
_DAYS = ("mo", "tu", "we", "th", "fr", "sa", "su")
_WORKDAYS = r"(?:week|work|working[ \t]|business[ \t]|(?:five|5)[ \t])days?"
_WEEKEND = r"weekends?"
_ALL_DAYS = r"daily|(?:every|each)[ \t]day|all[ \t]days"
_ALWAYS = re.compile(r"24\s*/\s*7|always|around the clock|continuous", re.IGNORECASE)
_TIME = r"(?:\d{1,2}h\d{0,2}|\d{4}|\d{1,2}(?:[:.]\d{2}){0,2})\s*(?:[ap]\.?m\.?)?"
_DAY = r"(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*|\b(?:mo|tu|we|th|fr|sa|su)\b)\.?"
_TO = r"\s*(?:-|–|—|to|through|thru|until|till|\.\.)\s*"
_HOURS = rf"({_TIME}){_TO}({_TIME})|between\s+({_TIME})\s*and\s+({_TIME})"
_WHOLE_DAY = r"24\s*h(?:ours?)?\b|all day|whole day"
_TOKEN = re.compile(
    rf"(?P<over>{_DAY}[\s,]*{_TIME}{_TO}{_DAY}[\s,]*{_TIME})|(?P<range>{_DAY}{_TO}{_DAY})|(?P<work>{_WORKDAYS})"
    rf"|(?P<end>{_WEEKEND})|(?P<all>{_ALL_DAYS})|(?P<day>\b{_DAY})|(?P<hours>(?<!\d){_HOURS}(?![\d:])|{_WHOLE_DAY})",
    re.IGNORECASE,
)
_DATED = re.compile(r"\s*\d{4}-\d{2}-\d{2}")
_ONE_DAY = re.compile(_DAY, re.IGNORECASE)
_WEEK = timedelta(days=7)
_BEGINS, _ENDS = ("start", "from", "begin", "open"), ("end", "to", "until", "close")


def spans(given: Any, key: str, *, as_written: bool = False) -> list[Span]:
    """Spans of a text, of a list of texts or pairs, or of a mapping of days or names to those.

    Dated times with an offset become UTC, unless they are to be taken as the wall times that are written.
    """
    if isinstance(given, str):
        return list(_of_text(given, key))
    if isinstance(given, Mapping):
        if (begins := _one_of(given, _BEGINS)) and (ends := _one_of(given, _ENDS)):
            return _from_day_to(_one_of(given, ("days", "day")), begins, ends, key)
        return [span for name, value in given.items() for span in _of_entry(name, value, key)]
    if len(given) == 2 and all(isinstance(each, str) and _is_instant(each) for each in given):
        begin, end = (at(each, as_written=as_written) for each in given)
        return [_between(begin, end, given[0], key)]
    if len(given) == 3 and all(isinstance(each, str) for each in given) and _is_day(given[0]):
        return _from_day_to(given[0], given[1], given[2], key)
    return [span for each in given for span in spans(each, key, as_written=as_written)]


def is_dated(given: Any) -> bool:
    """Whether any time in texts, lists or mappings of them has a date."""
    if isinstance(given, str):
        return bool(_DATED.match(given))
    return any(is_dated(each) for each in (given.values() if isinstance(given, Mapping) else given))


def in_one_week(found: list[Span]) -> list[Span]:
    """Move dated spans by whole weeks, so that the first one lies in the week that texts without dates mean."""
    week_us = _WEEK // timedelta(microseconds=1)
    shift = min((span.from_us for span in found), default=0) // week_us * week_us
    return [Span(span.from_us - shift, span.to_us - shift, span.key) for span in found]


def round_the_week(found: list[Span]) -> list[Span]:
    """Let what lasts beyond the end of the week go on at its start: weeks without dates repeat."""
    week_us = _WEEK // timedelta(microseconds=1)
    within = [Span(span.from_us, min(span.to_us, week_us), span.key) for span in found if span.from_us < week_us]
    return within + [Span(0, span.to_us - week_us, span.key) for span in found if span.to_us > week_us]


def at(text: str, *, as_written: bool = False) -> datetime:
    """`2026-01-05T08:00`, `Mon 08:00` or `08:00`, all as wall times; 24:00 ends the day."""
    if _DATED.match(text):
        day, _, clock = text.strip().replace(" ", "T", 1).partition("T")
        if clock.startswith("24:00"):
            return at(f"{day}T00:00{clock[5:]}", as_written=as_written) + timedelta(days=1)
        read = datetime.fromisoformat(text.strip())
        zoned = read if as_written or read.tzinfo is None else read.astimezone(UTC)
        return zoned.replace(tzinfo=None)
    day_of_week, clock_of_day = _ONE_DAY.search(text), re.search(_TIME, text, re.IGNORECASE)
    if clock_of_day is None:
        raise UnsupportedError(f"time {text!r}")
    return MONDAY + timedelta(days=_number(day_of_week.group()) if day_of_week else 0) + _clock(clock_of_day.group())


def _is_instant(text: str) -> bool:
    if _DATED.match(text):
        return re.search(r"\s+(?:to|until)\s+|/", text) is None
    return not any(found["hours"] or found["over"] for found in _TOKEN.finditer(_clean(text)))


def _of_entry(name: str, value: Any, key: str) -> list[Span]:
    if isinstance(value, str) and not _ONE_DAY.search(value) and _TOKEN.search(_clean(name)):
        return list(_of_text(f"{name} {value}", key))
    if _is_day(name) and isinstance(value, list) and value and not any(_ONE_DAY.search(str(each)) for each in value):
        pairs = value if isinstance(value[0], list) else [value]
        return [span for begin, end in pairs for span in _from_day_to(name, begin, end, key)]
    return spans(value, key)


def _from_day_to(days: Any, begin: str, end: str, key: str) -> list[Span]:
    """Hours on days that stand apart from them: `Mon-Fri`, `["Mon", "Tue"]`, or no day, which is each or in `begin`."""
    if _ONE_DAY.search(begin) or _DATED.match(begin):
        return [_between(at(begin), at(end), begin, key)]
    named = " ".join(days) if isinstance(days, list) else days or ""
    return list(_of_text(f"{named} {begin}-{end}", key))


def _is_day(text: str) -> bool:
    found = _TOKEN.fullmatch(_clean(text))
    return found is not None and not found["hours"] and not found["over"]


def _one_of(given: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return next((given[name] for name in names if name in given), None)


def _of_text(text: str, key: str) -> Iterator[Span]:
    clean = _clean(text)
    if _ALWAYS.search(clean):
        yield _between(MONDAY, MONDAY + _WEEK, "mon", key)
        return
    if _DATED.match(clean):
        parts = re.split(r"\s+(?:to|-|until)\s+|/", clean)
        yield _between(at(parts[0]), at(parts[-1]), parts[0], key)
        return
    tokens = list(_TOKEN.finditer(clean))
    if not any(token["hours"] or token["over"] for token in tokens):
        raise UnsupportedError(f"operating windows {text!r}")
    for token in tokens:
        if token["over"]:
            begin, end = (_ONE_DAY.split(token["over"])[n] for n in (1, 2))
            first, last = _ONE_DAY.findall(token["over"])
            begin_at, end_at = (at(f"{day} {clock}") for day, clock in ((first, begin), (last, end)))
            yield _between(begin_at, end_at, token["over"], key)
    for days, hours in _groups([token for token in tokens if not token["over"]]):
        yield from (_on(day, begin, end, key) for day in days for begin, end in hours)


def _groups(tokens: list[re.Match[str]]) -> Iterator[tuple[list[int], list[tuple[str, str]]]]:
    """Days and the hours worked on them: `Mon-Thu 8-17, Fri 8-12`, or the hours first: `8-17 Mon-Thu, 8-12 Fri`."""
    kinds = [bool(token["hours"]) for token in tokens]
    starts = [n for n in range(len(tokens)) if n == 0 or (kinds[n] == kinds[0] != kinds[n - 1])]
    for first, last in pairwise((*starts, len(tokens))):
        part = tokens[first:last]
        told = [token for token in part if not token["hours"]]
        named = [token for token in told if not token["all"]]  # `daily 8-17, Mon-Fri` is on these days only
        days = [day for token in named or told for day in _days(token)]
        hours = [_times(token["hours"]) for token in part if token["hours"]]
        yield days or list(range(7)), hours


def _times(text: str) -> tuple[str, str]:
    clocks = re.findall(_TIME, text, re.IGNORECASE)
    return (clocks[0], clocks[1]) if len(clocks) == 2 else ("00:00", "24:00")


def _on(day: int, begin: str, end: str, key: str) -> Span:
    first, last = (MONDAY + timedelta(days=day) + _clock(clock) for clock in (begin, end))
    return _between(first, last if last > first else last + timedelta(days=1), "mon", key)


def _days(token: re.Match[str]) -> list[int]:
    if token["work"]:
        return list(range(5))
    if token["end"]:
        return [5, 6]
    if token["all"]:
        return list(range(7))
    first, last = (_number(_ONE_DAY.findall(token.group())[n]) for n in (0, -1))
    return [day % 7 for day in range(first, last + 1 if last >= first else last + 8)]


def _between(begin: datetime, end: datetime, written: str, key: str) -> Span:
    if end <= begin:  # over midnight, or over the end of the week
        end += _WEEK if _ONE_DAY.search(written) else timedelta(days=1)
    from_us, to_us = ((each - MONDAY) // timedelta(microseconds=1) for each in (begin, end))
    return Span(from_us, to_us, key)


def _clock(text: str) -> timedelta:
    plain = re.sub(r"^(\d{2})(\d{2})", r"\1:\2", text.strip())
    digits = [int(each) for each in re.findall(r"\d+", plain)]
    half = re.search(r"([ap])\.?m", plain, re.IGNORECASE)
    hour = digits[0] if half is None else digits[0] % 12 + (12 if half[1].lower() == "p" else 0)
    if hour > 24:
        raise UnsupportedError(f"time {text!r}")
    hours, minutes, seconds = (hour, *digits[1:], 0, 0)[:3]
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)


def _number(day: str) -> int:
    return _DAYS.index(day[:2].lower())


def _clean(text: str) -> str:
    return " ".join(text.split())
