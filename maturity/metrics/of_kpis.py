"""Metrics `kpi.*`: every catalogue KPI over the window, from its stored day values; ratios as sum over sum.

A scope of several machines is one number: numerators and denominators of all are added up first.
"""

from datetime import date, timedelta
from functools import partial

import polars as pl

from kpi.catalogue import CATALOGUE
from kpi.catalogue.entry import Aggregation, Basis, Kpi
from kpi.rollup.status import METERED
from maturity.facts import Facts
from maturity.metrics.measured import Measured, Metrics, Parameters
from maturity.reasons import Reason, because, listed, of_status
from model.calendar import calendar_of, calendar_shifts

METRICS = Metrics()
# What needs no row on a day without any: records of other systems, and what is made of them.
_SPARSE = frozenset({Basis.RECORD, Basis.SAMPLE, Basis.SCOPE1, Basis.CBAM, Basis.CBAM_ENERGY})


def values_of(facts: Facts, kpi: str, scope: str, grain: str = "day", variant: str = "") -> pl.DataFrame:
    """Stored values of a KPI for the assets of a scope, by asset and time."""
    rows = facts.values.filter(
        pl.col("kpi") == kpi,
        pl.col("variant") == variant,
        pl.col("grain") == grain,
        pl.col("scope").is_in(list(facts.assets_of(scope))),
    )
    return rows.sort("scope", "from_us")


def over_window(kpi: Kpi, facts: Facts, scope: str, parameters: Parameters) -> Measured:
    """A KPI over all days of the window and all assets of the scope.

    Days count with their numerator and denominator, also where they have no ratio of their own: a day without a
    failure has run time for the mean time between failures.
    """
    rows = values_of(facts, kpi.id, scope, variant=str(parameters.get("variant", "")))
    if rows.is_empty():
        return Measured.nothing(
            because("no_values", kpi=kpi.id, command=f"`haidang kpi catalogue {kpi.id} --site {facts.site.key}`")
        )
    assets = tuple(rows["scope"].unique().sort())
    known, name = rows.filter(_known), Reason(kpi.name_vi, kpi.name_en)
    if known.is_empty():
        why = listed(of_status(each) for each in sorted(set(rows["status"])))
        command = f"`haidang kpi explain {kpi.id}`"
        return Measured.nothing(because("no_value", name=name, why=why, command=command), assets)
    if not _can_be_joined(kpi, known):
        return Measured.nothing(because("cannot_be_joined", name=name), assets)
    value = _combined(kpi, known)
    if value is None:
        return Measured.nothing(because("no_denominator", name=name, formula=kpi.formula), assets)
    complete = _completeness(kpi, rows, facts, scope)
    return Measured(value, complete, assets, detail={"days": known["production_day"].n_unique()})


_known = pl.col("numerator").is_not_null() | pl.col("value").is_not_null()


def _completeness(kpi: Kpi, rows: pl.DataFrame, facts: Facts, scope: str) -> float | None:
    if kpi.basis in _SPARSE:
        return None
    metered = kpi.basis in METERED and not kpi.per_piece  # an asset without a meter is outside, and not named
    return completeness_of(rows, facts, None if metered else scope)


def completeness_of(rows: pl.DataFrame, facts: Facts, scope: str | None = None) -> float:
    """Completeness of the data under stored values: the mean over all days of the window and all assets.

    A day without a row or without a value counts as nothing, and so does an asset of the scope without any row; with
    no scope named, the assets are those that have rows. Records are not due on days without a shift.
    """
    known = rows.filter(_known)
    days = dict(known.group_by("scope").agg("production_day").iter_rows())
    assets = facts.assets_of(scope) if scope else rows["scope"].unique().to_list()
    due = sum(_days_due(facts, asset, set(days.get(asset, ()))) for asset in assets)
    return min(1.0, float(known["completeness"].fill_null(0.0).sum()) / due) if due else 0.0


def _days_due(facts: Facts, asset: str, said: set[date]) -> int:
    """Days of which an asset owes values: those with a shift where it has no signals, and those of which it has any."""
    below = f"{asset}/" if asset else ""
    has_signals = any(each.asset == asset or each.asset.startswith(below) for each in facts.site.series)
    calendar = calendar_of(facts.site, asset)
    if has_signals or calendar.always_scheduled:
        return facts.days
    shifts = calendar_shifts(calendar, facts.first, facts.last + timedelta(days=1))
    return len(said | {shift.day for shift in shifts})


def _can_be_joined(kpi: Kpi, rows: pl.DataFrame) -> bool:
    """Sums can; a peak is the greatest of an asset's days; what is neither holds for its own day and asset only."""
    if rows.height == 1 or (kpi.aggregation is Aggregation.SUM and kpi.basis is not Basis.SAMPLE):
        return True
    is_peak = kpi.aggregation in (Aggregation.MAX, Aggregation.INTERVAL_SERIES) and kpi.denominator is None
    return is_peak and rows["scope"].n_unique() == 1


def _combined(kpi: Kpi, rows: pl.DataFrame) -> float | None:
    if kpi.aggregation is not Aggregation.SUM or kpi.basis is Basis.SAMPLE:
        return _number(rows["value"].max())
    numerator = float(rows["numerator"].sum())
    if kpi.denominator is None:
        return numerator
    denominator = float(rows["denominator"].sum())
    return numerator / denominator if denominator > 0 else None


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


for _kpi in CATALOGUE.values():
    METRICS.add(f"kpi.{_kpi.id}", _kpi.unit, _kpi.explanation_en, ("variant",))(partial(over_window, _kpi))
