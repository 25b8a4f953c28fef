"""Refuse shifts that overlap before they are stored: no day of such a calendar could ever be computed."""

from collections.abc import Iterator
from datetime import date, timedelta
from math import lcm

from model.calendar import Calendar, CalendarError, calendar_of, calendar_shifts
from model.registry import Site
from store.errors import InvalidConfigurationError

MAX_CYCLE_DAYS = 400
_DAY = timedelta(days=1)
_EARLIEST = date(1970, 1, 1)


def check_calendars(site: Site) -> None:
    """Expand the calendar of every asset over one cycle of each period of validity, and around its exceptions.

    Raises:
        InvalidConfigurationError: names the asset, the date and the two shifts that overlap.
    """
    checked: set[Calendar] = set()
    for asset in site.assets:
        calendar = calendar_of(site, asset.key)
        if calendar in checked:
            continue
        checked.add(calendar)
        try:
            for first, end in _ranges(calendar):
                calendar_shifts(calendar, first, end)
        except CalendarError as error:
            raise InvalidConfigurationError(f"calendars: {_name(asset.key)}: {error}") from error


def _name(key: str) -> str:
    return f"asset {key!r}" if key else "the site itself"


def _ranges(calendar: Calendar) -> Iterator[tuple[date, date]]:
    """Half-open ranges of dates that hold every combination of shifts."""
    borders = {text for rule in calendar.rules for text in (rule.valid_from, rule.valid_to) if text is not None}
    cycle = min(lcm(*(rule.cycle_days for rule in calendar.rules)), MAX_CYCLE_DAYS) if calendar.rules else 0
    for border in sorted(borders):
        first = max(date.fromisoformat(border), _EARLIEST)
        yield first - _DAY, first + timedelta(days=cycle) + _DAY
    for text in sorted({each.date for level in calendar.exceptions for each in level}):
        day = date.fromisoformat(text)
        yield day - _DAY, day + 2 * _DAY
