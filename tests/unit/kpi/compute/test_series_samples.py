"""Readings of a series with limits: capability that equals the plain formulas, whatever the order and the split."""

import statistics
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from kpi.compute import compute
from kpi.frames import Tables
from kpi.rollup.rolling import RollupInputs, rollup
from kpi.rollup.windows import calendar_windows
from model.registry import Series, ShiftRule, Site, SpecLimit
from model.vocabulary import Grain, Quality
from tests.unit.kpi.compute.plants import HOUR, MINUTE, UNIT, day_by_day, events, inputs, plant, readings, series, us

DAYS = (date(2026, 3, 2), date(2026, 3, 3))
START = us("2026-03-02T00:00")
STATE = {"quantity": "state", "kind": "state"}
GAUGE = {"quantity": "position", "name": "diameter", "kind": "gauge"}
LOWER, UPPER = 9.9, 10.1
WORK = [(START, "EXECUTE"), (START + 20 * HOUR, "STOPPED"), (START + 24 * HOUR, "EXECUTE"), (START + 44 * HOUR, "IDLE")]


def limit(**more: Any) -> SpecLimit:
    fields = {"characteristic": "d", "lower": LOWER, "upper": UPPER, "asset": UNIT, "series": "diameter", **more}
    return SpecLimit(**fields)


def site(*limits: SpecLimit, **more: Any) -> Site:
    listed = [Series(asset=UNIT, name=row.get("name", row["quantity"]), quantity=row["quantity"], kind=row["kind"])
              for row in (STATE, GAUGE)]  # fmt: skip
    return plant(series=tuple(listed), spec_limits=limits, **more)


def measured(rng: np.random.Generator, count: int = 400, mean: float = 10.02) -> list[tuple[int, float]]:
    """A value every 7 minutes from the first one on: also while the unit stands."""
    return [(START + 1 + n * 7 * MINUTE, float(value)) for n, value in enumerate(rng.normal(mean, 0.02, count))]


def computed(of: Site, rows: list[tuple[int, float]], **more: Any) -> Tables:
    return compute(inputs(of, DAYS, series=series(STATE, GAUGE), readings=readings(WORK, rows), **more))


def values(of: Site, tables: Tables, grain: Grain = Grain.WEEK) -> dict[str, tuple[float | None, str]]:
    windows = calendar_windows(of, DAYS[0] - timedelta(days=7), DAYS[-1] + timedelta(days=7))
    found = rollup(RollupInputs(of, tables.atoms, tables.interval_series, windows, 2**60), frozenset({grain}))
    rows = found.filter(asset=UNIT, variant="d", product="").select("kpi", "value", "status").iter_rows()
    return {kpi: (value, status) for kpi, value, status in rows}


def producing(rows: list[tuple[int, float]]) -> list[list[float]]:
    """The values of each of the two days while the unit works."""
    return [[value for ts, value in rows if 24 * day * HOUR < ts - START <= (24 * day + 20) * HOUR] for day in (0, 1)]


def test_the_indices_are_those_of_the_plain_formulas_over_the_values_while_producing() -> None:
    rows = measured(np.random.default_rng(7))
    of = site(limit())
    found = values(of, computed(of, rows))
    days = producing(rows)
    every = [value for day in days for value in day]
    mean, s = statistics.fmean(every), statistics.stdev(every)
    assert found["measured_values"] == (len(every), "final")
    assert found["measured_mean"][0] == pytest.approx((mean - 10.0) / 0.1)
    assert found["measured_deviation"][0] == pytest.approx(s / 0.1)
    assert found["pp"][0] == pytest.approx((UPPER - LOWER) / (6 * s))
    assert found["pp"][1] == "final"
    assert found["ppk"][0] == pytest.approx(min(UPPER - mean, mean - LOWER) / (3 * s))
    runs = sum((len(day) - 1) * statistics.variance(day) for day in days) / sum(len(day) - 1 for day in days)
    assert found["cm"][0] == pytest.approx((UPPER - LOWER) / (6 * runs**0.5))
    groups = [day[n : n + 5] for day in days for n in range(0, len(day) - 4, 5)]
    sigma = statistics.fmean(map(statistics.variance, groups)) ** 0.5
    grand = statistics.fmean(value for group in groups for value in group)
    assert found["cp"][0] == pytest.approx((UPPER - LOWER) / (6 * sigma))
    assert found["cpk"][0] == pytest.approx(min(UPPER - grand, grand - LOWER) / (3 * sigma))


def test_order_and_split_into_days_change_no_byte() -> None:
    rows = measured(np.random.default_rng(8))
    of = site(limit(subgroup_size=4))
    whole = inputs(of, DAYS, series=series(STATE, GAUGE), readings=readings(WORK, rows))
    tables = compute(whole)
    shuffled = compute(
        inputs(of, DAYS, series=series(STATE, GAUGE), readings=whole.readings.sample(fraction=1, shuffle=True, seed=3))
    )
    assert shuffled.atoms.equals(tables.atoms)
    split = pl.concat([each.atoms for each in day_by_day(whole)]).sort(tables.atoms.columns)
    assert split.equals(tables.atoms.sort(tables.atoms.columns))


def test_a_narrow_spread_far_from_the_middle_keeps_its_digits() -> None:
    rng = np.random.default_rng(9)
    rows = [(ts, 1e6 + value) for ts, value in measured(rng, mean=0.0)]
    of = site(limit(lower=1e6 - 50.0, upper=1e6 + 50.0))
    every = [value for day in producing(rows) for value in day]
    exact = statistics.stdev(value - 1e6 for value in every)
    assert values(of, computed(of, rows))["measured_deviation"][0] == pytest.approx(exact / 50.0, rel=1e-7)


def test_limits_are_those_of_the_product_and_the_date_and_without_any_there_is_a_finding() -> None:
    later = us("2026-03-03T00:00")
    of = site(
        limit(product="p", valid_to_us=later), limit(product="p", lower=9.8, upper=10.2, valid_from_us=later),
    )  # fmt: skip
    change = events(
        (START - 1, "product_change", "p", {"product": "p"}),
        (START + 44 * HOUR, "product_change", "q", {"product": "q"}),
    )
    rows = [(START + n * HOUR, 10.05) for n in range(1, 44)]
    tables = computed(of, rows, events=change)
    sums = tables.atoms.filter(quantity="sample_sum").group_by("production_day").agg(pl.col("amount").sum())
    assert dict(sums.iter_rows()) == {DAYS[0]: pytest.approx(20 * 0.5), DAYS[1]: pytest.approx(19 * 0.25)}
    other = events((START - 1, "product_change", "q", {"product": "q"}))
    without = computed(of, rows, events=other)
    assert without.atoms.filter(pl.col("quantity").str.starts_with("sample")).is_empty()
    (found,) = (each for each in without.findings if each["kind"] == "missing_spec_limit")
    assert (found["asset"], found["product"], found["values"]) == (UNIT, "q", 39)


@pytest.mark.parametrize(("count", "status"), [(24, "low_confidence"), (25, "final")])
def test_few_values_are_of_low_confidence_and_one_is_none(count: int, status: str) -> None:
    rows = measured(np.random.default_rng(1), count)
    of = site(limit())
    assert values(of, computed(of, rows))["ppk"][1] == status
    alone = values(of, computed(of, rows[:1]))
    assert "ppk" not in alone
    assert alone["measured_values"] == (1, "final")
    assert "pp" not in values(of, computed(of, [(ts, 10.0) for ts, _ in rows])), "without any spread there is no index"


def test_one_limit_and_bad_readings_and_shifts() -> None:
    shifts = tuple(ShiftRule(shift=name, cycle_day=day, start=start, end=end) for day in range(7)
                   for name, start, end in (("A", "00:00", "08:00"), ("B", "08:00", "16:00")))  # fmt: skip
    of = site(limit(lower=None), shifts=shifts)
    rows = measured(np.random.default_rng(2))
    frame = readings(WORK, rows).with_columns(
        pl.when((pl.col("series_id") == 2) & (pl.col("value") > 10.05))
        .then(Quality.BAD.value)
        .otherwise("quality")
        .cast(pl.Int16)
        .alias("quality")
    )
    tables = compute(inputs(of, DAYS, series=series(STATE, GAUGE), readings=frame))
    used = [
        v for ts, v in rows if v <= 10.05 and 0 < (ts - START) % (24 * HOUR) <= 16 * HOUR and ts - START < 48 * HOUR
    ]
    found = values(of, tables)
    assert found["measured_values"][0] == len(used)
    assert found["ppk"][0] == pytest.approx((UPPER - statistics.fmean(used)) / (3 * statistics.stdev(used)))
    assert "pp" not in found
    assert set(tables.atoms.filter(quantity="run_n")["shift"]) == {"A", "B"}
