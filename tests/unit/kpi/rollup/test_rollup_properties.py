"""What must hold between the values of any plant: parts add up to the whole, the factors of OEE multiply to it."""

import os

import polars as pl
from hypothesis import given, settings

from kpi.rollup.rolling import RollupInputs, rollup
from model.calendar import calendar_of
from tests.unit.kpi.compute.fleets import Fleet, fleets, inputs_of, tables_of
from tests.unit.kpi.compute.test_properties import PLANTS, many, same_fleets
from tests.unit.kpi.making import LONG_AFTER

FLEETS = {"quick": 2, "long": 50}[os.environ.get("HAIDANG_HYPOTHESIS_PROFILE", "quick")]
SUMS = ["production_time", "setup_time", "planned_busy_time", "delay_time", "unknown_time", "good_quantity"]
FACTORS = ["oee", "oee_availability", "effectiveness", "quality_ratio"]
WANTED = [*SUMS, *FACTORS]


def values_of(fleet: Fleet) -> pl.DataFrame:
    tables = tables_of(fleet)
    return rollup(
        RollupInputs(
            site=inputs_of(fleet).site,
            atoms=tables.atoms,
            interval_series=tables.interval_series,
            windows=tables.windows,
            now_us=LONG_AFTER + 10**15,
        )
    )


def assert_sums(values: pl.DataFrame, part: str, whole: str, by: list[str]) -> None:
    """The parts add up to each whole; a part without anything has no row."""
    parts = values.filter(pl.col("grain") == part).group_by(*by, "kpi").agg(pl.col("value").sum().alias("parts"))
    wholes = values.filter(pl.col("grain") == whole).group_by(*by, "kpi").agg(pl.col("value").sum())
    both = wholes.join(parts, on=[*by, "kpi"], how="left").with_columns(pl.col("parts").fill_null(0.0))
    assert both.height
    wrong = both.filter((pl.col("value") - pl.col("parts")).abs() > 1e-6 + 1e-9 * pl.col("value").abs())
    assert wrong.is_empty(), (part, whole, wrong)


@settings(many, max_examples=FLEETS)
@same_fleets
@given(fleets(PLANTS))
def test_hours_shifts_days_units_and_factors_agree(fleet: Fleet) -> None:
    """Additivity: hours and shifts add up to days, days to longer windows, units to the site, factors to OEE."""
    values = values_of(fleet).filter(pl.col("variant") == "", pl.col("kpi").is_in(WANTED))
    sums = values.filter(pl.col("kpi").is_in(SUMS))
    assert_sums(sums, "hour", "day", ["asset", "production_day"])
    assert_sums(sums, "day", "month", ["asset"])
    assert_sums(sums, "day", "week", ["asset"])
    always = [asset for asset in sums["asset"].unique() if calendar_of(inputs_of(fleet).site, asset).always_scheduled]
    planned = sums.filter(~pl.col("asset").is_in(always), pl.col("asset").str.contains("/"))
    assert_sums(planned.filter(pl.col("kpi") != "good_quantity"), "shift", "day", ["asset", "production_day"])
    days = sums.filter(pl.col("grain") == "day")
    units = days.filter(pl.col("asset").str.contains("/")).group_by("production_day", "kpi").agg(pl.col("value").sum())
    above = days.filter(pl.col("asset") == "").select("production_day", "kpi", pl.col("value").alias("site"))
    both = units.join(above, on=["production_day", "kpi"])
    assert both.height
    assert both.filter((pl.col("value") - pl.col("site")).abs() > 1e-6).is_empty()
    window = ["asset", "grain", "production_day", "window_start", "shift", "job", "product"]
    wide = values.filter(pl.col("kpi").is_in(FACTORS)).pivot("kpi", index=window, values="value")
    if set(FACTORS) <= set(wide.columns):
        product = pl.col("oee_availability") * pl.col("effectiveness") * pl.col("quality_ratio")
        assert wide.drop_nulls(FACTORS).filter((pl.col("oee") - product).abs() > 1e-9).is_empty()
