"""Energy of meters of every kind: classes of what they measure, shares, resets, demand on the site's own clock."""

import csv
import gzip
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpi.compute import compute
from kpi.frames import Tables
from model.registry import Asset, AssetRelation, Job, PlannedStop, Series, ShiftRule, Site, Tariff
from model.tariffs import schedule
from tests.unit.kpi.compute.plants import HOUR, MINUTE, UNIT, inputs, plant, readings, series, us

DAY = date(2026, 3, 2)
T0 = us("2026-03-02T00:00")
STATE = {"quantity": "state", "kind": "state"}
QUARTER_H = 0.25


def energy(day: Tables, of: str | None = None, by: str = "time_class") -> dict[str, float]:
    rows = day.atoms.filter(pl.col("quantity") == "energy")
    rows = rows if of is None else rows.filter(asset=of)
    return dict(rows.group_by(by).agg(pl.col("amount").sum().round(9)).iter_rows())


def known(site: Site, *rows: dict[str, Any]) -> Site:
    """The site with the series that a registry would list."""
    listed = tuple(
        Series(
            asset=row.get("asset", UNIT),
            name=row["quantity"],
            quantity=row["quantity"],
            kind=row.get("kind", "counter"),
        )
        for row in rows
    )
    return Site(**{**{name: getattr(site, name) for name in site.__struct_fields__}, "series": listed})


def with_meter(*more: Asset, **fields: Any) -> Site:
    meter = Asset(key=f"{UNIT}/meter", level="unit", parent=UNIT, kind="meter")
    return plant(**{**fields, "assets": (*plant().assets, meter, *more)})


WORK = [(T0, "EXECUTE"), (T0 + 6 * HOUR, "STOPPED"), (T0 + 8 * HOUR, "EXECUTE"), (T0 + 20 * HOUR, None)]
EVEN = [(T0 + n * HOUR, float(n)) for n in range(25)]  # 1 kWh an hour


def test_a_meter_below_a_machine_takes_the_classes_and_jobs_of_the_machine() -> None:
    rows = (STATE, {"quantity": "active_energy", "asset": f"{UNIT}/meter"})
    jobs = (Job(asset=UNIT, key="J", from_us=T0 + HOUR, to_us=T0 + 7 * HOUR, product="p"),)
    day = compute(
        inputs(known(with_meter(jobs=jobs), *rows), [DAY], series=series(*rows), readings=readings(WORK, EVEN))
    )
    assert energy(day, f"{UNIT}/meter") == {"production": 18.0, "delay": 2.0, "unknown": 4.0}
    assert energy(day, f"{UNIT}/meter", "job") == {"": 18.0, "J": 6.0}
    assert energy(day, UNIT) == {}


def test_a_line_that_is_judged_at_its_constraint_has_the_classes_of_the_constraint() -> None:
    rows = (STATE, {"quantity": "active_power", "kind": "gauge", "asset": "line", "max_gap_us": 2 * HOUR})
    judged = Asset(key="line", level="line", parent="", roll_up="constraint", constraint_key="m1")
    site = plant(assets=(plant().assets[0], judged, plant().assets[2]))
    power = [(T0 + n * HOUR, 3.0) for n in range(24)]
    day = compute(inputs(known(site, *rows), [DAY], series=series(*rows), readings=readings(WORK, power)))
    assert energy(day, "line") == {"production": 54.0, "delay": 6.0, "unknown": 12.0}


def test_shares_of_a_meter_go_to_what_it_measures_exactly() -> None:
    rows = (STATE, {"quantity": "active_energy", "asset": f"{UNIT}/meter"})
    given_away = (
        AssetRelation(from_asset=f"{UNIT}/meter", to_asset=UNIT, kind="meters", share=0.75),
        AssetRelation(from_asset=f"{UNIT}/meter", to_asset="line/m2", kind="meters", share=0.25),
    )
    site = with_meter(Asset(key="line/m2", level="unit", parent="line"), relations=given_away)
    day = compute(inputs(known(site, *rows), [DAY], series=series(*rows), readings=readings(WORK, EVEN)))
    assert energy(day, by="asset") == {f"{UNIT}/meter": 24.0, UNIT: 18.0, "line/m2": 6.0}
    assert energy(day, UNIT) == {"production": 13.5, "delay": 1.5, "unknown": 3.0}
    peaks = day.interval_series.group_by("asset").agg(pl.col("value").max())
    assert dict(peaks.iter_rows()) == {f"{UNIT}/meter": 1.0, UNIT: 0.75, "line/m2": 0.25}


def test_reactive_power_becomes_reactive_energy() -> None:
    rows = (
        {"quantity": "active_power", "kind": "gauge", "max_gap_us": HOUR},
        {"quantity": "reactive_power", "kind": "gauge", "max_gap_us": HOUR},
    )
    power = readings([(T0 + n * HOUR, 4.0) for n in range(24)], [(T0 + n * HOUR, 3.0) for n in range(24)])
    day = compute(inputs(known(plant(), *rows), [DAY], series=series(*rows), readings=power))
    sums = day.atoms.group_by("quantity").agg(pl.col("amount").sum())
    assert dict(sums.iter_rows()) == {"energy": 96.0, "reactive_energy": 72.0}


@pytest.mark.parametrize(
    ("zone", "width_min", "minutes"),
    [
        ("Asia/Ho_Chi_Minh", 30, {0, 30}), ("Asia/Kolkata", 60, {30}), ("Asia/Kolkata", 30, {0, 30}),
        ("Asia/Kathmandu", 30, {15, 45}), ("Asia/Kathmandu", 15, {0, 15, 30, 45}), ("Asia/Kathmandu", 60, {15}),
    ],
)  # fmt: skip
def test_demand_intervals_begin_on_the_clock_of_the_site(zone: str, width_min: int, minutes: set[int]) -> None:
    """In UTC minutes; on the wall they are whole multiples of the width."""
    site = plant(timezone=zone, demand_interval_us=width_min * MINUTE)
    one = {"quantity": "active_power", "kind": "gauge", "max_gap_us": 2 * HOUR}
    rows = [(T0 - 12 * HOUR + n * HOUR // 4, 5.0) for n in range(200)]
    day = compute(inputs(known(site, one), [DAY], series=series(one), readings=readings(rows)))
    begun = [datetime.fromtimestamp(at / 1e6, UTC) for at in day.interval_series["from_us"]]
    assert {each.minute for each in begun} == minutes
    local = [each.astimezone(ZoneInfo(zone)) for each in begun]
    assert len(begun) == 1440 // width_min
    assert (local[0].date(), local[0].hour, local[0].minute) == (DAY, 0, 0)
    assert all((each.hour * 60 + each.minute) % width_min == 0 for each in local)


def test_demand_intervals_follow_the_clock_when_it_jumps_half_an_hour() -> None:
    """Lord Howe Island: on 5 April 2026 at 02:00 clocks go back to 01:30, so an hour lasts 90 minutes."""
    site = plant(timezone="Australia/Lord_Howe", demand_interval_us=HOUR)
    one = {"quantity": "active_power", "kind": "gauge", "max_gap_us": 2 * HOUR}
    start = us("2026-04-04T13:00")  # local midnight, UTC+11
    rows = [(start + n * HOUR // 2, 5.0) for n in range(60)]
    day = compute(inputs(known(site, one), [date(2026, 4, 5)], series=series(one), readings=readings(rows)))
    begun = [
        datetime.fromtimestamp(at / 1e6, UTC).astimezone(ZoneInfo(site.timezone))
        for at in day.interval_series["from_us"]
    ]
    assert {each.minute for each in begun} == {0}
    assert len(begun) == 24


def steel(folder: Path) -> list[tuple[datetime, float]]:
    """End (UTC) and kWh of every quarter of an hour of two weeks of the recording, in order of time."""
    zone, found = ZoneInfo("Asia/Seoul"), []
    with gzip.open(folder / "steel-energy-2018" / "steel_2018-01_2018-09.csv.gz", "rt", encoding="utf-8") as text:
        for row in csv.DictReader(text):
            end = datetime.strptime(row["date"], "%d/%m/%Y %H:%M").replace(tzinfo=zone)
            end += timedelta(days=(end.hour, end.minute) == (0, 0))
            found.append((end.astimezone(UTC), float(row["Usage_kWh"])))
            if len(found) == 14 * 96:
                return found
    return found


@pytest.mark.parametrize("rule", ["reset", "false_zero"])
def test_the_steel_recording_as_a_counter_that_resets_and_drops_to_zero(shared_data: Path, rule: str) -> None:
    quarters = steel(shared_data)
    totals = list(accumulate((kwh for _, kwh in quarters), initial=0.0))
    start = us("2017-12-31T15:00")
    rows = [(start + n * HOUR // 4, 1000.0 + total) for n, total in enumerate(totals)]
    if rule == "reset":  # the meter begins again at zero after the 700th quarter
        rows = [(ts, value if n < 700 else value - rows[699][1]) for n, (ts, value) in enumerate(rows)]
    else:  # it says zero now and then, a minute after a good reading
        rows = sorted([*rows, *((rows[n][0] + MINUTE, 0.0) for n in (5, 300, 301, 900))])
    one = {"quantity": "active_energy", "counter_rule": rule}
    site = plant(timezone="Asia/Seoul", demand_interval_us=HOUR // 4)
    days = [date(2018, 1, 1) + timedelta(days=n) for n in range(14)]
    found = compute(inputs(known(site, one), days, series=series(one), readings=readings(rows)))
    by_day = dict(
        found.atoms.filter(pl.col("quantity") == "energy").group_by("production_day").agg(pl.col("amount").sum()).rows()
    )
    for n, day in enumerate(days):
        assert by_day[day] == pytest.approx(sum(kwh for _, kwh in quarters[96 * n : 96 * n + 96]), abs=1e-6)
    peak = max(kwh for _, kwh in quarters) / QUARTER_H
    assert found.interval_series["value"].max() == pytest.approx(peak)
    assert len(found.interval_series) == len(quarters)


SITE = plant(
    timezone="Asia/Ho_Chi_Minh",
    shifts=tuple(ShiftRule(shift="A", cycle_day=n, start="06:00", end="14:00") for n in range(5)),
    planned_stops=(PlannedStop(key="tea", start="09:10", end="09:25"),),
    tariffs=(Tariff(key="t", valid_from="2026-01-01", periods=schedule("1279-legacy-hours")),),
)
STEPS = st.lists(st.tuples(st.integers(1, 300), st.floats(0, 500)), min_size=1, max_size=25)
STATES = st.lists(
    st.tuples(st.integers(0, 2880), st.sampled_from(["EXECUTE", "STOPPED", "ABORTED", None])), max_size=10
)
ORDERS = st.lists(st.tuples(st.integers(0, 2880), st.integers(1, 600), st.sampled_from("pq")), max_size=4)


@settings(max_examples=12, deadline=None)
@given(STEPS, STATES, ORDERS)
def test_classes_periods_and_products_add_up_to_what_the_meter_counted(
    steps: list[tuple[int, float]], states: list[tuple[int, str | None]], orders: list[tuple[int, int, str]]
) -> None:
    begin = T0 - HOUR  # 06:00, when the production day begins
    minutes = list(accumulate((each[0] for each in steps), initial=0))
    counted = list(accumulate((each[1] for each in steps), initial=0.0))
    rows = [(begin + m * MINUTE, value) for m, value in zip(minutes, counted, strict=True) if m <= 2880]
    jobs = tuple(
        Job(asset=UNIT, key=f"J{n}", from_us=begin + at * MINUTE, to_us=begin + (at + long) * MINUTE, product=product)
        for n, (at, long, product) in enumerate(orders)
    )
    series_ = (STATE, {"quantity": "active_energy", "max_gap_us": 200 * MINUTE})
    said = sorted(dict(states).items())
    site = known(Site(**{**{n: getattr(SITE, n) for n in SITE.__struct_fields__}, "jobs": jobs}), *series_)
    frames = readings([(begin + at * MINUTE, state) for at, state in said], rows)
    found = compute(inputs(site, [DAY, DAY + timedelta(days=1)], series=series(*series_), readings=frames))
    total = pytest.approx(rows[-1][1], rel=1e-9, abs=1e-6)
    for by in ("time_class", "tariff_period", "product", "job", "production_day"):
        assert sum(energy(found, UNIT, by).values()) == total
