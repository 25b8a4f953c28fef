"""Times as people type them: of the site's own clock, or with an offset, which then counts."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from pilot.errors import PilotError

_DATE = "%Y-%m-%d"
_CLOCKS = ("%H:%M", "%H:%M:%S", "%H:%M:%S.%f")
FORMATS = [_DATE, *(f"{_DATE}{mark}{clock}{zone}" for zone in ("", "%z") for mark in "T " for clock in _CLOCKS)]
METAVAR = "TIME"
_SHOWN = timedelta(seconds=1) - timedelta(microseconds=1)


def at_site(typed: datetime, zone: ZoneInfo) -> datetime:
    """A typed time as an instant: with its own offset, else by the clock of the site."""
    return typed if typed.tzinfo is not None else typed.replace(tzinfo=zone)


def end_of_second(instant: datetime) -> datetime:
    """The last instant of a whole second, since lists cut what is below; a more exact instant stays."""
    return instant + _SHOWN if instant.microsecond == 0 else instant


def check_range(begin: datetime | None, end: datetime | None) -> None:
    """Refuse a range that can hold nothing.

    Raises:
        PilotError: the end is not after the beginning.
    """
    if begin is not None and end is not None and end <= begin:
        raise PilotError(
            f"Nothing lies between {begin:%Y-%m-%dT%H:%M} and {end:%Y-%m-%dT%H:%M}: --to is not included; "
            f"for that whole day say --to {begin + timedelta(days=1):%Y-%m-%d}."
        )
