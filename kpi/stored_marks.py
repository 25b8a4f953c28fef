"""Marks of computed days, read back: what series were like, conflicts, and counters that were first seen on them.

In: the site and days that are stored. Out: MARKS as the computation of those days gave them, not only the flags that
their values came to show: a day may be well known whose gap a week has to name.
"""

from collections.abc import Mapping, Sequence
from datetime import date

import polars as pl

from kpi.marking import conflict_marks, first_seen_marks, quality_marks
from kpi.running.work import each_day, reach_of, windows_of_days
from model.calendar import DayWindow
from model.registry import Site
from store import derived, inputs
from store.pool import Connection
from store.series_quality import begun_inside, doubts, first_seen


def stored_marks(connection: Connection, site: Site, site_id: int, days: derived.Days) -> pl.DataFrame:
    """Give the marks of stored production days, both ends included."""
    every = tuple(each_day(days.first, days.last))
    plans = windows_of_days(site, every)
    whole = inputs.Range(*reach_of(plans))
    found = [
        first_seen_marks(_first_seen(connection, site_id, days, plans), site),
        quality_marks(doubts(connection, site_id, days), site),
        conflict_marks(inputs.conflicts(connection, site_id, whole), site, every),
    ]
    return pl.concat(found)


def _first_seen(
    connection: Connection, site_id: int, days: derived.Days, plans: Mapping[str, Sequence[DayWindow]]
) -> list[tuple[str, str, date]]:
    """Counters and the day inside which they were first seen: one that begins with its day misses nothing of it."""
    starts = {(asset, window.day): window for asset, plan in plans.items() for window in plan}
    handed = [
        (asset, name, starts[asset, day])
        for asset, name, day in first_seen(connection, site_id, days)
        if (asset, day) in starts
    ]
    day_of = {(asset, window.from_us): window.day for asset, _, window in handed}
    places = [(asset, name, window.from_us, window.to_us) for asset, name, window in handed]
    return [(asset, name, day_of[asset, start]) for asset, name, start, _ in begun_inside(connection, site_id, places)]
