"""Times as people type them: of the site's own clock, or with an offset, which then counts."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from model.wording import which_of_two
from pilot.errors import PilotError

_DATE = "%Y-%m-%d"
_CLOCKS = ("%H:%M", "%H:%M:%S", "%H:%M:%S.%f")
FORMATS = [_DATE, *(f"{_DATE}{mark}{clock}{zone}" for zone in ("", "%z") for mark in "T " for clock in _CLOCKS)]
METAVAR = "TIME"
_SHOWN = timedelta(seconds=1) - timedelta(microseconds=1)


def at_site(typed: datetime, zone: ZoneInfo) -> datetime:
    """A typed time as an instant: with its own offset, else by the clock of the site.

    Raises:
        PilotError: the clock of the site showed it twice, or never; midnight, as dates mean it, is the first one.
    """
    if typed.tzinfo is not None:
        return typed
    first, second = (typed.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    offsets = [each.utcoffset() or timedelta() for each in (first, second)]
    if offsets[0] == offsets[1] or typed.time() == time.min:
        return first
    if offsets[0] < offsets[1]:
        raise PilotError(f"{typed:%Y-%m-%d %H:%M:%S} is no time of {zone.key}: clocks were set forward over it.")
    raise PilotError(
        f"{typed:%Y-%m-%d %H:%M:%S} came twice in {zone.key}, where clocks were set back: "
        f"say {first.isoformat()} or {second.isoformat()}."
    )


def shown(moment: datetime, zone: ZoneInfo) -> str:
    """A time of the site's clock by the second, with its offset where the clock showed it twice; it can be typed."""
    local = moment.astimezone(zone)
    return f"{local:%Y-%m-%d %H:%M:%S}{which_of_two(local)}"


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
