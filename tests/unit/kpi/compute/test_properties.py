"""What must hold for every plant, whatever its calendar, signals, records and corrections are."""

import math
import os
from dataclasses import replace
from itertools import pairwise
from typing import Any

import msgspec
import polars as pl
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from kpi.compute import compute, read_range
from kpi.frames import ATOMS, CARRY, INTERVAL_SERIES, INTERVALS, QUALITY, WINDOWS, Inputs, Tables
from model.calendar import production_day_windows
from tests.unit.kpi.compute.plants import MINUTE, UNIT, amount, day_by_day, day_inputs
from tests.unit.kpi.compute.strategies import RECORDED, whole_inputs

KEYS = [name for name in ATOMS if name not in ("duration_us", "amount")]
NO_MEANING = ("", "UNDEFINED", "UNAVAILABLE")
UNMAPPED = ("BROKEN?", "Lost?")  # unknown too, but where the mode alone says enough
BUSY = ["production", "setup", "delay", "down_no_order", "unknown"]
# `long` looks at thousands of plants: HAIDANG_HYPOTHESIS_PROFILE=long pytest --timeout 0 tests/unit/kpi -k propert
EXAMPLES = {"quick": 8, "long": 1000}[os.environ.get("HAIDANG_HYPOTHESIS_PROFILE", "quick")]
plants = settings(
    max_examples=EXAMPLES,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # shrinking a plant takes minutes
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def window(given: Inputs, asset: str = UNIT) -> tuple[int, int]:
    days = given.days
    windows = production_day_windows(given.site, asset, days[0], days[-1] + (days[1] - days[0]))
    return windows[0].from_us, windows[-1].to_us


def time_of(tables: Tables, *where: pl.Expr) -> int:
    return int(tables.atoms.filter(pl.col("quantity") == "time", *where)["duration_us"].sum())


@plants
@given(whole_inputs())
def test_classes_partition_every_window(whole: Inputs) -> None:
    """Property: intervals touch, fill the days of a unit, and atoms say the same time per class."""
    tables = compute(whole)
    rows = tables.intervals.filter(pl.col("asset") == UNIT).select("from_us", "to_us").rows()
    assert (rows[0][0], rows[-1][1]) == window(whole)
    assert all(before[1] == after[0] for before, after in pairwise(rows))
    keys = ["asset", "production_day", "shift", "time_class", "sub_class", "reason", "origin"]
    length = (pl.col("to_us") - pl.col("from_us")).sum().alias("duration_us")
    by_interval = tables.intervals.group_by(keys).agg(length).sort(keys)
    by_atom = (
        tables.atoms.filter(pl.col("quantity") == "time").group_by(keys).agg(pl.col("duration_us").sum()).sort(keys)
    )
    assert_frame_equal(by_interval, by_atom)


@plants
@given(whole_inputs())
def test_calendar_classes_have_the_length_of_the_calendar(whole: Inputs) -> None:
    """Property: what is not not_scheduled is exactly the shifts, in each of them."""
    tables = compute(whole)
    shifts = tables.windows.filter(pl.col("asset") == UNIT, pl.col("shift") != "")
    planned = (
        int((shifts["to_us"] - shifts["from_us"]).sum()) if whole.site.shifts else window(whole)[1] - window(whole)[0]
    )
    assert time_of(tables, pl.col("asset") == UNIT, pl.col("time_class") != "not_scheduled") == planned


@plants
@given(whole_inputs())
def test_frames_have_their_schemas_and_nothing_is_negative(whole: Inputs) -> None:
    tables = compute(whole)
    for name, schema in (
        ("intervals", INTERVALS),
        ("atoms", ATOMS),
        ("interval_series", INTERVAL_SERIES),
        ("windows", WINDOWS),
        ("carry", CARRY),
        ("quality", QUALITY),
    ):
        assert getattr(tables, name).schema == schema, name
    atoms = tables.atoms
    assert (atoms["duration_us"].is_null() != atoms["amount"].is_null()).all()
    assert atoms.filter((pl.col("duration_us") < 0) | (pl.col("amount") < 0) | pl.col("amount").is_nan()).is_empty()
    assert atoms.filter(pl.col("quantity") == "time", pl.col("duration_us") == 0).is_empty()
    assert atoms.select(KEYS).is_unique().all()
    assert tables.intervals.filter(pl.col("to_us") <= pl.col("from_us")).is_empty()
    assert atoms.select(pl.all_horizontal(pl.col(KEYS).is_not_null()).all()).item()


@plants
@given(whole_inputs(), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter_and_twice_is_the_same(whole: Inputs, shuffle: Any) -> None:
    """Property: same bytes from shuffled inputs, and from the same inputs again."""
    seed = shuffle.randrange(2**30)
    mixed = replace(
        whole,
        **{
            name: getattr(whole, name).sample(fraction=1.0, shuffle=True, seed=seed)
            for name in ("series", "readings", "symbols", "events", "annotations")
        },
    )
    one, two, again = compute(whole), compute(mixed), compute(whole)
    for name in ("intervals", "atoms", "interval_series", "windows", "carry", "quality"):
        assert_frame_equal(getattr(one, name), getattr(two, name), check_exact=True)
        assert_frame_equal(getattr(one, name), getattr(again, name), check_exact=True)
    assert one.findings == two.findings == again.findings


@plants
@given(whole_inputs())
def test_day_by_day_is_the_span_at_once(whole: Inputs) -> None:
    """Property: nothing depends on how the days were grouped; times and counts exactly, energy to the last bits."""
    days, span = day_by_day(whole), compute(day_inputs(whole, whole.days, {}))
    for name, keys in (
        ("intervals", ["asset", "from_us"]),
        ("windows", ["asset", "from_us", "to_us", "shift"]),
        ("interval_series", ["asset", "from_us"]),
    ):
        together = pl.concat([getattr(each, name) for each in days]).sort(keys)
        assert_frame_equal(together, getattr(span, name).sort(keys), rel_tol=1e-12, abs_tol=1e-12)
    together = pl.concat([each.atoms for each in days]).sort(KEYS)
    inexact = pl.col("quantity").is_in(["energy"])
    assert_frame_equal(together.filter(~inexact), span.atoms.filter(~inexact), check_exact=True)
    assert_frame_equal(together.filter(inexact), span.atoms.filter(inexact), rel_tol=1e-9, abs_tol=1e-9)
    assert_frame_equal(
        pl.concat([each.carry for each in days]).sort("asset", "production_day"), span.carry, check_exact=True
    )
    together = pl.concat([each.quality for each in days]).sort("asset", "name", "production_day")
    assert_frame_equal(together, span.quality, check_exact=True)


@plants
@given(whole_inputs())
def test_unknown_time_is_what_nobody_tells_and_nothing_else(whole: Inputs) -> None:
    """Property: in open time without a correction a unit is unknown exactly where a plain look-up finds no meaning."""
    tables, silence = compute(whole), next(a.max_silence_us for a in whole.site.assets if a.key == UNIT)
    own = whole.series.filter(pl.col("asset") == UNIT)
    states = own.filter(pl.col("quantity") == "state")["series_id"].item()
    texts = dict(whole.symbols.select("symbol_id", "text").iter_rows())
    said = [
        (ts, texts[int(value)] if quality == 0 else "")
        for ts, value, quality in whole.readings.filter(pl.col("series_id") == states)
        .sort("ts")
        .select("ts", "value", "quality")
        .iter_rows()
    ]
    heard = sorted(set(whole.readings.filter(pl.col("series_id").is_in(own["series_id"].implode()))["ts"]))
    noted = whole.annotations.filter(pl.col("reason").is_not_null()).select("from_us", "to_us").rows()
    told = whole.events.filter(pl.col("kind") == "stop_reason")["key"].to_list()
    for begin, end, time_class, reason, origin in (
        tables.intervals.filter(pl.col("asset") == UNIT)
        .select("from_us", "to_us", "time_class", "reason", "origin")
        .iter_rows()
    ):
        middle = (begin + end) // 2
        if origin == "calendar":
            assert time_class in ("not_scheduled", "planned_down")
        elif any(low <= middle < high for low, high in noted):
            assert origin == "annotation"
        elif reason not in told:  # which explains the whole stop
            state = next((name for ts, name in reversed(said) if ts <= middle), "")
            last = max((ts for ts in heard if ts <= middle), default=middle)
            lost = state in NO_MEANING or (silence is not None and middle - last >= silence)
            if state in UNMAPPED:
                lost |= own.filter(pl.col("quantity") == "mode").is_empty() or time_class == "unknown"
            assert (time_class == "unknown") == lost, (state, time_class, middle - last)


@plants
@given(whole_inputs(), st.sampled_from([0, 10, 60]))
def test_oee_does_not_see_where_micro_stops_are_booked(whole: Inputs, limit: int) -> None:
    """Property: availability × performance × quality is the same under any micro-stop limit, and either booking."""
    assets = tuple(msgspec.structs.replace(each, micro_stop_limit_us=limit * MINUTE) for each in whole.site.assets)
    other = replace(whole, site=msgspec.structs.replace(whole.site, assets=assets))

    def oee(tables: Tables, *, as_performance: bool) -> tuple[int, float, float]:
        unit = pl.col("asset") == UNIT
        running = (pl.col("time_class") == "production") | (as_performance & (pl.col("sub_class") == "micro_stop"))
        apt, pbt = time_of(tables, unit, running), time_of(tables, unit, pl.col("time_class").is_in(BUSY))
        atoms = tables.atoms.filter(unit, pl.col("time_class").is_in(BUSY))
        total, good = (
            float(atoms.filter(pl.col("quantity") == f"ideal_time_{name}")["amount"].sum())
            for name in ("total", "good")
        )
        ideal = 0.0 if not (apt and pbt and total) else (apt / pbt) * (total * 1e6 / apt) * (good / total)
        return pbt, ideal, good

    one, two = compute(whole), compute(other)
    pbt, iso, good = oee(one, as_performance=False)
    if iso:
        assert math.isclose(iso, good * 1e6 / pbt, rel_tol=1e-9)
        assert math.isclose(iso, oee(one, as_performance=True)[1], rel_tol=1e-9)
    assert (oee(two, as_performance=False)[0], oee(two, as_performance=False)[2]) == (pbt, good)


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


@plants
@given(whole_inputs())
def test_counters_equal_a_naive_count(whole: Inputs) -> None:
    """Property: good, reject and unattributed telescope to what a plain loop counts inside the days."""
    tables, (low, high) = compute(whole), window(whole)
    for quantity, name in (("good_count", "good"), ("reject_count", "reject")):
        (row,) = whole.series.filter(pl.col("quantity") == quantity).rows(named=True)
        usable = whole.readings.filter(pl.col("series_id") == row["series_id"], pl.col("quality") == 0).sort("ts")
        steps = naive_increments(
            usable.select("ts", "value").rows(), row["counter_rule"], row["counter_modulus"] or 0.0
        )
        gap = row["max_gap_us"] or math.inf
        inside = [(t1 - t0 > gap, counted) for t0, t1, counted in steps if low < t1 <= high]
        assert amount(tables, name, asset=UNIT) == sum(counted for far, counted in inside if not far)
        assert amount(tables, "unattributed", asset=UNIT, qualifier=name) == sum(
            counted for far, counted in inside if far
        )


@plants
@given(whole_inputs())
def test_energy_equals_a_naive_integral(whole: Inputs) -> None:
    """Property: kWh of each meter inside the days is what a plain loop interpolates, over gaps too."""
    tables = compute(whole)
    for asset in (UNIT, "line", RECORDED):
        low, high = window(whole, asset)
        (row,) = whole.series.filter(
            pl.col("asset") == asset, pl.col("quantity").is_in(["active_energy", "active_power"])
        ).rows(named=True)
        rows = whole.readings.filter(pl.col("series_id") == row["series_id"]).sort("ts")
        usable = [
            (ts, value) for ts, value, quality in rows.select("ts", "value", "quality").iter_rows() if quality == 0
        ]
        if row["kind"] == "counter":
            spans = naive_increments(usable, row["counter_rule"], 0.0)
        elif row["kind"] == "delta":
            shift = 0 if row["interval_label"] == "start" else row["interval_us"]
            spans = [(ts - shift, ts - shift + row["interval_us"], value) for ts, value in usable]
        else:
            following = dict(pairwise(rows["ts"].to_list()))
            held = [
                (ts, min(following.get(ts, high), ts + (row["max_gap_us"] or 2**60)), value) for ts, value in usable
            ]
            spans = [(t0, t1, kw * (t1 - t0) / 3.6e9) for t0, t1, kw in held if t1 > t0]
        naive = sum(kwh * (min(t1, high) - max(t0, low)) / (t1 - t0) for t0, t1, kwh in spans if t1 > low and t0 < high)
        assert math.isclose(amount(tables, "energy", asset=asset), naive, rel_tol=1e-9, abs_tol=1e-9)


@plants
@given(whole_inputs())
def test_records_are_kept_whole(whole: Inputs) -> None:
    """Property: of every record that lies inside the days all cycles and pieces are found, each a whole number."""
    tables, (low, high) = compute(whole), window(whole, RECORDED)
    runs = whole.events.filter(pl.col("kind") == "production_run")
    inside = [
        msgspec.json.decode(text) for text in runs.filter(pl.col("from_us") >= low, pl.col("to_us") <= high)["payload"]
    ]
    crossing = [
        msgspec.json.decode(text)
        for text in runs.filter((pl.col("from_us") < low) | (pl.col("to_us") > high))["payload"]
    ]
    found = tables.atoms.filter(pl.col("asset") == RECORDED, pl.col("quantity").is_in(["good", "cycles", "reject"]))
    assert (found["amount"] % 1 == 0).all()
    for quantity in ("good", "cycles"):
        least = sum(run[quantity] for run in inside)
        assert least <= amount(tables, quantity, asset=RECORDED) <= least + sum(run[quantity] for run in crossing)
    kept = found.filter(pl.col("quantity") == "good").select("product").unique().to_series().to_list()
    assert {run["product"] for run in inside} - {""} <= set(kept)


@plants
@given(whole_inputs(days=2))
def test_an_open_day_is_the_beginning_of_the_whole_one(whole: Inputs) -> None:
    """Property: computing up to an instant gives the time before it and nothing after."""
    low, high = window(whole)
    middle = (low + high) // 2 // MINUTE * MINUTE
    tables = compute(replace(whole, until_us=middle))
    rows = tables.intervals.filter(pl.col("asset") == UNIT)
    assert (rows["from_us"].min(), rows["to_us"].max()) == (low, middle)
    assert time_of(tables, pl.col("asset") == UNIT) == middle - low


@plants
@given(whole_inputs(days=2))
def test_the_range_read_is_enough(whole: Inputs) -> None:
    """Property: rows after the range that `read_range` names, but for the first of each series, change nothing."""
    near = day_inputs(whole, whole.days, {})
    later = whole.readings.filter(pl.col("ts") > read_range(whole.site, whole.days)[1])
    part, full = compute(near), compute(replace(near, readings=near.readings.vstack(later).unique()))
    assert_frame_equal(part.intervals, full.intervals)
    assert_frame_equal(part.atoms, full.atoms, rel_tol=1e-9, abs_tol=1e-9)
