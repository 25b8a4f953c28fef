"""What must hold for every plant, whatever its calendar, signals, records and corrections are.

Each example is a fleet of plants that are computed at once; properties look at each plant of it. See `fleets`.
"""

import math
import os
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from random import Random
from typing import Any

import msgspec
import polars as pl
from hypothesis import HealthCheck, Phase, assume, given, seed, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from kpi.compute import compute, read_range
from kpi.compute.signals import USABLE
from kpi.frames import ATOMS, CARRY, INTERVAL_SERIES, INTERVALS, QUALITY, WINDOWS, Inputs, Tables
from model.calendar import calendar_of, production_day_windows
from tests.unit.kpi.compute.fleets import Fleet, everything_of, fleets, inputs_of, tables_of
from tests.unit.kpi.compute.plants import MINUTE, day_by_day

KEYS = [name for name in ATOMS if name not in ("duration_us", "amount")]
NO_MEANING = ("", "UNDEFINED", "UNAVAILABLE")
UNMAPPED = ("BROKEN?", "Lost?")  # unknown too, but where the mode alone says enough
BUSY = ["production", "setup", "delay", "down_no_order", "unknown"]
FRAMES = ("intervals", "atoms", "interval_series", "windows", "carry", "quality")
# `long`: HAIDANG_HYPOTHESIS_PROFILE=long pytest --timeout 0 -p no:xdist tests/unit/kpi -k propert
PROFILE = os.environ.get("HAIDANG_HYPOTHESIS_PROFILE", "quick")
FLEETS, FEWER, PLANTS = {"quick": (2, 1, 60), "long": (60, 60, 100)}[PROFILE]  # plants of a fleet
slow = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example]
phases = [Phase.explicit, Phase.reuse, Phase.generate]  # a failure names its plant: nothing to shrink
many = settings(max_examples=FLEETS, deadline=None, suppress_health_check=slow, phases=phases)
few = settings(many, max_examples=FEWER)
same_fleets = seed(2026)  # as long as tests draw the same, they see the same fleets, which are computed once


def window(given: Inputs, asset: str) -> tuple[int, int]:
    days = given.days
    windows = production_day_windows(given.site, asset, days[0], days[-1] + (days[1] - days[0]))
    return windows[0].from_us, windows[-1].to_us


def of_series(whole: Inputs, **wanted: str) -> Iterator[tuple[dict[str, Any], pl.DataFrame]]:
    """The series of a kind with their readings, in order of time."""
    readings = whole.readings.sort("series_id", "ts").partition_by("series_id", as_dict=True, maintain_order=True)
    for row in whole.series.filter(**wanted).iter_rows(named=True):
        yield row, readings.get((row["series_id"],), whole.readings.clear())


def per_unit(frame: pl.DataFrame) -> dict[str, pl.DataFrame]:
    return {str(asset): part for (asset,), part in frame.partition_by("asset", as_dict=True).items()}


def units(fleet: Fleet) -> list[str]:
    return [f"{line}/m1" for line in fleet.lines]


def time_of(tables: Tables, *where: pl.Expr) -> dict[str, int]:
    """Time atoms of the units that have a state, in µs."""
    rows = tables.atoms.filter(pl.col("quantity") == "time", pl.col("asset").str.ends_with("/m1"), *where)
    return dict(rows.group_by("asset").agg(pl.col("duration_us").sum()).iter_rows())


def amounts(tables: Tables, quantity: str, *where: pl.Expr) -> dict[str, float]:
    rows = tables.atoms.filter(pl.col("quantity") == quantity, *where)
    return dict(rows.group_by("asset").agg(pl.col("amount").sum()).iter_rows())


def assert_same(one: Tables, two: Tables) -> None:
    for name in FRAMES:
        assert_frame_equal(getattr(one, name), getattr(two, name), check_exact=True)
    assert one.findings == two.findings


@many
@same_fleets
@given(fleets(PLANTS))
def test_classes_partition_every_window(fleet: Fleet) -> None:
    """Partition: intervals touch and fill the days of a unit, atoms say the same time per class, shifts are whole."""
    whole, tables = inputs_of(fleet), tables_of(fleet)
    intervals = per_unit(tables.intervals.select("asset", "from_us", "to_us"))
    shifts = per_unit(tables.windows.filter(pl.col("shift") != ""))
    by_plan = pl.col("origin") == "calendar"  # a unit may say itself that it is not scheduled
    open_us = time_of(tables, ~(by_plan & (pl.col("time_class") == "not_scheduled")))
    for unit in units(fleet):
        rows, bounds = intervals[unit].select("from_us", "to_us").rows(), window(whole, unit)
        assert (rows[0][0], rows[-1][1]) == bounds
        assert all(before[1] == after[0] for before, after in pairwise(rows))
        worked = shifts.get(unit)
        always = calendar_of(whole.site, unit).always_scheduled
        planned = 0 if worked is None else int((worked["to_us"] - worked["from_us"]).sum())
        assert open_us.get(unit, 0) == (bounds[1] - bounds[0] if always else planned)
    keys = ["asset", "production_day", "shift", "time_class", "sub_class", "reason", "origin"]
    length = (pl.col("to_us") - pl.col("from_us")).sum().alias("duration_us")
    by_interval = tables.intervals.group_by(keys).agg(length).sort(keys)
    time = tables.atoms.filter(pl.col("quantity") == "time")
    assert_frame_equal(by_interval, time.group_by(keys).agg(pl.col("duration_us").sum()).sort(keys))


@many
@same_fleets
@given(fleets(PLANTS))
def test_frames_have_their_schemas_and_nothing_is_negative(fleet: Fleet) -> None:
    tables = tables_of(fleet)
    for name, schema in zip(FRAMES, (INTERVALS, ATOMS, INTERVAL_SERIES, WINDOWS, CARRY, QUALITY), strict=True):
        assert getattr(tables, name).schema == schema, name
    atoms = tables.atoms
    assert (atoms["duration_us"].is_null() != atoms["amount"].is_null()).all()
    assert atoms.filter((pl.col("duration_us") < 0) | (pl.col("amount") < 0) | pl.col("amount").is_nan()).is_empty()
    assert atoms.filter(pl.col("quantity") == "time", pl.col("duration_us") == 0).is_empty()
    assert atoms.select(KEYS).is_unique().all()
    assert tables.intervals.filter(pl.col("to_us") <= pl.col("from_us")).is_empty()
    assert atoms.select(pl.all_horizontal(pl.col(KEYS).is_not_null()).all()).item()


@many
@same_fleets
@given(fleets(PLANTS))
def test_the_order_of_rows_does_not_matter(fleet: Fleet) -> None:
    """Order-independence: rows come as late and as mixed as they like, the bytes are the same."""
    whole, chance = inputs_of(fleet), Random(fleet.calendars)  # noqa: S311 - test data
    mixed = {
        name: getattr(whole, name).sample(fraction=1.0, shuffle=True, seed=chance.randrange(2**30))
        for name in ("series", "readings", "symbols", "events", "annotations", "records")
    }
    assert_same(tables_of(fleet), compute(replace(whole, **mixed)))


@many
@same_fleets
@given(fleets(PLANTS))
def test_computing_again_changes_nothing(fleet: Fleet) -> None:
    """Idempotence: the same inputs, with readings delivered twice, give the same bytes again."""
    whole, chance = inputs_of(fleet), Random(fleet.calendars)  # noqa: S311 - test data
    twice = whole.readings.sample(fraction=0.1, seed=chance.randrange(2**30))
    assert_same(tables_of(fleet), compute(replace(whole, readings=whole.readings.vstack(twice))))


@many
@same_fleets
@given(fleets(PLANTS))
def test_day_by_day_is_the_span_at_once(fleet: Fleet) -> None:
    """Carry-over: nothing depends on how the days were grouped; times and counts exactly, energy to the last bits."""
    whole, span = inputs_of(fleet), tables_of(fleet)
    days = day_by_day(whole)
    for name, keys in (
        ("intervals", ["asset", "from_us"]),
        ("windows", ["asset", "from_us", "to_us", "shift"]),
        ("interval_series", ["asset", "from_us"]),
    ):
        together = pl.concat([getattr(each, name) for each in days]).sort(keys)
        assert_frame_equal(together, getattr(span, name).sort(keys), rel_tol=1e-12, abs_tol=1e-12)
    together = pl.concat([each.atoms for each in days]).sort(KEYS)
    inexact = pl.col("quantity").is_in(["energy", "refrigerant_kg"])
    assert_frame_equal(together.filter(~inexact), span.atoms.filter(~inexact), check_exact=True)
    assert_frame_equal(together.filter(inexact), span.atoms.filter(inexact), rel_tol=1e-9, abs_tol=1e-9)
    assert_frame_equal(
        pl.concat([each.carry for each in days]).sort("asset", "production_day"), span.carry, check_exact=True
    )
    together = pl.concat([each.quality for each in days]).sort("asset", "name", "production_day")
    assert_frame_equal(together, span.quality, check_exact=True)


@many
@same_fleets
@given(fleets(PLANTS))
def test_unknown_time_is_what_nobody_tells_and_nothing_else(fleet: Fleet) -> None:
    """In open time without a correction a unit is unknown exactly where a plain look-up finds no meaning."""
    whole, tables = inputs_of(fleet), tables_of(fleet)
    texts = dict(whole.symbols.select("symbol_id", "text").iter_rows())
    limits = {each.key: each.max_silence_us for each in whole.site.assets}
    states = {row["asset"]: rows for row, rows in of_series(whole, quantity="state")}
    of_unit = whole.readings.join(whole.series.select("series_id", "asset"), on="series_id")
    heard = {unit: sorted(set(part["ts"])) for unit, part in per_unit(of_unit.select("asset", "ts")).items()}
    notes = per_unit(whole.annotations.filter(pl.col("reason").is_not_null()))
    told = per_unit(whole.events.filter(pl.col("kind") == "stop_reason"))
    with_mode = set(whole.series.filter(pl.col("quantity") == "mode")["asset"])
    columns = ("from_us", "to_us", "time_class", "reason", "origin")
    for unit, rows in per_unit(tables.intervals.select("asset", *columns)).items():
        if unit not in states:
            continue
        said = states[unit].select("ts", "value", "quality").rows()
        at = [ts for ts, _, _ in said]
        noted = notes[unit].select("from_us", "to_us").rows() if unit in notes else []
        reasons = set(told[unit]["key"]) if unit in told else set[str]()
        for begin, end, time_class, reason, origin in rows.select(columns).iter_rows():
            middle = (begin + end) // 2
            if origin == "calendar":
                assert time_class in ("not_scheduled", "planned_down")
            elif any(low <= middle < high for low, high in noted):
                assert origin == "annotation"
            elif reason not in reasons:  # which explains the whole stop
                newest = said[bisect_right(at, middle) - 1] if at[0] <= middle else None
                state = texts[int(newest[1])] if newest is not None and newest[2] in USABLE else ""
                last = heard[unit][bisect_right(heard[unit], middle) - 1] if heard[unit][0] <= middle else middle
                silence = limits[unit]
                lost = state in NO_MEANING or (silence is not None and middle - last >= silence)
                if state in UNMAPPED:
                    lost |= unit not in with_mode or time_class == "unknown"
                assert (time_class == "unknown") == lost, (unit, state, time_class, middle - last)


@few
@same_fleets
@given(fleets(PLANTS), st.sampled_from([0, 10, 60]))
def test_oee_does_not_see_where_micro_stops_are_booked(fleet: Fleet, limit: int) -> None:
    """Availability × performance × quality is the same under any micro-stop limit, and either booking."""
    whole = inputs_of(fleet)
    assets = tuple(msgspec.structs.replace(each, micro_stop_limit_us=limit * MINUTE) for each in whole.site.assets)
    one, two = tables_of(fleet), compute(replace(whole, site=msgspec.structs.replace(whole.site, assets=assets)))
    busy, found = pl.col("time_class").is_in(BUSY), list[tuple[dict[str, int], dict[str, float]]]()
    for tables in (one, two):
        pbt, good = time_of(tables, busy), amounts(tables, "ideal_time_good", busy)
        total = amounts(tables, "ideal_time_total", busy)
        for micro in (False, True):
            running = (pl.col("time_class") == "production") | (micro & (pl.col("sub_class") == "micro_stop"))
            for unit, apt in time_of(tables, running).items():
                if pbt.get(unit) and total.get(unit) and good.get(unit):
                    oee = (apt / pbt[unit]) * (total[unit] * 1e6 / apt) * (good[unit] / total[unit])
                    assert math.isclose(oee, good[unit] * 1e6 / pbt[unit], rel_tol=1e-9)
        found.append((pbt, good))
    assert found[0][0] == found[1][0]
    assert found[0][1] == found[1][1]


def naive_increments(rows: list[tuple[int, float]], rule: str, modulus: float) -> list[tuple[int, int, float]]:
    """Counters one reading after the other: (t0, t1, counted)."""
    steps, last = [], None
    for ts, value in rows:
        if last is not None and rule == "false_zero" and value == 0 and last[1] != 0:
            continue
        if last is not None:
            fallen = value + modulus - last[1] if rule == "rollover" else value
            steps.append((last[0], ts, value - last[1] if value >= last[1] else fallen))
        last = (ts, value)
    return steps


def usable(rows: pl.DataFrame) -> list[tuple[int, float]]:
    return rows.filter(pl.col("quality").is_in(USABLE)).select("ts", "value").rows()


@many
@same_fleets
@given(fleets(PLANTS))
def test_counters_equal_a_naive_count(fleet: Fleet) -> None:
    """Additivity of counts: good, reject and unattributed telescope to what a plain loop counts inside the days."""
    whole, tables = inputs_of(fleet), tables_of(fleet)
    for quantity, name in (("good_count", "good"), ("reject_count", "reject")):
        counted = amounts(tables, name)
        lost = amounts(tables, "unattributed", pl.col("qualifier") == name)
        for row, rows in of_series(whole, quantity=quantity):
            low, high = window(whole, row["asset"])
            steps = naive_increments(usable(rows), row["counter_rule"], row["counter_modulus"] or 0.0)
            gap = row["max_gap_us"] or math.inf
            inside = [(t1 - t0 > gap, amount) for t0, t1, amount in steps if low < t1 <= high]
            assert counted.get(row["asset"], 0) == sum(amount for far, amount in inside if not far)
            assert lost.get(row["asset"], 0) == sum(amount for far, amount in inside if far)


def flows(row: dict[str, Any], rows: pl.DataFrame, high: int) -> list[tuple[int, int, float]]:
    """Energy between instants (t0, t1, kWh), one reading after the other."""
    if row["kind"] == "counter":
        return naive_increments(usable(rows), row["counter_rule"], 0.0)
    if row["kind"] == "delta":
        shift = 0 if row["interval_label"] == "start" else row["interval_us"]
        return [(ts - shift, ts - shift + row["interval_us"], value) for ts, value in usable(rows)]
    following = dict(pairwise(rows["ts"].to_list()))
    held = ((ts, min(following.get(ts, high), ts + (row["max_gap_us"] or 2**60)), kw) for ts, kw in usable(rows))
    return [(t0, t1, kw * (t1 - t0) / 3.6e9) for t0, t1, kw in held if t1 > t0]


@many
@same_fleets
@given(fleets(PLANTS))
def test_energy_equals_a_naive_integral(fleet: Fleet) -> None:
    """Additivity of energy: kWh of each meter inside the days is what a plain loop interpolates, over gaps too."""
    whole, energy = inputs_of(fleet), amounts(tables_of(fleet), "energy")
    for quantity in ("active_energy", "active_power"):
        for row, rows in of_series(whole, quantity=quantity):
            low, high = window(whole, row["asset"])
            naive = sum(
                kwh * (min(t1, high) - max(t0, low)) / (t1 - t0)
                for t0, t1, kwh in flows(row, rows, high)
                if t1 > low and t0 < high
            )
            assert math.isclose(energy.get(row["asset"], 0.0), naive, rel_tol=1e-9, abs_tol=1e-9), row


@many
@same_fleets
@given(fleets(PLANTS))
def test_records_are_kept_whole(fleet: Fleet) -> None:
    """Of every record that lies inside the days all cycles and pieces are found, each a whole number."""
    whole, tables = inputs_of(fleet), tables_of(fleet)
    recorded = pl.col("asset").str.ends_with("/m2")
    found = tables.atoms.filter(recorded, pl.col("quantity").is_in(["good", "cycles", "reject"]))
    assert (found["amount"] % 1 == 0).all()
    sums = {name: amounts(tables, name, recorded) for name in ("good", "cycles")}
    corrected = set(whole.annotations.drop_nulls("product")["asset"])
    kept = set(found.filter(pl.col("quantity") == "good").select("asset", "product").unique().rows())
    for unit, rows in per_unit(whole.events.filter(pl.col("kind") == "production_run")).items():
        low, high = window(whole, unit)
        touching = rows.filter(pl.col("from_us") < high, pl.col("to_us") > low)
        within = (touching["from_us"] >= low) & (touching["to_us"] <= high)
        runs = [msgspec.json.decode(text) for text in touching["payload"]]
        for name in ("good", "cycles"):
            least = sum(run[name] for run, inside in zip(runs, within, strict=True) if inside)
            most = sum(run[name] for run in runs)
            assert least <= sums[name].get(unit, 0) <= most
        products = {(unit, run["product"]) for run, inside in zip(runs, within, strict=True) if inside and run["good"]}
        if unit not in corrected:
            assert {each for each in products if each[1]} <= kept


@few
@same_fleets
@given(fleets(PLANTS))
def test_an_open_day_is_the_beginning_of_the_whole_one(fleet: Fleet) -> None:
    """Computing up to an instant gives the time before it and nothing after."""
    whole = inputs_of(fleet)
    bounds = {unit: window(whole, unit) for unit in units(fleet)}
    middle = (min(bounds.values())[0] + max(bounds.values())[1]) // 2 // MINUTE * MINUTE
    tables = compute(replace(whole, until_us=middle))
    intervals, time = per_unit(tables.intervals), time_of(tables)
    for unit, (low, high) in bounds.items():
        until = min(middle, high)
        assert (intervals[unit]["from_us"].min(), intervals[unit]["to_us"].max()) == (low, until)
        assert time[unit] == until - low


@few
@same_fleets
@given(fleets(PLANTS))
def test_the_range_read_is_enough(fleet: Fleet) -> None:
    """Rows after the range that `read_range` names, but for the first of each series, change nothing."""
    near, part = inputs_of(fleet), tables_of(fleet)
    sent = everything_of(fleet).readings
    later = sent.filter(pl.col("ts") > read_range(near.site, near.days)[1])
    readings = near.readings.vstack(later).unique()
    assume(len(readings) > len(near.readings))
    full = compute(replace(near, readings=readings))
    assert_frame_equal(part.intervals, full.intervals)
    assert_frame_equal(part.atoms, full.atoms, rel_tol=1e-9, abs_tol=1e-9)
