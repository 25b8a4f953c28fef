"""Marks of computed days, read back: what series were like, conflicts, and counters that were first seen on them.

In: the site and days that are stored. Out: MARKS as the computation of those days gave them, not only the flags that
their values came to show: a day may be well known whose gap a week has to name.
"""

import polars as pl

from kpi.marking import conflict_marks, first_seen_marks, quality_marks
from kpi.work import each_day, windows_of_days
from model.registry import Site
from store import derived, inputs
from store.pool import Connection
from store.series_quality import doubts, first_seen


def stored_marks(connection: Connection, site: Site, site_id: int, days: derived.Days) -> pl.DataFrame:
    """Give the marks of stored production days, both ends included."""
    every = tuple(each_day(days.first, days.last))
    windows = [window for plan in windows_of_days(site, every).values() for window in plan]
    whole = inputs.Range(min(each.from_us for each in windows), max(each.to_us for each in windows))
    found = [
        first_seen_marks(first_seen(connection, site_id, days), site),
        quality_marks(doubts(connection, site_id, days), site),
        conflict_marks(inputs.conflicts(connection, site_id, whole), site, every),
    ]
    return pl.concat(found)
