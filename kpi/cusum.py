"""Running sum of actual minus expected energy from the stored daily values of `energy_performance`."""

from datetime import date
from typing import Any

from kpi.energy_performance import running_sum
from model.vocabulary import Grain
from store import serving
from store.pool import Connection


def points(
    connection: Connection, site_id: int, asset_id: int, first: date | None = None, last: date | None = None
) -> list[dict[str, Any]]:
    """Give each day with a baseline: expected and actual kWh, their difference, the sum up to the day, its flags."""
    until = None if last is None else date.fromordinal(last.toordinal() + 1)
    window = serving.Window(from_day=first, to_day=until)
    wanted = serving.ValueFilter([asset_id], "energy_performance", Grain.DAY, window)
    rows = serving.kpi_values(serving.Scope(connection, [site_id]), wanted, None, serving.ValueKey())
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
