"""What a scope was expected to use by its frozen baseline: base sums, so that days add up to weeks and months.

In: base sums by scope and day, and the baselines of the snapshot. Out: the same with the columns of MEASURES. Expected
energy is the load of each day with metered energy plus the slope times the driver, whatever the window.
"""

from datetime import date

import polars as pl

from kpi.energy_performance import EXTRAPOLATION
from model.registry import Site

MEASURES = ("baseline_days", "baseline_fixed_kwh", "baseline_driver_kwh", "baseline_actual_kwh", "baseline_outside")
_PIECES = ("good", "good_outside", "unattributed_good", "reject", "reject_outside", "unattributed_reject")
# Drivers that a baseline can have, over base sums.
DRIVERS: dict[str, pl.Expr] = {
    "good": pl.col("good") + pl.col("good_outside") + pl.col("unattributed_good"),
    "pieces": pl.sum_horizontal(_PIECES),
    "production_h": pl.col("production_us") / 3.6e9,
}
UNITS = {"good": "piece", "pieces": "piece", "production_h": "h"}
_BASELINES = pl.Schema(
    {
        **dict.fromkeys(("scope", "driver"), pl.String()),
        **dict.fromkeys(("slope", "intercept", "driver_from", "driver_to"), pl.Float64()),
        "version": pl.Int64(),
        "valid_from": pl.Date(),
    }
)
_BY_DAY = ("scope", "production_day")


def with_baselines(pieces: pl.DataFrame, site: Site) -> pl.DataFrame:
    """Put expected and actual energy of the days with a baseline beside the base sums of each scope."""
    found = in_force(pieces.select(_BY_DAY).unique(), site)
    if found.is_empty():
        return pieces
    metered = ((pl.col("energy_rows") > 0) | (pl.col("energy_received") > 0)).any().over(_BY_DAY)
    rows = pieces.join(found, on=_BY_DAY, how="left", maintain_order="left").with_columns(_used=metered)
    counts = pl.col("slope").is_not_null() & pl.col("_used")
    first = counts & (pl.int_range(pl.len()).over(_BY_DAY) == 0)
    rows = rows.with_columns(_driver=_driver()).with_columns(_of_day=pl.col("_driver").sum().over(_BY_DAY))
    margin = EXTRAPOLATION * (pl.col("driver_to") - pl.col("driver_from"))
    within = pl.col("_of_day").is_between(pl.col("driver_from") - margin, pl.col("driver_to") + margin)
    return rows.with_columns(
        first.cast(pl.Float64).alias("baseline_days"),
        pl.when(first).then("intercept").otherwise(0.0).alias("baseline_fixed_kwh"),
        pl.when(counts).then(pl.col("slope") * pl.col("_driver")).otherwise(0.0).alias("baseline_driver_kwh"),
        pl.when(counts).then("energy_kwh").otherwise(0.0).alias("baseline_actual_kwh"),
        (first & ~within).cast(pl.Int64).alias("baseline_outside"),
    ).select(pieces.columns)


def in_force(days: pl.DataFrame, site: Site) -> pl.DataFrame:
    """Give the newest baseline of energy of each scope that is in force on each day (scope, production_day)."""
    rows = [
        (
            *(each.asset, each.driver, each.slope, each.intercept, each.driver_from, each.driver_to, each.version),
            date.fromisoformat(each.valid_from),
        )
        for each in site.baselines
        if each.kpi == "energy" and each.driver in DRIVERS
    ]
    known = pl.DataFrame(rows, schema=_BASELINES, orient="row")
    matched = days.join(known, on="scope").filter(pl.col("valid_from") <= pl.col("production_day"))
    return matched.sort(*_BY_DAY, "version").unique(_BY_DAY, keep="last", maintain_order=True)


def _driver() -> pl.Expr:
    chosen = pl.lit(0.0)
    for name, amount in DRIVERS.items():
        chosen = pl.when(pl.col("driver") == name).then(amount).otherwise(chosen)
    return chosen
