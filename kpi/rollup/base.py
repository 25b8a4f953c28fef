"""Atoms → base sums: one row per asset, hour, shift, job and product with a column for everything that is summed.

Durations stay int64 µs here (exact), amounts are float64; `grouped` adds both in the order of the rows.
"""

from functools import cache
from itertools import pairwise

import numpy as np
import polars as pl

from kpi.carbon import factors as carbon
from kpi.carbon.factors import factors_of_hours, with_substances
from kpi.compute import substances
from kpi.compute.business import QUANTITIES
from kpi.energy import baselines
from kpi.energy.prices import PERIODS, prices_of_hours
from kpi.sums import run_starts
from model.metering import METERED, reactive_assets
from model.registry import Site
from model.vocabulary import TimeClass

_MOST_ROWS = 50_000  # that are spread over the columns at once, up to the next asset
KEYS = ("asset", "production_day", "hour_us", "shift", "job", "product")
PLANNED_BUSY = ("production", "setup", "delay", "down_no_order", "unknown")
OUTSIDE = (TimeClass.PLANNED_DOWN.value, TimeClass.NOT_SCHEDULED.value)

_duration = pl.col("duration_us")
_amount = pl.col("amount")
_class = pl.col("time_class")


def _of(quantity: str) -> pl.Expr:
    return pl.col("quantity") == quantity


_time = _of("time")
_outside = _class.is_in(OUTSIDE)
_is_energy = _of("energy")
_of_meter = pl.col("qualifier").is_in(sorted(METERED))

DURATIONS: dict[str, pl.Expr] = {
    **{f"{name.value}_us": _time & (_class == name.value) for name in TimeClass},
    **{
        f"{name}_us": _time & (_class == "delay") & (pl.col("sub_class") == name)
        for name in ("fault", "starved", "blocked", "micro_stop")
    },
    "counted_production_us": _time & (_class == "production") & pl.col("counts"),
    "counted_setup_us": _time & (_class == "setup") & pl.col("counts"),
    "counted_planned_busy_us": _time & _class.is_in(PLANNED_BUSY) & pl.col("counts"),
    "counted_planned_down_us": _time & (_class == "planned_down") & pl.col("counts"),
    "counted_calendar_us": _time & pl.col("counts"),
    "from_records_us": _time & (pl.col("origin") == "record"),
    "assumed_order_us": _time & (_class == "delay") & (pl.col("job") == "") & pl.col("assume_order"),
    "repair_us": _of("repair_time"),
    "between_failures_us": _of("time_between_failures"),
}
AMOUNTS: dict[str, pl.Expr] = {
    "good": _of("good") & ~_outside,
    "reject": _of("reject") & ~_outside,
    "good_outside": _of("good") & _outside,
    "reject_outside": _of("reject") & _outside,
    "unattributed_good": _of("unattributed") & (pl.col("qualifier") != "reject"),
    "unattributed_reject": _of("unattributed") & (pl.col("qualifier") == "reject"),
    "anomaly": _of("anomaly"),
    "ideal_good_s": _of("ideal_time_good") & ~_outside,
    "ideal_total_s": _of("ideal_time_total") & ~_outside,
    "no_ideal": _of("no_ideal") & ~_outside,
    "ideal_startup_good_s": _of("ideal_time_good") & (_class == "setup"),
    "ideal_startup_total_s": _of("ideal_time_total") & (_class == "setup"),
    "failures": _of("failures"),
    "between_failures": _of("between_failures"),
    "received": _of("received") & ~_of_meter,
    "expected": _of("expected") & ~_of_meter,
    "energy_received": _of("received") & _of_meter,
    "energy_expected": _of("expected") & _of_meter,
    "submeter_received": _of("received") & _of_meter,
    "submeter_expected": _of("expected") & _of_meter,
    "energy_kwh": _is_energy,
    "main_kwh": _is_energy,
    "submetered_kwh": _is_energy,
    **{f"{name.value}_kwh": _is_energy & (_class == name.value) for name in TimeClass},
    **{f"{period}_kwh": _is_energy & (pl.col("tariff_period") == period) for period in PERIODS},
    "unclassed_kwh": _is_energy & (_class == ""),
    "other_period_kwh": _is_energy & ~pl.col("tariff_period").is_in(PERIODS),
    "no_job_kwh": _is_energy & (pl.col("job") == ""),
    "no_product_kwh": _is_energy & (pl.col("product") == ""),
    "reactive_kvarh": _of("reactive_energy"),
    "beside_reactive_kwh": _is_energy & pl.col("has_reactive"),
}
OF_RECORDS = tuple(sorted((*QUANTITIES, *substances.QUANTITIES)))
AMOUNTS |= {name: _of(name) for name in OF_RECORDS}
CARBON = tuple(carbon.OF_ENERGY)
SUBSTANCES = tuple(carbon.OF_SUBSTANCES)
GOODS = tuple(carbon.OF_GOODS)
COUNTS = ("energy_rows", "without_price", "without_vat", *carbon.ROWS)
COSTS = ("cost", "cost_vat")
MEASURES = (*DURATIONS, *COUNTS, *AMOUNTS, *CARBON, *COSTS, *SUBSTANCES, *GOODS, *baselines.MEASURES)
OF_COUNTS = frozenset(
    {
        *("good", "reject", "good_outside", "reject_outside", "unattributed_good", "unattributed_reject", "anomaly"),
        *("ideal_good_s", "ideal_total_s", "no_ideal", "ideal_startup_good_s", "ideal_startup_total_s"),
        *GOODS,
    }
)
# What an asset lends whose time stands beside the counts of another one: all its time is counted then.
LENT = {
    "counted_production_us": ("production_us",),
    "counted_setup_us": ("setup_us",),
    "counted_planned_busy_us": tuple(f"{name}_us" for name in PLANNED_BUSY),
    "counted_planned_down_us": ("planned_down_us",),
    "counted_calendar_us": tuple(f"{name.value}_us" for name in TimeClass),
}
OF_ENERGY = frozenset(
    {
        *("energy_kwh", "no_job_kwh", "no_product_kwh", "unclassed_kwh", "other_period_kwh"),
        *("reactive_kvarh", "beside_reactive_kwh"),
        *(f"{name.value}_kwh" for name in TimeClass),
        *(f"{period}_kwh" for period in PERIODS),
        *CARBON,
        *COSTS,
        *COUNTS,
    }
)
# Of a meter, a scope may have a share only: the column of `Scopes.sources` that says which.
_SHARES = {
    "main_kwh": "main_share",
    **dict.fromkeys(("submetered_kwh", "submeter_received", "submeter_expected"), "submeter_share"),
}


def role(measure: str) -> str:
    """Column of `Scopes.sources` that says whether an asset contributes this base sum to a scope."""
    if measure in OF_ENERGY:
        return "of_energy"
    if measure in {"energy_received", "energy_expected"}:
        return "of_meters"
    if measure.startswith("inventory_"):
        return "of_own"  # a mean stock is of one store: several do not add up
    if measure in OF_COUNTS:
        return "of_counts"
    return "of_records" if measure in {*OF_RECORDS, *SUBSTANCES} else "of_time"


def share(measure: str) -> str | None:
    """Column of `Scopes.sources` with the share of an amount that is the scope's, null where it is whole or nothing."""
    if measure in OF_ENERGY and measure not in COUNTS:
        return "energy_share"
    return _SHARES.get(measure)


def base_sums(atoms: pl.DataFrame, site: Site, counted: frozenset[str]) -> pl.DataFrame:
    """Reduce atoms (frames.ATOMS) to base sums, sorted by KEYS; `counted` names the assets that count pieces."""
    assume = [asset.key for asset in site.assets if asset.assume_order]
    of_hours = factors_of_hours(site, atoms["hour_us"])
    of_periods = prices_of_hours(site, atoms["hour_us"])

    def sums(part: pl.DataFrame) -> pl.DataFrame:
        rows = with_substances(part, site).join(of_hours, on="hour_us", how="left", maintain_order="left")
        rows = rows.with_columns(
            pl.col("asset").is_in(sorted(counted)).alias("counts"),
            pl.col("asset").is_in(assume).alias("assume_order"),
            pl.col("asset").is_in(reactive_assets(site)).alias("has_reactive"),
        )
        rows = rows.join(of_periods, on=["hour_us", "tariff_period"], how="left", maintain_order="left")
        return grouped(_columns(rows), KEYS, MEASURES)

    return pl.concat([sums(part) for part in _slices(atoms.sort(atoms.columns))])


def _slices(rows: pl.DataFrame) -> list[pl.DataFrame]:
    """Cut rows between assets: a column for everything that is summed takes much memory for many rows at once."""
    borders = [0]
    for start in run_starts(rows["asset"].rle_id().to_numpy()).tolist():
        if start - borders[-1] >= _MOST_ROWS:
            borders.append(start)
    return [rows[low:high] for low, high in pairwise([*borders, len(rows)])]


def _columns(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select(_of_atoms())


@cache
def _of_atoms() -> tuple[pl.Expr, ...]:
    return (
        pl.col(KEYS),
        *(pl.when(test).then(_duration).otherwise(0).alias(name) for name, test in DURATIONS.items()),
        *(pl.when(test).then(_amount).otherwise(0.0).alias(name) for name, test in AMOUNTS.items()),
        *(amount.alias(name) for name, amount in carbon.SUMS.items()),
        *(pl.lit(0.0).alias(name) for name in baselines.MEASURES),
        _is_energy.cast(pl.Int64).alias("energy_rows"),
        (_is_energy & pl.col("price").is_null()).cast(pl.Int64).alias("without_price"),
        (_is_energy & pl.col("vat_rate").is_null()).cast(pl.Int64).alias("without_vat"),
        pl.when(_is_energy).then(_amount * pl.col("price")).fill_null(0.0).alias("cost"),
        pl.when(_is_energy).then(_amount * pl.col("price") * pl.col("vat_rate")).fill_null(0.0).alias("cost_vat"),
    )


def grouped(frame: pl.DataFrame, keys: tuple[str, ...], columns: tuple[str, ...]) -> pl.DataFrame:
    """Add the columns of neighbouring rows with equal keys, in the order of the rows: the same bytes every time."""
    if frame.is_empty():
        return frame.select(pl.col(*keys, *columns))
    starts = run_starts(frame.select(pl.struct(keys).rle_id()).to_series().to_numpy())
    sums = [pl.Series(name, np.add.reduceat(frame[name].to_numpy(), starts)) for name in columns]
    firsts: pl.DataFrame = frame.select(keys)[starts]
    return firsts.hstack(sums)
