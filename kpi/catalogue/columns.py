"""Columns of the wide frame that catalogue expressions see: sums of one scope over one window.

Durations in seconds, energy in kWh, mass in kg, quantities in pieces. Columns starting with `counted_` leave out
units that do not count pieces, so that the factors of OEE stand on the same units.
"""

import polars as pl

# Time classes (ISO 22400-2) and sub-classes of delay.
TIMES = (
    "production_s",
    "setup_s",
    "delay_s",
    "down_no_order_s",
    "planned_down_s",
    "not_scheduled_s",
    "unknown_s",
    "fault_s",
    "starved_s",
    "blocked_s",
    "micro_stop_s",
)
COUNTED_TIMES = (
    "counted_production_s",
    "counted_setup_s",
    "counted_planned_busy_s",
    "counted_calendar_s",
)
QUANTITIES = (
    "good",
    "reject",
    "good_outside",
    "reject_outside",
    "unattributed_good",
    "unattributed_reject",
    "ideal_good_s",
    "ideal_total_s",
    "no_ideal",
)
MAINTENANCE = ("failures", "repair_s", "between_failures", "between_failures_s")
ENERGY = ("energy_kwh", "co2e_kg", "without_factor")
DEMAND = ("peak_kw", "demand_hours")
SUMS = TIMES + COUNTED_TIMES + QUANTITIES + MAINTENANCE + ENERGY + DEMAND

# What a scope has at all, apart from how much of it.
HAS = ("has_time", "has_counts", "has_energy", "has_demand")

COLUMNS = pl.Schema(
    {**dict.fromkeys(SUMS, pl.Float64()), **dict.fromkeys(HAS, pl.Boolean())},
)


def planned_busy() -> pl.Expr:
    """PBT in seconds: all time in which orders could run, unknown time included."""
    return (
        pl.col("production_s") + pl.col("setup_s") + pl.col("delay_s") + pl.col("down_no_order_s") + pl.col("unknown_s")
    )


def calendar() -> pl.Expr:
    """All time of the window in seconds, as far as it has passed."""
    return planned_busy() + pl.col("planned_down_s") + pl.col("not_scheduled_s")


def processing() -> pl.Expr:
    """AUPT in seconds: production and setup."""
    return pl.col("production_s") + pl.col("setup_s")


def wide(**values: float | bool) -> pl.DataFrame:
    """Make a wide frame of one row from some sums, the others being zero; `has_*` are true unless said otherwise."""
    unknown = set(values) - set(COLUMNS)
    if unknown:
        raise KeyError(f"no such base sums: {sorted(unknown)}")
    row = {**dict.fromkeys(SUMS, 0.0), **dict.fromkeys(HAS, True), **values}
    return pl.DataFrame([row], schema=COLUMNS)
