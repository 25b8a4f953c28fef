"""Hypothesis strategy: many whole plants at once, each a line of its own with everything, computed by one call.

Hypothesis draws the site (zone and clock change, holidays, tariff, calendars) and a number per plant, which decides all
of that plant: the number of one that fails makes it again.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from random import Random
from typing import Any

import polars as pl
from hypothesis import strategies as st

from kpi.compute import compute
from kpi.frames import ANNOTATIONS, EVENTS, READINGS, RECORDS, SERIES, Inputs, Tables
from model.calendar import instant_us
from model.registry import (
    Asset,
    AssetRelation,
    CalendarException,
    Job,
    PlannedStop,
    Reason,
    Routing,
    ShiftRule,
    Site,
    StateRule,
    Tariff,
    TariffPeriod,
)
from model.vocabulary import symbol_id
from tests.unit.kpi.compute import fleet_calendars as calendars
from tests.unit.kpi.compute import fleet_records as records
from tests.unit.kpi.compute import fleet_signals as signals
from tests.unit.kpi.compute.plants import MINUTE, MODELS, MODES, SECOND, day_inputs, symbols

# Zones with the day before their clocks jump by an hour or half of one, and days on which nothing jumps.
PLACES = (
    ("Europe/Berlin", date(2026, 3, 28)),
    ("Europe/Berlin", date(2026, 10, 24)),
    ("Australia/Lord_Howe", date(2026, 4, 4)),
    ("Australia/Lord_Howe", date(2026, 10, 3)),
    ("America/Santiago", date(2026, 9, 5)),  # where midnight itself is skipped
    ("Asia/Ho_Chi_Minh", date(2026, 11, 20)),
    ("Asia/Ho_Chi_Minh", date(2026, 12, 30)),
)
REASONS = (
    Reason(key="jam", time_class="delay", sub_class="fault"),
    Reason(key="change", time_class="setup"),
    Reason(key="meeting", time_class="planned_down"),
    Reason(key="other"),
)
WEEK = tuple(range(7))
TARIFF = Tariff(
    key="t",
    valid_from="2020-01-01",
    periods=(
        TariffPeriod(period="peak", weekdays=WEEK, start="09:30", end="11:30"),
        TariffPeriod(period="low", weekdays=WEEK, start="22:00", end="04:00"),
    ),
)
RULES = ("reset", "false_zero")
OPTIONAL = 0.5


AREAS = 8  # each with a calendar: plants of an area share it


@dataclass(frozen=True)
class Fleet:
    """What Hypothesis draws."""

    place: tuple[str, date]
    days: int
    holiday: int | None
    day_start: str
    tariff: bool
    calendars: int
    numbers: tuple[int, ...]

    @property
    def first(self) -> date:
        """The first day."""
        return self.place[1]

    @property
    def lines(self) -> list[str]:
        """Keys of the plants."""
        return [f"l{at:03}" for at in range(len(self.numbers))]


def fleets(plants: int) -> st.SearchStrategy[Fleet]:
    """Fleets of so many plants, no two of which are the same."""
    number = st.integers(0, 2**40)
    return st.builds(
        Fleet,
        place=st.sampled_from(PLACES),
        days=st.sampled_from([2, 2, 2, calendars.DAYS]),
        holiday=st.sampled_from([None, -1, 0, 1]),
        day_start=st.sampled_from(["00:00", "06:00"]),
        tariff=st.booleans(),
        calendars=number,
        numbers=number.map(lambda seed: tuple(Random(seed).sample(range(2**40), plants))),  # noqa: S311 - test data
    )


class _Rows:
    """Everything of the plants, collected."""

    def __init__(self) -> None:
        self.assets: list[Asset] = [Asset(key="", level="site")]
        self.shifts: list[ShiftRule] = []
        self.exceptions: list[CalendarException] = []
        self.stops: list[PlannedStop] = []
        self.jobs: list[Job] = []
        self.relations: list[AssetRelation] = []
        self.rules: list[StateRule] = []
        self.series: list[dict[str, Any]] = []
        self.readings: tuple[list[int], list[int], list[float | None], list[int]] = ([], [], [], [])
        self.events: list[records.Event] = []
        self.notes: list[records.Note] = []
        self.business: list[records.Record] = []

    def add_series(self, asset: str, quantity: str, rows: list[signals.Row], **more: Any) -> None:
        number = len(self.series) + 1
        base = {"qualifier": "", "unit": "", "kind": "counter", "counter_rule": "reset", "name": quantity}
        self.series.append({**base, "series_id": number, "asset": asset, "quantity": quantity, **more})
        ids, instants, values, qualities = self.readings
        ids += [number] * len(rows)
        instants += [ts for ts, _, _ in rows]
        values += [float(symbol_id(value)) if isinstance(value, str) else value for _, value, _ in rows]
        qualities += [quality for _, _, quality in rows]


def _add_area(into: _Rows, area: str, chance: Random, first: date) -> None:
    into.assets.append(Asset(key=area, level="area", parent=""))
    rules = list(calendars.shift_rules(chance, area, first))
    into.shifts += rules
    units = [f"{each.key}/m1" for each in into.assets if each.parent == area]
    into.exceptions += calendars.exceptions(chance, area, units, first, {rule.shift for rule in rules})
    into.stops += calendars.breaks(chance, area)


def _add_plant(into: _Rows, line: str, number: int, first: date) -> None:
    chance = Random(number)  # noqa: S311 - test data
    start = instant_us("UTC", first, 0) - chance.randint(-300, 1200) * MINUTE
    if chance.random() < calendars.RARELY:
        asset = chance.choice([line, f"{line}/m1", f"{line}/m2"])
        into.stops += calendars.dated_stops(chance, asset, start)
    into.jobs += calendars.jobs(chance, line, start)
    _add_assets(into, chance, line, f"a{number % AREAS}")
    _add_state(into, chance, line, start)
    _add_counters(into, chance, line, start)
    _add_meters(into, chance, line, start)
    into.events += records.changes(chance, f"{line}/m1", start)
    into.events += records.runs(chance, f"{line}/m2", start)
    into.notes += records.corrections(chance, line, start)
    into.business += records.business(chance, line, start)


def _add_assets(into: _Rows, chance: Random, line: str, area: str) -> None:
    unit: dict[str, Any] = {
        "assume_order": chance.random() < 0.5,
        "micro_stop_limit_us": chance.choice([0, 5, 15, 40]) * MINUTE,
        "max_silence_us": chance.choice([None, 90 * MINUTE]),
        "state_model": chance.choice(sorted(MODELS)),
    }
    into.assets += (
        Asset(key=line, level="line", parent=area),
        Asset(key=f"{line}/m1", level="unit", parent=line, **unit),
        Asset(key=f"{line}/m2", level="unit", parent=line),
    )
    if chance.random() < 0.5:
        into.rules.append(StateRule(state="Idle", time_class="delay", reason="other", asset=line))


def _add_state(into: _Rows, chance: Random, line: str, start: int) -> None:
    names = MODELS[next(each.state_model for each in into.assets if each.key == f"{line}/m1")]
    texts = [*names, names[0], names[0], None]
    at = signals.instants(chance, start, 1, chance.choice([8, 55, 300]) if chance.random() < 0.2 else 90)
    into.add_series(f"{line}/m1", "state", signals.told(chance, at, texts), kind="state")
    if chance.random() < 0.4:
        modes = signals.told(chance, signals.instants(chance, start, 200, 1500), [*MODES, None])
        into.add_series(f"{line}/m1", "mode", modes, kind="state")
    tells = chance.choice([None, None, "job", "product"])
    if tells:
        said = signals.told(chance, signals.instants(chance, start, 60, 900), ["j1", "p", "q", "", None])
        into.add_series(f"{line}/m1", tells, said, kind="state")


def _add_counters(into: _Rows, chance: Random, line: str, start: int) -> None:
    gap = chance.choice([None, 60 * MINUTE])
    good = signals.counts(chance, signals.instants(chance, start, 1, 120))
    into.add_series(f"{line}/m1", "good_count", good, counter_rule=chance.choice(RULES), max_gap_us=gap)
    if chance.random() < OPTIONAL:
        return
    wraps = {"qualifier": "short", "counter_rule": "rollover", "counter_modulus": 100.0}
    rejects = signals.counts(chance, signals.instants(chance, start, 1, 180), 100.0)
    into.add_series(f"{line}/m1", "reject_count", rejects, **wraps, max_gap_us=gap)


def _add_meters(into: _Rows, chance: Random, line: str, start: int) -> None:
    """A main meter, a counter and a meter of power below it, or a meter of its own in the place of the counter."""
    gap, label = chance.choice([None, 60 * MINUTE]), chance.choice(["start", "end"])
    if chance.random() < OPTIONAL:
        grid = {"kind": "delta", "interval_us": signals.QUARTER, "interval_label": label}
        rows = signals.quarters(chance, start)
        into.add_series(line, "active_energy", rows, **grid, expected_period_us=signals.QUARTER)
    if chance.random() < OPTIONAL:
        meter = signals.counts(chance, signals.instants(chance, start, 1, 120), factor=1.7)
        of = f"{line}/m1"
        if chance.random() < OPTIONAL:
            of = f"{line}/meter"
            into.assets.append(Asset(key=of, level="unit", parent=line, kind="meter"))
            into.relations.append(AssetRelation(from_asset=of, to_asset=line, kind="submeter_of", share=0.5))
        period = {"max_gap_us": gap, "expected_period_us": 6 * MINUTE}
        into.add_series(of, "active_energy", meter, counter_rule="false_zero", **period)
    if chance.random() < OPTIONAL:
        kw = signals.power(chance, signals.instants(chance, start, 5, 400))
        into.add_series(f"{line}/m2", "active_power", kw, kind="gauge", max_gap_us=gap)
        into.relations.append(AssetRelation(from_asset=line, to_asset=f"{line}/m2", kind="submeter_of"))


@lru_cache(maxsize=64)
def inputs_of(fleet: Fleet) -> Inputs:
    """Give what a job reads of a fleet for all of its days."""
    whole = everything_of(fleet)
    return day_inputs(whole, whole.days, {})


def everything_of(fleet: Fleet) -> Inputs:
    """Build all that a fleet sends, also long before and after its days."""
    into = _Rows()
    for line, number in zip(fleet.lines, fleet.numbers, strict=True):
        _add_plant(into, line, number, fleet.first)
    for area in range(AREAS):
        _add_area(into, f"a{area}", Random(fleet.calendars + area), fleet.first)  # noqa: S311 - test data
    start = instant_us("UTC", fleet.first, 0)
    holiday = None if fleet.holiday is None else (fleet.first + timedelta(days=fleet.holiday)).isoformat()
    faster = Routing(ideal_cycle_us=7 * SECOND, product="p", valid_from_us=start + 1200 * MINUTE)
    site = Site(
        key="s",
        timezone=fleet.place[0],
        holidays=() if holiday is None else (holiday,),
        day_start=fleet.day_start,
        demand_interval_us=900 * SECOND,
        assets=tuple(into.assets),
        shifts=tuple(into.shifts),
        exceptions=tuple(into.exceptions),
        planned_stops=tuple(into.stops),
        tariffs=(TARIFF,) if fleet.tariff else (),
        jobs=tuple(into.jobs),
        reasons=REASONS,
        relations=tuple(into.relations),
        state_rules=tuple(into.rules),
        routings=(Routing(ideal_cycle_us=10 * SECOND), faster),
    )
    notes = [(number, *note, number) for number, note in enumerate(into.notes)]
    return Inputs(
        site,
        tuple(fleet.first + timedelta(days=day) for day in range(fleet.days)),
        series=pl.DataFrame([{name: row.get(name) for name in SERIES} for row in into.series], schema=SERIES),
        readings=pl.DataFrame(dict(zip(READINGS.names(), into.readings, strict=True)), READINGS),
        symbols=symbols(),
        events=pl.DataFrame(into.events, EVENTS, orient="row"),
        annotations=pl.DataFrame(notes, ANNOTATIONS, orient="row"),
        records=pl.DataFrame(into.business, RECORDS, orient="row"),
    )


@lru_cache(maxsize=64)
def tables_of(fleet: Fleet) -> Tables:
    """Compute a fleet at once; properties that look at the same fleet share this."""
    return compute(inputs_of(fleet))
