"""Hypothesis strategies: a small plant with calendars, states, counters, meters, records, corrections and orders."""

from datetime import date, timedelta
from itertools import accumulate
from typing import Any

from hypothesis import strategies as st

from kpi.frames import Inputs
from model.calendar import instant_us
from model.registry import (
    Asset,
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
from tests.unit.kpi.compute import plants
from tests.unit.kpi.compute.plants import MINUTE, MODELS, MODES, SECOND, UNIT

FIRST_DAYS = (date(2026, 3, 28), date(2026, 10, 24), date(2026, 11, 20), date(2026, 12, 30))
RECORDED = "line/m2"
SHIFTS = {
    "none": (),
    "two": (("early", "06:00", "14:00"), ("late", "14:00", "22:00")),
    "three": (("early", "06:00", "14:00"), ("late", "14:00", "22:00"), ("night", "22:00", "06:00")),
    "odd": (("night", "21:30", "05:10"),),
}
RULES = ("reset", "false_zero")
REASONS = (
    Reason(key="jam", time_class="delay", sub_class="fault"),
    Reason(key="change", time_class="setup"),
    Reason(key="meeting", time_class="planned_down"),
    Reason(key="other"),
)


@st.composite
def sites(draw: st.DrawFn, first: date) -> Site:
    name = draw(st.sampled_from(sorted(SHIFTS)))
    cycle = draw(st.sampled_from([7, 7, 4, 5]))  # a rotation goes on over the weeks
    worked = draw(st.sets(st.integers(0, cycle - 1), min_size=cycle // 2 + 1)) if name != "none" else set()
    shifts = tuple(
        ShiftRule(shift=s, cycle_day=d, start=a, end=b, cycle_days=cycle)
        for d in sorted(worked)
        for s, a, b in SHIFTS[name]
    )
    closed = CalendarException(date=(first + timedelta(days=1)).isoformat(), kind="closed", shift="late")
    overtime = CalendarException(
        date=(first + timedelta(days=2)).isoformat(), kind="open", shift="late", start="15:00", end="20:30", asset=UNIT
    )
    exceptions = draw(st.sampled_from([(), (closed,), (overtime,), (closed, overtime)])) if shifts else ()
    stops = (
        PlannedStop(key="meal", start="02:00", end="02:45"),
        PlannedStop(key="tea", asset=UNIT, start="10:00", end="10:15"),
    )
    tariff = Tariff(
        key="t", valid_from="2020-01-01",
        periods=(TariffPeriod(period="peak", weekdays=tuple(range(7)), start="09:30", end="11:30"),
                 TariffPeriod(period="low", weekdays=tuple(range(7)), start="22:00", end="04:00")),
    )  # fmt: skip
    start = instant_us("UTC", first, 0)
    idle = StateRule(state="Idle", time_class="delay", reason="other", asset="line")
    jobs = tuple(
        Job(
            asset=UNIT,
            key=f"j{number}",
            from_us=start + at * MINUTE,
            to_us=start + (at + 700) * MINUTE,
            product=product,
        )
        for number, (at, product) in enumerate(
            draw(st.lists(st.tuples(st.integers(-500, 4000), st.sampled_from(["p", "q", None])), max_size=3))
        )
    )
    return Site(
        key="s",
        timezone=draw(st.sampled_from(["Europe/Berlin", "Asia/Ho_Chi_Minh", "Australia/Lord_Howe"])),
        holidays=draw(st.sampled_from([(), ((first + timedelta(days=draw(st.integers(-1, 3)))).isoformat(),)])),
        day_start=draw(st.sampled_from(["00:00", "06:00"])),
        demand_interval_us=900 * SECOND,
        assets=(
            Asset(key="", level="site"),
            Asset(key="line", level="line", parent=""),
            Asset(
                key=UNIT, level="unit", parent="line", assume_order=draw(st.booleans()),
                micro_stop_limit_us=draw(st.sampled_from([0, 5, 15, 40])) * MINUTE,
                max_silence_us=draw(st.sampled_from([None, 90 * MINUTE])),
                state_model=draw(st.sampled_from(sorted(MODELS))),
            ),
            Asset(key=RECORDED, level="unit", parent="line"),
        ),
        shifts=shifts,
        exceptions=exceptions,
        planned_stops=stops if draw(st.booleans()) else (),
        tariffs=(tariff,) if draw(st.booleans()) else (),
        jobs=jobs,
        reasons=REASONS,
        state_rules=(idle,) if draw(st.booleans()) else (),
        routings=(
            Routing(ideal_cycle_us=10 * SECOND),
            Routing(ideal_cycle_us=7 * SECOND, product="p", valid_from_us=start + 1200 * MINUTE),
        ),
    )  # fmt: skip


def times(start: int, low: int, high: int, size: int) -> st.SearchStrategy[list[int]]:
    """Instants with gaps of low..high minutes."""
    gaps = st.lists(st.integers(low, high), min_size=1, max_size=size)
    return gaps.map(lambda each: [start + at * MINUTE for at in accumulate(each)])


@st.composite
def counts(draw: st.DrawFn, start: int, high: int = 90) -> list[tuple[int, float | None]]:
    """A counter that counts, stands, is reset, shows false zeros and loses its signal."""
    value = draw(st.integers(0, 50))
    rows: list[tuple[int, float | None]] = []
    for ts in draw(times(start, 1, high, 60)):
        step = draw(st.sampled_from(["count", "count", "count", "stand", "reset", "zero", "lost"]))
        value = {"count": value + draw(st.integers(1, 40)), "reset": draw(st.integers(0, 5))}.get(step, value)
        rows.append((ts, {"zero": 0.0, "lost": None}.get(step, float(value))))
    return rows


@st.composite
def runs(draw: st.DrawFn, start: int) -> list[tuple[int, str, str, dict[str, Any]]]:
    """Records of slots of 4 h, some shared, some without cycles, one over a border."""
    rows: list[tuple[int, str, str, dict[str, Any]]] = []
    for number in draw(st.lists(st.integers(0, 20), max_size=10)):
        begin = start + number * 240 * MINUTE
        cycles = draw(st.sampled_from([0, 0, 100, 333]))
        payload = {
            "from_us": begin, "to_us": begin + 240 * MINUTE, "product": draw(st.sampled_from(["p", "q", ""])),
            "cycles": cycles, "good": cycles * 2, "reject": {"short": cycles // 7, "burn": 0},
        }  # fmt: skip
        rows.append((begin, "production_run", f"r{len(rows)}", payload))
    return rows


@st.composite
def whole_inputs(draw: st.DrawFn, days: int = 3) -> Inputs:
    first = draw(st.sampled_from(FIRST_DAYS))
    site = draw(sites(first))
    start = instant_us("UTC", first, 0) - draw(st.integers(-300, 1200)) * MINUTE
    names = MODELS[next(each.state_model for each in site.assets if each.key == UNIT)]
    chosen = st.sampled_from([*names, names[0], names[0], None])
    states = [(ts, draw(chosen)) for ts in draw(times(start, 1, 55, 90))]
    modes = [(ts, draw(st.sampled_from([*MODES, None]))) for ts in draw(times(start, 200, 1500, 3))]
    meter = [(ts, None if value is None else value * 1.7) for ts, value in draw(counts(start))]
    labels = draw(st.lists(st.integers(0, 280), unique=True, max_size=120))
    grid = start // (900 * SECOND) * 900 * SECOND
    delta = sorted((grid + k * 900 * SECOND, float(k % 11)) for k in labels)
    power = [(ts, draw(st.sampled_from([0.0, 2.5, 7.1, None]))) for ts in draw(times(start, 5, 200, 25))]
    gap = draw(st.sampled_from([None, 60 * MINUTE]))
    with_modes = draw(st.booleans())
    tells = draw(st.sampled_from([None, None, "job", "product"]))
    said = [(ts, draw(st.sampled_from(["j1", "p", "q", "", None]))) for ts in draw(times(start, 60, 600, 9))]
    series = plants.series(
        {"quantity": "state", "kind": "state"},
        {"quantity": "good_count", "counter_rule": draw(st.sampled_from(RULES)), "max_gap_us": gap},
        {"quantity": "reject_count", "qualifier": "short", "counter_rule": "rollover", "counter_modulus": 100.0},
        {"quantity": "active_energy", "counter_rule": RULES[1], "max_gap_us": gap, "expected_period_us": 6 * MINUTE},
        {"quantity": "active_energy", "asset": "line", "kind": "delta", "interval_us": 900 * SECOND,
         "interval_label": draw(st.sampled_from(["start", "end"])), "expected_period_us": 900 * SECOND},
        {"quantity": "active_power", "asset": RECORDED, "kind": "gauge", "max_gap_us": gap},
        {"quantity": "mode", "kind": "state", "asset": UNIT if with_modes else "line"},
        *([{"quantity": tells, "kind": "state"}] if tells else []),
    )  # fmt: skip
    rejects = [(ts, None if value is None else value % 100) for ts, value in draw(counts(start))]
    rows = plants.readings(states, draw(counts(start)), rejects, meter, delta, power, modes, *([said] if tells else []))
    notes = [
        (
            begin,
            begin + length * MINUTE,
            draw(st.sampled_from(["jam", "change", "meeting", "other", "odd", None])),
            draw(st.sampled_from(["p", None])),
        )
        for begin in draw(times(start, 30, 900, 4))
        for length in [draw(st.integers(1, 300))]
    ]
    told: list[tuple[int, str, str, dict[str, Any]]] = [
        (ts, draw(st.sampled_from(["stop_reason", "stop_reason", "product_change", "job_change"])), key, {})
        for ts in draw(times(start, 10, 400, 8))
        for key in [draw(st.sampled_from(["jam", "change", "other", "p"]))]
    ]
    happened = plants.events(*told).vstack(plants.events(*draw(runs(start)), asset=RECORDED))
    return plants.inputs(
        site, [first + timedelta(days=n) for n in range(days)],
        series=series, readings=rows, events=happened, annotations=plants.annotations(*notes),
    )  # fmt: skip
