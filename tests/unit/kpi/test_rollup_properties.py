"""What must hold between the values of any plant: parts add up to the whole, the factors of OEE multiply to it."""

import os
from datetime import timedelta

import polars as pl
from hypothesis import HealthCheck, Phase, given, settings

from kpi.compute import compute
from kpi.frames import Inputs
from kpi.rollup import RollupInputs, rollup
from kpi.windows import calendar_windows
from tests.unit.kpi.compute.strategies import whole_inputs
from tests.unit.kpi.making import LONG_AFTER

EXAMPLES = {"quick": 3, "long": 500}[os.environ.get("HAIDANG_HYPOTHESIS_PROFILE", "quick")]
SUMS = ["production_time", "setup_time", "planned_busy_time", "delay_time", "unknown_time", "good_quantity"]
FACTORS = ["oee", "oee_availability", "effectiveness", "quality_ratio"]


def values_of(whole: Inputs) -> pl.DataFrame:
    tables = compute(whole)
    month = timedelta(days=45)
    return rollup(
        RollupInputs(
            site=whole.site,
            atoms=tables.atoms,
            interval_series=tables.interval_series,
            windows=calendar_windows(whole.site, whole.days[0] - month, whole.days[-1] + month),
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


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(whole_inputs())
def test_hours_shifts_days_units_and_factors_agree(whole: Inputs) -> None:
    """Property: hours and shifts add up to days, days to longer windows, units to the site, factors multiply to OEE."""
    values = values_of(whole).filter(pl.col("variant") == "")
    sums = values.filter(pl.col("kpi").is_in(SUMS))
    assert_sums(sums, "hour", "day", ["asset", "production_day"])
    assert_sums(sums, "day", "month", ["asset"])
    assert_sums(sums, "day", "week", ["asset"])
    if whole.site.shifts:
        assert_sums(sums.filter(pl.col("kpi") != "good_quantity"), "shift", "day", ["asset", "production_day"])
    days = sums.filter(pl.col("grain") == "day")
    units = (
        days.filter(pl.col("asset").str.starts_with("line/"))
        .group_by("production_day", "kpi")
        .agg(pl.col("value").sum())
    )
    above = days.filter(pl.col("asset") == "").select("production_day", "kpi", pl.col("value").alias("site"))
    both = units.join(above, on=["production_day", "kpi"])
    assert both.filter((pl.col("value") - pl.col("site")).abs() > 1e-6).is_empty()
    window = ["asset", "grain", "production_day", "window_start", "shift", "job", "product"]
    wide = values.filter(pl.col("kpi").is_in(FACTORS)).pivot("kpi", index=window, values="value")
    if set(FACTORS) <= set(wide.columns):
        product = pl.col("oee_availability") * pl.col("effectiveness") * pl.col("quality_ratio")
        assert wide.drop_nulls(FACTORS).filter((pl.col("oee") - product).abs() > 1e-9).is_empty()
