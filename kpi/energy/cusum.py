"""Running sum of actual minus expected energy from the stored values of `energy_performance`: of days, or of weeks
where the baseline is of weeks.
"""

from typing import Any

from kpi.energy.performance import running_sum
from model.vocabulary import Grain
from store.serving import Scope, ValueFilter, ValueKey, Window, kpi_values


def points(scope: Scope, asset_id: int, window: Window) -> list[dict[str, Any]]:
    """Give each day (or week, by its Monday) with a baseline: expected and actual kWh, their difference, the sum up to
    it, its flags.
    """
    of_grain = (
        kpi_values(scope, ValueFilter([asset_id], "energy_performance", grain, window), None, ValueKey())
        for grain in (Grain.DAY, Grain.WEEK)
    )
    rows = next(filter(None, of_grain), [])
    held = [row for row in rows if row["numerator"] is not None and row["denominator"] is not None]
    differences = [row["numerator"] - row["denominator"] for row in held]
    return [
        {
            "production_day": row["production_day"],
            "expected": row["denominator"],
            "actual": row["numerator"],
            "difference": difference,
            "cusum": so_far,
            "status": row["status"],
            "flags": row["flags"],
        }
        for row, difference, so_far in zip(held, differences, running_sum(differences), strict=True)
    ]
