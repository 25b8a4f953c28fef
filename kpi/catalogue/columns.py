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
    "counted_planned_down_s",
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
    "ideal_startup_good_s",
    "ideal_startup_total_s",
)
MAINTENANCE = ("failures", "repair_s", "between_failures", "between_failures_s")
ENERGY = ("energy_kwh", "co2e_kg", "without_factor")
SCOPE1 = (
    *("fuel_tj", "refrigerant_kg", "fuel_co2_kg", "fuel_ch4_co2e_kg", "fuel_n2o_co2e_kg"),
    *("biogenic_co2_kg", "refrigerant_co2e_kg", "scope1_without_factor"),
)
MARKET = ("shared_kwh", "shared_kg", "rest_kg", "contract_kwh", "contract_kg")
BASELINE = (
    *("baseline_days", "baseline_weekly_days", "baseline_fixed_kwh"),
    *("baseline_driver_kwh", "baseline_actual_kwh"),
)
CBAM = ("good_kg", "good_unweighed", "precursor_direct_t", "precursor_indirect_t")
CLASSED = ("production", "setup", "delay", "down_no_order", "planned_down", "not_scheduled")
METERS = (
    *("main_kwh", "submetered_kwh", "no_job_kwh", "no_product_kwh", "reactive_kvarh", "beside_reactive_kwh"),
    *(f"{name}_kwh" for name in (*CLASSED, "unknown", "unclassed", "peak", "normal", "off_peak", "other_period")),
    *("cost", "cost_vat", "without_price", "without_vat", "subscribed_kw", "demand_price", "demand_vat_rate"),
)
DEMAND = ("peak_kw", "demand_kwh", "demand_hours", "base_load_kwh", "base_load_hours")
# What business records say (kpi/compute/business.py): durations in s, pieces, one unit of mass for process losses.
RECORDS = (
    *("order_work_time", "attendance_time", "transport_time", "queuing_time", "orders"),
    *("planned_scrap", "first_operation_quantity", "production_capacity"),
    *("inspections", "inspected", "first_pass_good", "reworked_good", "rework", "failed_final"),
    *("defects", "defect_opportunities", "corrective_maintenance_time", "preventive_maintenance_time"),
    *("rolled_yield", "yield_steps"),
    *("media_mj", "exchanged_mj", "energy_records"),
    *("inventory_throughput", "inventory_stock_time", "inventory_span"),
    *("consumed_material", "integrated_good", "production_loss", "storage_transport_loss", "other_loss"),
)
# Measured values (kpi/compute/samples.py), in halves of the tolerance about its middle.
SAMPLES = tuple(
    f"{family}_{name}"
    for family in ("sample", "run", "subgroup")
    for name in ("n", "sum", "squares", "df", "two", "upper", "lower")
)
SUMS = TIMES + COUNTED_TIMES + QUANTITIES + MAINTENANCE + ENERGY + METERS + DEMAND + RECORDS + SAMPLES
SUMS += SCOPE1 + MARKET + BASELINE + CBAM

# What a scope has at all, apart from how much of it.
HAS = ("has_time", "has_counts", "has_energy", "has_demand")

GOOD = ("good", "good_outside", "unattributed_good")

COLUMNS = pl.Schema(
    {**dict.fromkeys(SUMS, pl.Float64()), **dict.fromkeys(HAS, pl.Boolean())},
)
_HALF_US = 0.5e-6  # s
_ROUNDING = 1e-9  # of a sum of seconds, relative


def planned_busy() -> pl.Expr:
    """PBT in seconds: all time in which orders could run, unknown time included."""
    return (
        pl.col("production_s") + pl.col("setup_s") + pl.col("delay_s") + pl.col("down_no_order_s") + pl.col("unknown_s")
    )


def calendar() -> pl.Expr:
    """All time of the window in seconds, as far as it has passed."""
    return planned_busy() + pl.col("planned_down_s") + pl.col("not_scheduled_s")


def uncounted() -> pl.Expr:
    """Tell whether some of the time is of units that count no pieces. Times are whole microseconds: less than half of
    one is what seconds that were added up are rounded by.
    """
    return calendar() - pl.col("counted_calendar_s") > _HALF_US


def faster_than_ideal() -> pl.Expr:
    """Tell whether pieces were made faster than their ideal cycles allow, by more than what their sum is rounded by."""
    producing = pl.col("counted_production_s")
    return (producing > 0) & (pl.col("ideal_total_s") - producing > _ROUNDING * producing)


def busy() -> pl.Expr:
    """AUBT in seconds: production, setup and delay."""
    return processing() + pl.col("delay_s")


def good_pieces() -> pl.Expr:
    """GQ in pieces: all good ones, also those made outside of shifts or in a gap."""
    return pl.col("good") + pl.col("good_outside") + pl.col("unattributed_good")


def order_execution() -> pl.Expr:
    """AOET in seconds: busy time, transport and queuing; null where no order was recorded."""
    return pl.when(pl.col("orders") > 0).then(busy() + pl.col("transport_time") + pl.col("queuing_time"))


def classed_kwh() -> pl.Expr:
    """Energy in kWh of which is known what was done meanwhile."""
    return pl.sum_horizontal(f"{name}_kwh" for name in CLASSED)


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
