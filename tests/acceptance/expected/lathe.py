"""Lathe Mazak03: seconds of production, delay and unknown inside the shift, straight from the SHDR lines."""

import gzip
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("America/New_York")
SHIFT = (time(5, 30), time(17, 30))
CLASS = {"ACTIVE": "production", "UNAVAILABLE": "unknown"}


def executions(folder: Path) -> list[tuple[datetime, str]]:
    """Every different execution line of all files, in order of time (an old snapshot line is found again, not new)."""
    lines = set()
    for path in sorted(folder.glob("Mazak03-*.txt.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as text:
            lines |= {line.strip() for line in text if "|execution|" in line}
    parts = (line.split("|") for line in lines)
    return sorted((datetime.fromisoformat(at), state) for at, _, state in parts)


def shifts(first: date, last: date) -> Iterator[tuple[date, datetime, datetime]]:
    """The early shift of each working day."""
    for offset in range((last - first).days + 1):
        day = first + timedelta(days=offset)
        if day.weekday() < 5:
            yield day, datetime.combine(day, SHIFT[0], ZONE), datetime.combine(day, SHIFT[1], ZONE)


def seconds_per_class(folder: Path) -> dict[date, Counter[str]]:
    """Microseconds per class of each day that has a shift; a state holds until the next one."""
    states = executions(folder)
    first, last = states[0][0].astimezone(ZONE).date(), states[-1][0].astimezone(ZONE).date()
    ends = [at for at, _ in states[1:]] + [datetime.combine(last + timedelta(days=1), time(0), ZONE)]
    result: dict[date, Counter[str]] = {}
    for day, start, end in shifts(first, last):
        seen: Counter[str] = Counter()
        for (at, state), until in zip(states, ends, strict=True):
            overlap = min(until, end) - max(at, start)
            if overlap > timedelta(0):
                seen[CLASS.get(state, "delay")] += overlap // timedelta(microseconds=1)
        result[day] = seen
    return result
