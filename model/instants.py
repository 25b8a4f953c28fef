"""Microseconds since 1970, as all of our code counts time, and the moments of the standard library; exact both ways."""

from datetime import UTC, datetime, timedelta

UNIX_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def instant(us: int) -> datetime:
    """Give the moment of microseconds since 1970, in UTC."""
    return UNIX_EPOCH + timedelta(microseconds=us)


def micros(moment: datetime) -> int:
    """Give the microseconds since 1970 of a moment that knows its zone."""
    return (moment - UNIX_EPOCH) // _MICROSECOND
