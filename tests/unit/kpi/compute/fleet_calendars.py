"""What plants of a fleet work when: shifts in a rotation, overtime, closed days, planned stops, jobs.

In: chance and the first day. Out: rows of the registry that belong to an area with several plants, or to one plant.
"""

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from datetime import date, timedelta
from random import Random

import msgspec

from model.registry import CalendarException, Job, PlannedStop, ShiftRule
from tests.unit.kpi.compute.plants import MINUTE

DAYS = 3  # of a fleet, at most
SHIFTS = {
    "none": (),
    "two": (("early", "06:00", "14:00"), ("late", "14:00", "22:00")),
    "three": (("early", "06:00", "14:00"), ("late", "14:00", "22:00"), ("night", "22:00", "06:00")),
    "long": (("day", "06:00", "18:00"), ("night", "18:00", "06:00")),
    "odd": (("night", "21:30", "05:10"),),
    "skipped": (("dawn", "02:30", "10:30"),),  # begins where clocks jump
}
CYCLES = (7, 7, 4, 5)  # others than 7 are rotations, which go on over the weeks
PRODUCTS = ("p", "q", None)
OFTEN, RARELY = 0.6, 0.2


def shift_rules(chance: Random, area: str, first: date) -> Iterator[ShiftRule]:
    """The shifts of an area: more than half of the days of a cycle are worked; some change their times in the span."""
    kind = chance.choice(sorted(SHIFTS))
    cycle = chance.choice(CYCLES)
    change = (first + timedelta(days=1)).isoformat() if kind in ("two", "three") and chance.random() < OFTEN else None
    for day in sorted(chance.sample(range(cycle), chance.randint(cycle // 2 + 1, cycle))):
        for name, start, end in SHIFTS[kind]:
            rule = ShiftRule(
                shift=name, cycle_day=day, start=start, end=end, asset=area, cycle_days=cycle, valid_to=change
            )
            yield rule
            if change is not None:
                later = {"start": f"{start[:3]}30", "end": f"{end[:3]}30", "valid_from": change, "valid_to": None}
                yield msgspec.structs.replace(rule, **later)


def exceptions(
    chance: Random, area: str, units: Sequence[str], first: date, shifts: AbstractSet[str]
) -> Iterator[CalendarException]:
    """Days on which a shift of the area is left out, and overtime of all or of one unit."""
    if shifts and chance.random() < OFTEN:
        closed = (first + timedelta(days=chance.randrange(DAYS))).isoformat()
        yield CalendarException(date=closed, kind="closed", asset=area, shift=chance.choice([*sorted(shifts), ""]))
    if shifts & {"late", "dawn"} and chance.random() < OFTEN:
        day = (first + timedelta(days=chance.randrange(DAYS))).isoformat()
        end = chance.choice(["20:30", "19:15:30"])
        asset = chance.choice([area, *units[:1]])
        yield CalendarException(date=day, kind="open", asset=asset, shift="late", start="15:00", end=end)


def breaks(chance: Random, area: str) -> Iterator[PlannedStop]:
    """Breaks of all shifts of an area."""
    if chance.random() < OFTEN:
        yield PlannedStop(key="meal", asset=area, start="02:00", end="02:45")
        yield PlannedStop(key="tea", asset=area, start="09:50", end="10:15", reason="meeting")


def dated_stops(chance: Random, asset: str, start: int) -> Iterator[PlannedStop]:
    """Planned stops that overlap breaks and each other."""
    for number in range(chance.choice([1, 3])):
        begin = start + chance.randint(0, DAYS * 1440) * MINUTE
        end = begin + chance.randint(1, 400) * MINUTE
        yield PlannedStop(key=f"dated{number}", asset=asset, from_us=begin, to_us=end)


def jobs(chance: Random, line: str, start: int) -> Iterator[Job]:
    """Orders in work on units, some of which overlap and some of which have no end yet."""
    for number in range(chance.choice([0, 1, 3])):
        begin = start + chance.randint(-500, 4000) * MINUTE
        end = None if chance.random() < RARELY else begin + chance.choice([300, 700, 1500]) * MINUTE
        unit = f"{line}/m{chance.choice([1, 1, 2])}"
        yield Job(asset=unit, key=f"j{number}", from_us=begin, to_us=end, product=chance.choice(PRODUCTS))
