"""Data computed again: all of a site by one dirty mark from its first to its last instant, or some dates of it."""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from store.pool import Connection
from store.queries import load


def mark_all_data(connection: Connection, site_id: int, cause: str) -> None:
    """Ask for every day with data of a site again; a site without data gets no mark."""
    sql = load("registry")
    extent = connection.execute(sql["data_extent"], {"site_id": site_id}).fetchone()
    if extent is None or extent[0] is None:
        return
    connection.execute(
        sql["insert_dirty_mark"],
        {"site_id": site_id, "from_ts": extent[0], "to_ts": extent[1] + timedelta(microseconds=1), "cause": cause},
    )


def mark_dates(connection: Connection, site_id: int, zone: str, dates: Iterable[date]) -> None:
    """Ask again for the production days around local dates whose shifts changed, as far as there are data.

    The day before may have a shift into the date; the one after begins when the last shift of the date has ended.
    """
    sql, day, tz = load("registry"), timedelta(days=1), ZoneInfo(zone)
    extent = connection.execute(sql["data_extent"], {"site_id": site_id}).fetchone()
    if extent is None or extent[0] is None:
        return
    first, last = extent[0], extent[1] + timedelta(microseconds=1)
    for low, high in _ranges(sorted(dates)):
        begin = max(first, datetime.combine(low - day, time(), tz))
        end = min(last, datetime.combine(high + 2 * day, time(), tz))
        if begin < end:
            parameters = {"site_id": site_id, "from_ts": begin, "to_ts": end, "cause": "calendar"}
            connection.execute(sql["insert_dirty_mark"], parameters)


def _ranges(dates: list[date]) -> Iterable[tuple[date, date]]:
    """Put dates that are at most three days apart together: their marks touch."""
    start = 0
    for place, each in enumerate(dates):
        if place + 1 == len(dates) or dates[place + 1] - each > timedelta(days=3):
            yield dates[start], each
            start = place + 1
