"""Microseconds since 1970, as all of our code counts time, into what the database driver takes."""

from datetime import UTC, datetime, timedelta

UNIX_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def instant(us: int) -> datetime:
    """The moment of microseconds since 1970, in UTC."""
    return UNIX_EPOCH + timedelta(microseconds=us)
