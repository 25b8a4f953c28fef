"""Prices of electricity by the local hour of use: those of the tariff in force, by period. Pure.

In: a registry snapshot and the hours in which energy was used. Out: price per kWh and rate of VAT per hour and period.
"""

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import polars as pl

from model.registry import Site, Tariff
from model.tariff_hours import tariff_on

CURRENCY = "VND"
PRICES = pl.Schema({"hour_us": pl.Int64, "tariff_period": pl.String, "price": pl.Float64, "vat_rate": pl.Float64})
PERIODS = ("peak", "normal", "off_peak")
_FAR = 2**62  # µs


def prices_of_hours(site: Site, hours_us: Iterable[int]) -> pl.DataFrame:
    """List the prices of each hour by its local date; an hour or period without one is not listed."""
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
    """Name the tariffs in force between the columns window_start and window_end (µs UTC); null without any."""
    names = []
    for (key, since), eras in _in_force(site):
        held = (pl.col("window_end") > begin for begin, _ in eras)
        held = (test & (pl.col("window_start") < end) for test, (_, end) in zip(held, eras, strict=True))
        names.append(pl.when(pl.any_horizontal(held)).then(pl.lit(f"{key}@{since}")))
    if not names:
        return pl.lit(None, pl.String)
    text = pl.concat_str(names, separator=" ", ignore_nulls=True)
    return pl.when(text != "").then(text)


def supply(site: Site) -> list[pl.Expr]:
    """Terms of the tariff in force at the last day of a window, of the site's own scope only: the columns
    subscribed_kw, demand_price (per kW and month) and demand_vat_rate.
    """
    terms: dict[str, Callable[[Tariff], float | None]] = {
        "subscribed_kw": lambda each: each.subscribed_kw,
        "demand_price": lambda each: each.demand_price if each.currency == CURRENCY else None,
        "demand_vat_rate": lambda each: each.vat_rate,
    }
    return [_of_last_day(site, term).alias(name) for name, term in terms.items()]


def _of_last_day(site: Site, term: Callable[[Tariff], float | None]) -> pl.Expr:
    found = pl.lit(None, pl.Float64)
    for each in sorted(site.tariffs, key=lambda tariff: (tariff.valid_from, tariff.key)):
        held = pl.col("last_day") >= date.fromisoformat(each.valid_from)
        if each.valid_to is not None:
            held &= pl.col("last_day") < date.fromisoformat(each.valid_to)
        found = pl.when(held).then(pl.lit(term(each), pl.Float64)).otherwise(found)
    return pl.when(pl.col("scope") == "").then(found)


def _in_force(site: Site) -> list[tuple[tuple[str, str], list[tuple[int, int]]]]:
    """List tariffs (key, valid_from) that were ever in force, with their stretches [from, to) in µs UTC, in order."""
    dates = {day for each in site.tariffs for day in (each.valid_from, each.valid_to) if day is not None}
    borders = [date.fromisoformat(day) for day in sorted(dates)]
    zone, found = ZoneInfo(site.timezone), dict[tuple[str, str], list[tuple[int, int]]]()
    for day, following in zip(borders, [*borders[1:], None], strict=False):
        each = tariff_on(site.tariffs, day)
        if each is not None:
            end = _FAR if following is None else _midnight_us(following, zone)
            found.setdefault((each.key, each.valid_from), []).append((_midnight_us(day, zone), end))
    return list(found.items())


def _midnight_us(day: date, zone: ZoneInfo) -> int:
    return round(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()) * 1_000_000


def _prices(tariff: Tariff | None) -> list[tuple[str, float, float | None]]:
    if tariff is None or tariff.currency != CURRENCY:
        return []
    return [(period, price, tariff.vat_rate) for period, price in sorted(tariff.prices.items())]
