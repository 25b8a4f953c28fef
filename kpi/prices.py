"""Prices of electricity by the local hour of use: those of the tariff in force, by period. Pure.

In: a registry snapshot and the hours in which energy was used. Out: price per kWh and rate of VAT per hour and period.
"""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import polars as pl

from model.calendar import tariff_on
from model.registry import Site, Tariff

CURRENCY = "VND"
PRICES = pl.Schema({"hour_us": pl.Int64, "tariff_period": pl.String, "price": pl.Float64, "vat_rate": pl.Float64})
PERIODS = ("peak", "normal", "off_peak")


def prices_of_hours(site: Site, hours_us: Iterable[int]) -> pl.DataFrame:
    """List the prices of each UTC hour by its local date; an hour or period without one is not listed."""
    zone = ZoneInfo(site.timezone)
    by_date: dict[date, list[tuple[str, float, float | None]]] = {}
    rows = []
    for hour in sorted(set(hours_us)) if site.tariffs else ():
        local = datetime.fromtimestamp(hour // 1_000_000, UTC).astimezone(zone).date()
        if local not in by_date:
            by_date[local] = _prices(tariff_on(site.tariffs, local))
        rows += [(hour, *each) for each in by_date[local]]
    return pl.DataFrame(rows, schema=PRICES, orient="row")


def tariff_keys(site: Site) -> pl.Expr:
    """Name the tariffs in force between the columns production_day and last_day; null without any."""
    first, last = pl.col("production_day"), pl.col("last_day")
    names = []
    for each in sorted(site.tariffs, key=lambda tariff: (tariff.valid_from, tariff.key)):
        following = [other.valid_from for other in site.tariffs if other.valid_from > each.valid_from]
        end = min([text for text in (each.valid_to, *following) if text is not None], default=None)
        held = last >= date.fromisoformat(each.valid_from)
        held = held if end is None else held & (first < date.fromisoformat(end))
        names.append(pl.when(held).then(pl.lit(f"{each.key}@{each.valid_from}")))
    if not names:
        return pl.lit(None, pl.String)
    text = pl.concat_str(names, separator=" ", ignore_nulls=True)
    return pl.when(text != "").then(text)


def subscribed_kw(site: Site) -> pl.Expr:
    """Subscribed power of the tariff in force at the last day of a window, of the site's own scope only."""
    found = pl.lit(None, pl.Float64)
    for each in sorted(site.tariffs, key=lambda tariff: (tariff.valid_from, tariff.key)):
        held = pl.col("last_day") >= date.fromisoformat(each.valid_from)
        if each.valid_to is not None:
            held &= pl.col("last_day") < date.fromisoformat(each.valid_to)
        found = pl.when(held).then(pl.lit(each.subscribed_kw, pl.Float64)).otherwise(found)
    return pl.when(pl.col("scope") == "").then(found)


def _prices(tariff: Tariff | None) -> list[tuple[str, float, float | None]]:
    if tariff is None or tariff.currency != CURRENCY:
        return []
    return [(period, price, tariff.vat_rate) for period, price in sorted(tariff.prices.items())]
