"""What there is to compute: dirty marks and due windows → production days with their causes → spans. Pure."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import pairwise

from model.calendar import DayWindow, local_date, production_day_windows
from model.registry import Site

DAY = timedelta(days=1)
# Days without any data are computed too, since time passes in them, unless somebody's clock was years off.
MAX_FILL_DAYS = 62


@dataclass(frozen=True)
class Span:
    """Contiguous production days to compute together, with the causes per day."""

    days: tuple[date, ...]
    causes: Mapping[date, frozenset[str]] = field(default_factory=dict)

    @property
    def first(self) -> date:
        """The first day."""
        return self.days[0]

    @property
    def last(self) -> date:
        """The last day."""
        return self.days[-1]


@dataclass(frozen=True)
class LongWindows:
    """Weeks (their Mondays), months (their first days) and jobs to build from stored atoms."""

    weeks: frozenset[date] = frozenset()
    months: frozenset[date] = frozenset()
    jobs: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.weeks or self.months or self.jobs)


def long_windows(days: Iterable[date], jobs: Iterable[str] = ()) -> LongWindows:
    """Name the weeks and months that days lie in."""
    days = list(days)
    return LongWindows(frozenset(map(monday, days)), frozenset(day.replace(day=1) for day in days), frozenset(jobs))


def without_pending(wanted: LongWindows, pending: Iterable[date]) -> LongWindows:
    """Leave weeks and months of which days are still to be computed to the span that computes the last of them."""
    later = long_windows(pending)
    return LongWindows(wanted.weeks - later.weeks, wanted.months - later.months, wanted.jobs)


def monday(day: date) -> date:
    """The Monday of a day's ISO week."""
    return day - timedelta(days=day.weekday())


def month_end(day: date) -> date:
    """The last day of a day's month."""
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1) - DAY


def windows_of_days(site: Site, days: Sequence[date]) -> dict[str, tuple[DayWindow, ...]]:
    """Production days of every asset, from the first to the last of the days."""
    return {asset.key: production_day_windows(site, asset.key, days[0], days[-1] + DAY) for asset in site.assets}


def reach_of(windows: Mapping[str, Sequence[DayWindow]]) -> tuple[int, int]:
    """From the first begin to the last end of windows, in µs UTC; (0, 0) where there is none."""
    every = [window for plan in windows.values() for window in plan]
    if not every:
        return 0, 0
    return min(window.from_us for window in every), max(window.to_us for window in every)


def days_of_ranges(site: Site, ranges: Iterable[tuple[str, int, int]]) -> list[tuple[date, date]]:
    """Production days (first, last) that each range (asset, from_us, to_us) touches; asset '' = those of any asset."""
    ranges = list(ranges)
    if not ranges:
        return []
    first = local_date(site.timezone, min(start for _, start, _ in ranges)) - 2 * DAY
    last = local_date(site.timezone, max(end for _, _, end in ranges)) + 2 * DAY
    windows = set(windows_of_days(site, [first, last]).items())
    by_asset = dict(windows)
    plans = set(by_asset.values())
    return [
        _touched([by_asset[asset]] if asset in by_asset and asset else list(plans), start, end)
        for asset, start, end in ranges
    ]


def _touched(plans: list[tuple[DayWindow, ...]], start: int, end: int) -> tuple[date, date]:
    firsts, lasts = zip(*((_day_at(plan, start), _day_at(plan, end - 1)) for plan in plans), strict=True)
    return min(firsts), max(lasts)


def _day_at(plan: tuple[DayWindow, ...], instant: int) -> date:
    return plan[max(bisect_right(plan, instant, key=lambda window: window.from_us) - 1, 0)].day


def days_with_causes(touched: Iterable[tuple[tuple[date, date], str]]) -> dict[date, frozenset[str]]:
    """Collect the causes of each day from ranges of days."""
    found: dict[date, set[str]] = defaultdict(set)
    for (first, last), cause in set(touched):
        for day in each_day(first, last):
            found[day].add(cause)
    return {day: frozenset(causes) for day, causes in found.items()}


def asked_for(
    wanted: AbstractSet[int],
    causes: Mapping[date, frozenset[str]],
    touched: Mapping[int, tuple[date, date]],
    of_data: tuple[AbstractSet[int], Iterable[tuple[date, date]]],
) -> tuple[dict[date, frozenset[str]], dict[int, tuple[date, date]]]:
    """Limit the days and the marks that they answer to those of some marks.

    A day keeps all its causes: what is computed of it holds whatever waits for it. Another mark is answered only if
    all its days are among them, and one of new data only if nothing flowed to it from days outside.

    Args:
        wanted: the marks.
        causes: of all days that there is something to do on.
        touched: first and last day of every mark.
        of_data: marks of new data, and the days before them in which something flowed to their first reading.
    """
    days = {day for id_ in wanted & touched.keys() for day in each_day(*touched[id_])}
    reaches_out = any(not days.issuperset(each_day(*before)) for before in of_data[1])
    answered = {
        id_: span
        for id_, span in touched.items()
        if id_ in wanted or (days.issuperset(each_day(*span)) and not (reaches_out and id_ in of_data[0]))
    }
    return {day: found for day, found in causes.items() if day in days}, answered


def merged(marked: Iterable[tuple[str, int, int]], days: Iterable[tuple[date, date]]) -> list[tuple[str, int, int]]:
    """Join the ranges of an asset whose days touch: few ranges stand for the marks of many batches."""
    found: list[tuple[str, int, int, date]] = []
    for (asset, start, end), (first, last) in sorted(zip(marked, days, strict=True)):
        if found and found[-1][0] == asset and first <= found[-1][3] + DAY:
            _, begin, until, latest = found[-1]
            found[-1] = (asset, begin, max(until, end), max(latest, last))
        else:
            found.append((asset, start, end, last))
    return [(asset, start, end) for asset, start, end, _ in found]


def held_on(touched: tuple[date, date], later: Iterable[tuple[date, date]]) -> tuple[date, date]:
    """Days of a mark up to the last one on which its readings still hold: with that one it is answered."""
    first, last = touched
    return first, max([last, *(until for since, until in later if since <= first <= until)])


def each_day(first: date, last: date) -> Iterator[date]:
    """Days from first to last, both included."""
    return (first + timedelta(days=count) for count in range((last - first).days + 1))


def computed_after(day: date, runs: Iterable[tuple[date, date]], most: int) -> list[date]:
    """Days right after one that have been computed, in spans (first, last), until one has not, or so many."""
    done = [(first, last) for first, last in runs if last > day]
    found: list[date] = []
    while len(found) < most and any(first <= day + DAY <= last for first, last in done):
        day += DAY
        found.append(day)
    return found


def holes(known: Iterable[date]) -> list[date]:
    """Days between known ones: nothing was recorded on them, but time passed."""
    order = sorted(set(known))
    return [
        day
        for before, after in pairwise(order)
        if 1 < (after - before).days <= MAX_FILL_DAYS
        for day in each_day(before + DAY, after - DAY)
    ]


def spans(causes: Mapping[date, frozenset[str]], longest: int, cuts: Iterable[date] = ()) -> list[Span]:
    """Cut days into contiguous spans of at most `longest` days, and before each day of `cuts`."""
    found: list[list[date]] = []
    borders = set(cuts)
    for day in sorted(causes):
        fits = found and found[-1][-1] + DAY == day and len(found[-1]) < longest and day not in borders
        if fits:
            found[-1].append(day)
        else:
            found.append([day])
    return [Span(tuple(days), {day: causes[day] for day in days}) for days in found]
