"""What a scope was expected to use by its frozen baseline: base sums, so that days add up to weeks and months.

In: base sums by scope and day, and the baselines of the snapshot. Out: the same with the columns of MEASURES. Expected
energy is the load of each day with metered energy plus the slope times the driver, for each driver, whatever the
window. A baseline of weeks expects a seventh of its load on each day, and judges whole weeks only.
"""

from datetime import date
from functools import reduce
from operator import add

import polars as pl

from kpi.energy.performance import EXTRAPOLATION, LEAST_R_SQUARED
from kpi.errors import KpiError
from model.registry import Baseline, Site

MEASURES = (
    *("baseline_days", "baseline_weekly_days", "baseline_fixed_kwh", "baseline_driver_kwh", "baseline_actual_kwh"),
    "baseline_outside",
)
_PIECES = ("good", "good_outside", "unattributed_good", "reject", "reject_outside", "unattributed_reject")
_BUSY = ("production_us", "setup_us", "delay_us", "down_no_order_us", "unknown_us")
# Drivers that a baseline can have, over base sums; `good:KEY` are the good pieces of one product.
DRIVERS: dict[str, pl.Expr] = {
    "good": pl.col("good") + pl.col("good_outside") + pl.col("unattributed_good"),
    "pieces": pl.sum_horizontal(_PIECES),
    "production_h": pl.col("production_us") / 3.6e9,
    "setup_h": pl.col("setup_us") / 3.6e9,
    "scheduled_h": pl.sum_horizontal(_BUSY) / 3.6e9,
}
UNITS = {"good": "piece", "pieces": "piece", "production_h": "h", "setup_h": "h", "scheduled_h": "h"}
_OF_PRODUCT = "good:"
_BY_DAY = ("scope", "production_day")
_WEEK_DAYS = 7


def product_of(driver: str) -> str | None:
    """The product whose good pieces a driver counts, None for any other driver."""
    return driver.removeprefix(_OF_PRODUCT) if driver.startswith(_OF_PRODUCT) else None


def unit_of(driver: str) -> str:
    """The unit of a driver."""
    return UNITS["good" if product_of(driver) else driver]


def check_driver(driver: str) -> None:
    """Refuse a driver that is not known.

    Raises:
        KpiError: there is no such driver.
    """
    if driver not in DRIVERS and not product_of(driver):
        raise KpiError(f"There is no driver {driver!r}; known: {', '.join(DRIVERS)}, good:PRODUCT.")


def with_baselines(pieces: pl.DataFrame, site: Site) -> pl.DataFrame:
    """Put expected and actual energy of the days with a baseline beside the base sums of each scope."""
    found = in_force(pieces.select(_BY_DAY).unique(), site)
    if found.is_empty():
        return pieces
    metered = ((pl.col("energy_rows") > 0) | (pl.col("energy_received") > 0)).any().over(_BY_DAY)
    rows = pieces.join(found, on=_BY_DAY, how="left", maintain_order="left").with_columns(_used=metered)
    counts = pl.col("_intercept").is_not_null() & pl.col("_used")
    first = counts & (pl.int_range(pl.len()).over(_BY_DAY) == 0)
    names = _names(site)
    rows = rows.with_columns(_amount(name).alias(f"_x{n}") for n, name in enumerate(names))
    parts = [(pl.col(f"_slope{n}") * pl.col(f"_x{n}")).fill_null(0.0) for n in range(len(names))]
    period = [pl.col(f"_x{n}").sum().over("scope", "_period").alias(f"_sum{n}") for n in range(len(names))]
    rows = rows.with_columns(_period=_period()).with_columns(period)
    within = pl.all_horizontal(_within(n).fill_null(value=True) for n in range(len(names)))
    return rows.with_columns(
        first.cast(pl.Float64).alias("baseline_days"),
        (first & pl.col("_weekly")).cast(pl.Float64).alias("baseline_weekly_days"),
        pl.when(first).then("_intercept").otherwise(0.0).alias("baseline_fixed_kwh"),
        pl.when(counts).then(reduce(add, parts)).otherwise(0.0).alias("baseline_driver_kwh"),
        pl.when(counts).then("energy_kwh").otherwise(0.0).alias("baseline_actual_kwh"),
        (first & ~within).cast(pl.Int64).alias("baseline_outside"),
    ).select(pieces.columns)


def in_force(days: pl.DataFrame, site: Site) -> pl.DataFrame:
    """Give the newest baseline of energy of each scope that is in force on each day (scope, production_day): what a day
    is expected to use whatever is made, and for each driver of the site its slope and range, null where it has none.
    """
    names = _names(site)
    columns = [f"_{what}{n}" for n in range(len(names)) for what in ("slope", "low", "high")]
    schema = {"scope": pl.String, "version": pl.Int64, "valid_from": pl.Date, "_weekly": pl.Boolean,
              "_intercept": pl.Float64, **dict.fromkeys(columns, pl.Float64)}  # fmt: skip
    rows = []
    for each in _known(site):
        terms = {term.driver: (term.slope, term.driver_from, term.driver_to) for term in each.terms}
        weekly = each.grain == "week"
        fixed = each.intercept / _WEEK_DAYS if weekly else each.intercept
        own = [value for name in names for value in terms.get(name, (None, None, None))]
        rows.append((each.asset, each.version, date.fromisoformat(each.valid_from), weekly, fixed, *own))
    known = pl.DataFrame(rows, schema=schema, orient="row")
    matched = days.join(known, on="scope").filter(pl.col("valid_from") <= pl.col("production_day"))
    newest = matched.sort(*_BY_DAY, "version").unique(_BY_DAY, keep="last", maintain_order=True)
    return newest.drop("version", "valid_from")


def _known(site: Site) -> list[Baseline]:
    def is_known(driver: str) -> bool:
        return driver in DRIVERS or product_of(driver) is not None

    # A weaker fit only shows that a baseline exists (criterion EMS-2.2): nothing is expected by it.
    fit = (each for each in site.baselines if each.r_squared is None or each.r_squared >= LEAST_R_SQUARED)
    return [each for each in fit if each.kpi == "energy" and all(is_known(t.driver) for t in each.terms)]


def _names(site: Site) -> list[str]:
    return sorted({term.driver for each in _known(site) for term in each.terms})


def _amount(driver: str) -> pl.Expr:
    product = product_of(driver)
    if product is None:
        return DRIVERS[driver]
    return pl.when(pl.col("product") == product).then(DRIVERS["good"]).otherwise(0.0)


def _period() -> pl.Expr:
    """The days whose drivers are compared with the range of the fit together: one, or those of a week."""
    day = pl.col("production_day")
    return pl.when("_weekly").then(day.dt.truncate("1w")).otherwise(day)


def _within(n: int) -> pl.Expr:
    low, high = pl.col(f"_low{n}"), pl.col(f"_high{n}")
    margin = EXTRAPOLATION * (high - low)
    return pl.col(f"_sum{n}").is_between(low - margin, high + margin)
