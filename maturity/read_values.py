"""Which KPI values metrics read; an assessment takes them from the database, the check of a package computes them.

Pure. A KPI is named by day, or by the grain that stands before its name: `oee`, `shift/oee`.
"""

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any

import polars as pl

from maturity.framework import Framework

# What metrics of data properties read besides the KPIs that criteria name: of days, and of other grains.
ALWAYS = frozenset(
    {
        *("oee", "availability", "effectiveness", "quality_ratio", "production_time", "produced_quantity"),
        *("good_quantity", "scrap_quantity", "energy", "energy_submetered", "energy_performance", "co2e_location"),
        *("specific_co2e", "cpk", "hour/produced_quantity"),
        *("shift/oee", "shift/availability", "shift/effectiveness", "shift/quality_ratio"),
        *("shift/produced_quantity", "shift/good_quantity"),
        *("job/production_time", "job/good_quantity", "job/co2e_location"),
        *("product/production_time", "product/scrap_quantity"),
    }
)


def kpis_of(frameworks: Iterable[Framework]) -> frozenset[str]:
    """KPIs that the criteria of frameworks read."""
    every = [each for one in frameworks for criterion in one.criteria for each in criterion.every_condition]
    direct = {each.metric.removeprefix("kpi.") for each in every if each.metric.startswith("kpi.")}
    return ALWAYS.union(direct, *(named_by(each.parameters) for each in every))


def named_by(parameters: Mapping[str, Any]) -> frozenset[str]:
    """KPIs that the parameters of a metric name, of days and of their grain, which is the shift where they say none."""
    if "kpi" not in parameters:
        return frozenset()
    return frozenset({str(parameters["kpi"]), f"{parameters.get('grain', 'shift')}/{parameters['kpi']}"})


def are_among(kpis: Iterable[str]) -> pl.Expr:
    """Tell which rows of values (grain, kpi) are of these KPIs."""
    named = sorted(_grain_and_name(each) for each in kpis)
    of_grains = (
        (pl.col("grain") == grain) & pl.col("kpi").is_in([name for _, name in group])
        for grain, group in groupby(named, key=lambda each: each[0])
    )
    return pl.any_horizontal(pl.lit(value=False), *of_grains)


def _grain_and_name(kpi: str) -> tuple[str, str]:
    grain, _, name = kpi.rpartition("/")
    return grain or "day", name
