"""Running sum of actual minus expected energy from the stored daily values of `energy_performance`."""

from typing import Any

from kpi.energy_performance import running_sum
from model.vocabulary import Grain
from store.serving import Scope, ValueFilter, ValueKey, Window, kpi_values


def points(scope: Scope, asset_id: int, window: Window) -> list[dict[str, Any]]:
    """Give each day with a baseline: expected and actual kWh, their difference, the sum up to the day, its flags."""
    wanted = ValueFilter([asset_id], "energy_performance", Grain.DAY, window)
    rows = kpi_values(scope, wanted, None, ValueKey())
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
