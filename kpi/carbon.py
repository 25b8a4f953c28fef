"""Location-based emissions of electricity: the factor valid at the local date of use, never one of another zone.

In: a registry snapshot and the hours in which energy was used. Out: the factor of each hour, and whether it is of an
earlier year because none is published yet.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import polars as pl

from model.registry import EmissionFactor, Site

FACTORS = pl.Schema({"hour_us": pl.Int64, "kg_per_kwh": pl.Float64, "lags": pl.Boolean})


@dataclass(frozen=True)
class FactorInForce:
    """A factor in kg CO2e per kWh; `lags` when it is the newest one published, for a later date."""

    kg_per_kwh: float
    lags: bool


def factor_on(factors: Iterable[EmissionFactor], zone: str | None, local_date: date) -> FactorInForce | None:
    """Choose the factor of a zone for a local date of consumption, None where there is none.

    A date after the newest factor takes that one, lagging; a date before the first or inside a hole has none.
    """
    day = local_date.isoformat()
    of_zone = sorted((item for item in factors if item.zone == zone), key=lambda item: item.valid_from)
    for item in of_zone:
        if item.valid_from <= day < item.valid_to:
            return FactorInForce(item.kg_per_kwh, lags=False)
    if of_zone and day >= max(item.valid_to for item in of_zone):
        newest = max(of_zone, key=lambda item: item.valid_to)
        return FactorInForce(newest.kg_per_kwh, lags=True)
    return None


def factors_of_hours(site: Site, hours_us: Iterable[int]) -> pl.DataFrame:
    """Look up the factor of each UTC hour by its local date; a null factor means that the zone has none."""
    zone = ZoneInfo(site.timezone)
    by_date: dict[date, FactorInForce | None] = {}
    rows = []
    for hour in sorted(set(hours_us)):
        local = datetime.fromtimestamp(hour // 1_000_000, UTC).astimezone(zone).date()
        if local not in by_date:
            by_date[local] = factor_on(site.emission_factors, site.grid_zone, local)
        found = by_date[local]
        rows.append((hour, found.kg_per_kwh if found else None, bool(found and found.lags)))
    return pl.DataFrame(rows, schema=FACTORS, orient="row")


def location_based_kg(kwh: float, factor: FactorInForce | None) -> float | None:
    """Emissions in kg CO2e of an amount of electricity, None without a factor."""
    return None if factor is None else kwh * factor.kg_per_kwh
