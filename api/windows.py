"""The `from` and `to` of a query: two production days or two instants, half-open."""

from datetime import UTC, date, datetime, timedelta
from typing import Annotated

from fastapi import Query

from api.problems import invalid
from store.serving import Window

MAX_SPAN_DAYS = 7_320  # 20 years; a page is bounded by its rows, this bounds what is searched

Edge = date | datetime

_HINT = "a production day (2026-11-22) or an instant with its offset (2026-11-22T08:00:00+07:00)"


async def get_window(
    from_: Annotated[str | None, Query(alias="from", description=f"start, inclusive: {_HINT}")] = None,
    to: Annotated[str | None, Query(description=f"end, exclusive, of the same kind: {_HINT}")] = None,
) -> Window:
    """Read the range that the query names."""
    return window_of(from_, to)


def window_of(from_: str | None, to: str | None) -> Window:
    """Read a range of at most MAX_SPAN_DAYS days.

    Raises:
        RequestValidationError: unreadable, mixed, backwards or too long.
    """
    start, end = _edge("from", from_), _edge("to", to)
    if start and end:
        _check(start, end)
    from_day, from_ts = _split(start)
    to_day, to_ts = _split(end)
    return Window(from_day, to_day, from_ts, to_ts)


def window_at(name: str, text: str | None) -> Window:
    """Read a production day or an instant: the windows that begin with it (none = any)."""
    edge = _edge(name, text)
    if edge is None:
        return Window()
    try:
        after = edge + (timedelta(microseconds=1) if isinstance(edge, datetime) else timedelta(days=1))
    except OverflowError as error:
        raise invalid(name, "is out of range") from error
    (from_day, from_ts), (to_day, to_ts) = _split(edge), _split(after)
    return Window(from_day, to_day, from_ts, to_ts)


def instant(name: str, text: str | None) -> datetime | None:
    """Read an instant with its offset."""
    if text is None:
        return None
    edge = _edge(name, text)
    if not isinstance(edge, datetime):
        raise invalid(name, "must be an instant with its offset, e.g. 2026-11-22T08:00:00+07:00")
    return edge


def _edge(name: str, text: str | None) -> Edge | None:
    if text is None:
        return None
    try:
        if len(text) == 10:
            return date.fromisoformat(text)
        # A plus sign that was not escaped arrives as a space.
        moment = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError as error:
        raise invalid(name, f"must be {_HINT}") from error
    if moment.tzinfo is None:
        raise invalid(name, f"has no offset; must be {_HINT}")
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise invalid(name, "is out of range") from error


def _check(start: Edge, end: Edge) -> None:
    if isinstance(start, datetime) != isinstance(end, datetime):
        raise invalid("to", "must be of the same kind as from: both days or both instants")
    span = _span(start, end)
    if span <= timedelta(0):
        raise invalid("to", "must be after from")
    if span > timedelta(days=MAX_SPAN_DAYS):
        raise invalid("to", f"the range is longer than {MAX_SPAN_DAYS} days")


def _span(start: Edge, end: Edge) -> timedelta:
    if isinstance(start, datetime) and isinstance(end, datetime):
        return end - start
    return timedelta(days=end.toordinal() - start.toordinal())


def _split(edge: Edge | None) -> tuple[date | None, datetime | None]:
    if isinstance(edge, datetime):
        return None, edge
    return edge, None
