"""What contracts and certificates cover of bought electricity (GHG Protocol Scope 2 Guidance, market-based). Pure.

A contract of a share covers it of every kWh. One of an amount is matched against what the site uses in a calendar
month: its amount lies evenly over the days of its period, and covers at most what is left of the month.
"""

from collections.abc import Iterable
from datetime import date, datetime
from zoneinfo import ZoneInfo

import polars as pl

from model.registry import EnergyContract, Site
from model.vocabulary import Grain

# Table 7.1 of the guidance, as far as it asks the same of every instrument.
CRITERIA = frozenset({"conveys_emission_rate", "claimed_once", "tracked_and_retired", "vintage", "same_market"})
_MEASURES = ("contract_kwh", "contract_kg")


def is_qualified(contract: EnergyContract) -> bool:
    """Whether a contract meets every quality criterion; else it is not used."""
    return set(contract.criteria) >= CRITERIA


def shares_on(contracts: Iterable[EnergyContract], local_date: date) -> tuple[float, float]:
    """Give the share that contracts cover on a date, and their kg CO2e per kWh of all that is used."""
    day = local_date.isoformat()
    held = [
        (each.share, each.kg_per_kwh)
        for each in contracts
        if each.share is not None and is_qualified(each) and each.valid_from <= day < (each.valid_to or "9999")
    ]
    return sum(share for share, _ in held), sum(share * kg for share, kg in held)


def with_contracts(rows: pl.DataFrame, site: Site) -> pl.DataFrame:
    """Put what contracts of an amount cover in each month (kWh, kg CO2e) beside the wide rows of the whole site."""
    months = rows.filter((pl.col("grain") == Grain.MONTH.value) & (pl.col("scope") == ""))
    windows = months.select("window_start", "window_end").unique()
    amounts = [amounts_within(site, start, end) for start, end in windows.iter_rows()]
    held = windows.with_columns(
        pl.lit(Grain.MONTH.value).alias("grain"),
        pl.lit("").alias("scope"),
        *(pl.Series(name, [each[at] for each in amounts], pl.Float64) for at, name in enumerate(_MEASURES)),
    )
    unused = any(not is_qualified(each) for each in site.energy_contracts)
    keys = ["scope", "grain", "window_start", "window_end"]
    return rows.join(held, on=keys, how="left", maintain_order="left").with_columns(
        *(pl.col(name).fill_null(0.0) for name in _MEASURES), pl.lit(unused).alias("contract_not_qualified")
    )


def amounts_within(site: Site, from_us: int, to_us: int) -> tuple[float, float]:
    """Give the kWh of qualified contracts of an amount that lie in a window, and their kg CO2e."""
    zone, kwh, kg = ZoneInfo(site.timezone), 0.0, 0.0
    for each in site.energy_contracts:
        if each.amount_kwh is None or each.valid_to is None or not is_qualified(each):
            continue
        start, end = _us(each.valid_from, zone), _us(each.valid_to, zone)
        part = each.amount_kwh * (max(0, min(end, to_us) - max(start, from_us)) / (end - start))
        kwh, kg = kwh + part, kg + part * each.kg_per_kwh
    return kwh, kg


def uncovered_kwh() -> pl.Expr:
    """Give what no contract of a share covers."""
    return pl.max_horizontal(pl.col("energy_kwh") - pl.col("shared_kwh"), pl.lit(0.0))


def covered_kwh() -> pl.Expr:
    """Give what contracts of either kind cover."""
    return pl.col("shared_kwh") + pl.min_horizontal(uncovered_kwh(), pl.col("contract_kwh"))


def market_kg() -> pl.Expr:
    """Give the market-based emissions of a month: contracts at their factors, the rest at the residual mix."""
    rest, held = uncovered_kwh(), pl.col("contract_kwh")
    covered = pl.min_horizontal(rest, held)
    by_contract = pl.when(held > 0).then(pl.col("contract_kg") * (covered / held)).otherwise(0.0)
    by_rest = pl.when(rest > 0).then(pl.col("rest_kg") * ((rest - covered) / rest)).otherwise(0.0)
    return pl.col("shared_kg") + by_contract + by_rest


def _us(day: str, zone: ZoneInfo) -> int:
    return round(datetime.fromisoformat(day).replace(tzinfo=zone).timestamp()) * 1_000_000
