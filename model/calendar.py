"""Shifts, production days and planned stops: local wall times in, UTC instants (int µs) out.

Dates are local and ranges of dates half-open. A wall time that a clock change skips stands for the instant of the
change, one that comes twice for its first occurrence: borders keep their order, lengths come from the instants.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo

from model.instants import instant, micros
from model.registry import CalendarException, PlannedStop, ShiftRule, Site

_DAY = timedelta(days=1)
_DAY_S = 86_400


class CalendarError(ValueError):
    """A calendar that contradicts itself."""


@dataclass(frozen=True, order=True)
class Span:
    """A named stretch of time, half-open."""

    from_us: int
    to_us: int
    key: str


@dataclass(frozen=True)
class ShiftInstance:
    """A shift as worked once; it belongs whole to the local date on which it begins."""

    day: date
    shift: str
    from_us: int
    to_us: int


@dataclass(frozen=True)
class DayWindow:
    """A production day of an asset."""

    day: date
    from_us: int
    to_us: int


@dataclass(frozen=True)
class Calendar:
    """What decides an asset's time plan; assets with equal calendars have equal plans."""

    zone: str
    day_start: str
    rules: tuple[ShiftRule, ...]
    exceptions: tuple[tuple[CalendarException, ...], ...]  # from the site to the asset, each level above the one before
    stops: tuple[PlannedStop, ...]
    holidays: frozenset[str] = frozenset()

    @property
    def always_scheduled(self) -> bool:
        """Tell whether nobody wrote down any shift."""
        return not self.rules and not any(each.kind == "open" for level in self.exceptions for each in level)


def clock_s(text: str) -> int:
    """Read HH:MM[:SS] as seconds after midnight; 24:00 is the end of the day."""
    parts = [int(part) for part in text.split(":")]
    hours, minutes, seconds = (*parts, 0, 0)[:3]
    return hours * 3600 + minutes * 60 + seconds


@lru_cache(maxsize=200_000)
def instant_us(zone: str, day: date, second: int) -> int:
    """Give the instant (µs UTC) of a wall time, in seconds after local midnight of the day."""
    tz = ZoneInfo(zone)
    wall = datetime.combine(day, datetime.min.time()) + timedelta(seconds=second)
    before, after = (wall.replace(tzinfo=tz, fold=fold).utcoffset() or timedelta() for fold in (0, 1))
    late = (wall - before).replace(tzinfo=UTC)
    if after > before:  # skipped by the clock: the change lies between the two readings of the wall time
        return micros(_change(tz, (wall - after).replace(tzinfo=UTC), late))
    return micros(late)


def local_date(zone: str, at_us: int) -> date:
    """Give the local date of an instant (µs UTC)."""
    return instant(at_us).astimezone(ZoneInfo(zone)).date()


def chain(site: Site, asset: str) -> tuple[str | None, ...]:
    """List an asset, its ancestors and at last the whole site (null)."""
    parents = {each.key: each.parent for each in site.assets}
    if asset not in parents:
        raise KeyError(f"site {site.key!r} has no asset {asset!r}")
    keys: list[str | None] = []
    at: str | None = asset
    while at is not None and at not in keys:
        keys.append(at)
        at = parents.get(at)
    return (*keys, None)


def calendar_of(site: Site, asset: str) -> Calendar:
    """Collect what holds for an asset: shift rules of the nearest ancestor with any, exceptions and stops of all."""
    line = chain(site, asset)
    owned = ([rule for rule in site.shifts if rule.asset == key] for key in line)
    return Calendar(
        zone=site.timezone,
        day_start=site.day_start,
        rules=tuple(next((rules for rules in owned if rules), ())),
        exceptions=tuple(tuple(each for each in site.exceptions if each.asset == key) for key in reversed(line)),
        stops=tuple(sorted((s for s in site.planned_stops if s.asset in line), key=lambda s: line.index(s.asset))),
        holidays=frozenset(site.holidays),
    )


def shift_instances(site: Site, asset: str, from_date: date, to_date: date) -> tuple[ShiftInstance, ...]:
    """List the shifts of an asset that begin on the dates, in order of time."""
    return calendar_shifts(calendar_of(site, asset), from_date, to_date)


def production_day_windows(site: Site, asset: str, from_date: date, to_date: date) -> tuple[DayWindow, ...]:
    """List the production days of an asset; they touch each other without gap or overlap."""
    return calendar_days(calendar_of(site, asset), from_date, to_date)


def production_day_of(site: Site, asset: str, instant: int) -> date:
    """Give the production day of an asset that holds an instant (µs UTC)."""
    near = local_date(site.timezone, instant)
    windows = production_day_windows(site, asset, near - 2 * _DAY, near + 2 * _DAY)
    return next(window.day for window in windows if window.from_us <= instant < window.to_us)


@lru_cache(maxsize=512)
def calendar_shifts(calendar: Calendar, from_date: date, to_date: date) -> tuple[ShiftInstance, ...]:
    """List the shifts of a calendar that begin on the dates, in order of time; overlapping ones are an error."""
    found = [shift for day in dates(from_date - _DAY, to_date + _DAY) for shift in _shifts_on(calendar, day)]
    found.sort(key=lambda shift: (shift.from_us, shift.to_us, shift.shift))
    for one, two in pairwise(found):
        if two.from_us < one.to_us:
            raise CalendarError(
                f"shifts overlap: {one.shift!r} of {one.day} ends after {two.shift!r} of {two.day} has begun"
            )
    return tuple(shift for shift in found if from_date <= shift.day < to_date)


@lru_cache(maxsize=512)
def calendar_days(calendar: Calendar, from_date: date, to_date: date) -> tuple[DayWindow, ...]:
    """List the production days of a calendar."""
    shifts: dict[date, list[ShiftInstance]] = {}
    for shift in calendar_shifts(calendar, from_date - _DAY, to_date + _DAY):
        shifts.setdefault(shift.day, []).append(shift)
    starts = [(day, _day_start(calendar, day, shifts)) for day in dates(from_date, to_date + _DAY)]
    return tuple(DayWindow(day, start, end) for (day, start), (_, end) in pairwise(starts) if start < end)


@lru_cache(maxsize=512)
def calendar_stops(calendar: Calendar, from_us: int, to_us: int) -> tuple[Span, ...]:
    """List the planned stops that touch [from, to), the dated ones first; key is the reason, else the stop's own."""
    spans = [
        Span(stop.from_us, stop.to_us, stop.reason or stop.key)
        for stop in calendar.stops
        if stop.from_us is not None and stop.to_us is not None
    ]
    days = local_date(calendar.zone, from_us) - 2 * _DAY, local_date(calendar.zone, to_us) + 2 * _DAY
    for shift in _worked(calendar, *days):
        spans += (span for stop in calendar.stops for span in _stop_in_shift(calendar.zone, stop, shift))
    return tuple(span for span in paint(spans) if span.to_us > from_us and span.from_us < to_us)


def paint(spans: Iterable[Span]) -> list[Span]:
    """Make spans disjoint: where two overlap, the one that comes first in the list stays."""
    order = list(spans)
    cuts = sorted({border for span in order for border in (span.from_us, span.to_us)})
    painted: list[Span] = []
    by_start = sorted(range(len(order)), key=lambda index: order[index].from_us)
    active: list[int] = []
    upcoming = 0
    for low, high in pairwise(cuts):
        while upcoming < len(by_start) and order[by_start[upcoming]].from_us <= low:
            active.append(by_start[upcoming])
            upcoming += 1
        active = [index for index in active if order[index].to_us > low]
        if not active:
            continue
        top = order[min(active)]
        if painted and painted[-1].to_us == low and painted[-1].key == top.key:
            painted[-1] = Span(painted[-1].from_us, high, top.key)
        else:
            painted.append(Span(low, high, top.key))
    return painted


def _change(zone: ZoneInfo, low: datetime, high: datetime) -> datetime:
    before = low.astimezone(zone).utcoffset()
    while high - low > timedelta(seconds=1):
        middle = low + timedelta(seconds=(high - low) // timedelta(seconds=2))
        low, high = (middle, high) if middle.astimezone(zone).utcoffset() == before else (low, middle)
    return high


def dates(from_date: date, to_date: date) -> Iterator[date]:
    """Give the dates from one to another, which is not included."""
    return (from_date + timedelta(days=count) for count in range((to_date - from_date).days))


def in_force(valid_from: str, valid_to: str | None, day: date) -> bool:
    """Tell whether a local date lies in [valid_from, valid_to)."""
    return valid_from <= day.isoformat() and (valid_to is None or day.isoformat() < valid_to)


def _shifts_on(calendar: Calendar, day: date) -> list[ShiftInstance]:
    rules = () if day.isoformat() in calendar.holidays else calendar.rules
    worked = [(rule.shift, rule.start, rule.end) for rule in rules if _rule_applies(rule, day)]
    for level in calendar.exceptions:
        today = [each for each in level if each.date == day.isoformat()]
        closed = {each.shift for each in today if each.kind == "closed"}
        opened = {each.shift for each in today if each.kind == "open"}
        worked = [each for each in worked if "" not in closed and each[0] not in closed | opened]
        worked += ((each.shift, each.start or "", each.end or "") for each in today if each.kind == "open")
    shifts = (_shift(calendar.zone, day, *each) for each in worked)
    return [shift for shift in shifts if shift.from_us < shift.to_us]


def _rule_applies(rule: ShiftRule, day: date) -> bool:
    in_cycle = (day - date.fromisoformat(rule.anchor_date)).days % rule.cycle_days == rule.cycle_day
    return in_cycle and in_force(rule.valid_from, rule.valid_to, day)


def _shift(zone: str, day: date, name: str, start: str, end: str) -> ShiftInstance:
    return ShiftInstance(day, name, *wall_span(zone, day, start, end))


def wall_span(zone: str, day: date, start: str, end: str) -> tuple[int, int]:
    """Give begin and end (µs UTC) of a stretch that begins on a date; one that ends no later on the clock than it
    begins ends on the next day.
    """
    begin, finish = clock_s(start), clock_s(end)
    return instant_us(zone, day, begin), instant_us(zone, day, finish if finish > begin else finish + _DAY_S)


def _day_start(calendar: Calendar, day: date, shifts: dict[date, list[ShiftInstance]]) -> int:
    if day in shifts:
        return shifts[day][0].from_us
    start = instant_us(calendar.zone, day, clock_s(calendar.day_start))
    return max([start, *(shift.to_us for shift in shifts.get(day - _DAY, ()))])


def _worked(calendar: Calendar, from_date: date, to_date: date) -> tuple[ShiftInstance, ...]:
    if calendar.always_scheduled:
        days = calendar_days(calendar, from_date, to_date)
        return tuple(ShiftInstance(window.day, "", window.from_us, window.to_us) for window in days)
    return calendar_shifts(calendar, from_date, to_date)


def _stop_in_shift(zone: str, stop: PlannedStop, shift: ShiftInstance) -> Iterator[Span]:
    if stop.start is None or stop.end is None or (stop.shift is not None and stop.shift != shift.shift):
        return
    if not in_force(stop.valid_from, stop.valid_to, shift.day):
        return
    for day in dates(shift.day - _DAY, shift.day + 2 * _DAY):
        begin, finish = wall_span(zone, day, stop.start, stop.end)
        begin, finish = max(begin, shift.from_us), min(finish, shift.to_us)
        if begin < finish:
            yield Span(begin, finish, stop.reason or stop.key)
