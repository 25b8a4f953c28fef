"""Which registry held on which production days: settings of assets, series and relations of meters change on a date.

A production day has the settings that are in force at the end of its local date. Weeks, months and jobs are sums of
pieces that each day's own settings assign to scopes, so that a change within them loses nothing. Pure.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from model.registry import Site

_DAY = timedelta(days=1)
_LEAST = timedelta(microseconds=1)


@dataclass(frozen=True)
class Era:
    """The registry that holds from a production day on, until the next era begins."""

    first: date
    site: Site


def eras_of(sites: Iterable[tuple[date, Site]]) -> tuple[Era, ...]:
    """Join the registries of days, in order, to eras: a new one begins where what assigns pieces to scopes differs."""
    found: list[Era] = []
    for day, site in sites:
        if not found or _assigning(found[-1].site) != _assigning(site):
            found.append(Era(day, site))
    return tuple(found)


def in_force_at(zone: str, day: date) -> datetime:
    """The instant whose settings a production day has: the last one of its local date."""
    return datetime.combine(day + _DAY, time(), ZoneInfo(zone)) - _LEAST


def stretches(eras: tuple[Era, ...]) -> list[tuple[Site, date, date]]:
    """Give each era's registry with its first and last day; the first era reaches back to all days before it."""
    borders = [date.min, *(era.first for era in eras[1:]), date.max] if eras else []
    ends = [(first, until - _DAY if until < date.max else until) for first, until in pairwise(borders)]
    return [(era.site, *days) for era, days in zip(eras, ends, strict=True)]


def _assigning(site: Site) -> tuple[object, ...]:
    return site.assets, site.series, site.relations
