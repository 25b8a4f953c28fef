"""A site file as rows for the registry's tables: plain dicts that PostgreSQL reads as JSON. Pure."""

from collections.abc import Iterator
from datetime import date, datetime, time
from typing import Any

from msgspec import to_builtins

from model.registry import TariffPeriod
from model.vocabulary import QUANTITIES
from store.holiday_dates import NO_HOLIDAYS, dates_of
from store.shipped_tariffs import listed_periods, listed_prices, vat_eras
from store.site_file import SiteFile
from store.site_parts.assets import SpecLimitPart
from store.site_parts.calendar import CalendarPart, weekday_number
from store.site_parts.energy import TariffPart

Row = dict[str, Any]


def site_row(file: SiteFile) -> Row:
    """The row of the site itself."""
    head = file.site
    return {
        **head.model_dump(include={"key", "name", "timezone", "country", "grid_zone", "factor_set"}),
        **head.model_dump(include={"gwp_set", "fuel_set"}),
        "day_start_local": plain(head.day_start),
        "demand_interval_us": _us(head.demand_interval_s),
        "lateness_us": _us(head.lateness_s),
        "confidence_gate": head.confidence_gate,
    }


def asset_rows(file: SiteFile) -> list[list[Row]]:
    """The site's own asset, then the declared ones level by level, so that parents come first."""
    own = {"key": "", "parent": None, "level": "site", "kind": "", "name": file.site.name}
    levels: dict[int, list[Row]] = {0: [own]}
    for asset in file.assets:
        parent, _, last = asset.key.rpartition("/")
        row = {**asset.model_dump(include={"key", "level", "kind"}), "parent": parent, "name": asset.name or last}
        levels.setdefault(asset.key.count("/") + 1, []).append(row)
    return [levels[depth] for depth in sorted(levels)]


def setting_rows(file: SiteFile) -> list[Row]:
    """How each asset is judged, from an instant on."""
    return [
        {
            **asset.model_dump(include={"key", "critical", "assume_order", "state_model", "roll_up"}),
            "micro_stop_limit_us": _us(asset.micro_stop_limit_s),
            "max_silence_us": _us(asset.max_silence_s),
            "constraint_key": asset.constraint,
            "last_key": asset.last,
            "valid_from": plain(asset.valid_from),
        }
        for asset in file.assets
    ]


def series_rows(file: SiteFile) -> list[Row]:
    """Declared series; unit and kind come from the listed quantity where the file is silent."""
    return [
        {
            "asset": asset.key,
            **series.model_dump(include={"name", "quantity", "qualifier", "counter_rule", "counter_modulus"}),
            **series.model_dump(include={"max_rate_per_s", "interval_label", "status", "valid_low", "valid_high"}),
            "flat_limit_us": _us(series.flat_limit_s),
            "unit": QUANTITIES[series.quantity].unit if series.unit is None else series.unit,
            "kind": series.kind or QUANTITIES[series.quantity].kind,
            "expected_period_us": _us(series.expected_period_s),
            "max_gap_us": _us(series.max_gap_s),
            "interval_us": _us(series.interval_s),
        }
        for asset in file.assets
        for series in asset.series
    ]


def reason_rows(file: SiteFile) -> list[list[Row]]:
    """The reason tree level by level, parents first; an orphan or a ring is left out."""
    left = [part.model_dump() for part in file.reasons]
    known: set[str | None] = {None}
    levels: list[list[Row]] = []
    while level := [row for row in left if row["parent"] in known]:
        levels.append(level)
        known |= {row["key"] for row in level}
        left = [row for row in left if row["key"] not in known]
    return levels


def routing_rows(file: SiteFile) -> list[Row]:
    """Planned run times."""
    return [
        {
            **part.model_dump(include={"asset", "product", "tool", "pieces_per_cycle", "source"}),
            "ideal_cycle_us": _us(part.ideal_cycle_s),
            "valid_from": plain(part.valid_from),
            "valid_to": plain(part.valid_to),
        }
        for part in file.routings
    ]


def spec_limit_rows(file: SiteFile) -> list[Row]:
    """Specification limits of characteristics, and those that series have themselves."""
    own = [
        SpecLimitPart(
            asset=asset.key,
            series=series.name,
            lower=series.spec_low,
            upper=series.spec_high,
            subgroup_size=series.subgroup_size,
            unit=QUANTITIES[series.quantity].unit if series.unit is None else series.unit,
        )
        for asset in file.assets
        for series in asset.series
        if series.spec_low is not None or series.spec_high is not None
    ]
    return [
        {
            **part.model_dump(include={"product", "unit", "asset", "series", "subgroup_size"}),
            "characteristic": part.characteristic or part.series,
            "lower_limit": part.lower,
            "upper_limit": part.upper,
            "valid_from": plain(part.valid_from),
            "valid_to": plain(part.valid_to),
        }
        for part in (*own, *file.spec_limits)
    ]


def shift_rows(file: SiteFile) -> list[Row]:
    """One row per shift and day of its cycle."""
    return [row for calendar in file.calendars for row in _shifts_of(calendar)]


def exception_rows(file: SiteFile) -> list[Row]:
    """Closed and extra shifts by date."""
    return [
        {
            "asset": calendar.asset,
            **part.model_dump(include={"kind", "shift", "note"}),
            "local_date": plain(part.date),
            "start_local": plain(part.start),
            "end_local": plain(part.end),
        }
        for calendar in file.calendars
        for part in calendar.exceptions
    ]


def holiday_rows(file: SiteFile) -> list[Row]:
    """Holidays as dates: those listed, or those of a country; a site in Vietnam has Vietnam's unless told otherwise."""
    told, country = file.site.holidays, file.site.country
    if told is None:
        told = country if country == "VN" else NO_HOLIDAYS
    days = dates_of(told) if isinstance(told, str) else dict.fromkeys(told, "")
    return [{"local_date": plain(day), "name": name} for day, name in sorted(days.items())]


def planned_stop_rows(file: SiteFile) -> list[Row]:
    """Planned stops, once or in every shift."""
    return [
        {
            "asset": calendar.asset,
            **part.model_dump(include={"key", "reason", "shift"}),
            "from_ts": plain(part.from_),
            "to_ts": plain(part.to),
            "start_local": plain(part.start),
            "end_local": plain(part.end),
            "valid_from": plain(part.valid_from),
            "valid_to": plain(part.valid_to),
        }
        for calendar in file.calendars
        for part in calendar.planned_stops
    ]


def job_rows(file: SiteFile) -> list[Row]:
    """Orders in work."""
    return [
        {
            **part.model_dump(include={"asset", "key", "product", "planned_quantity"}),
            "from_ts": plain(part.from_),
            "to_ts": plain(part.to),
        }
        for part in file.jobs
    ]


def contract_rows(file: SiteFile) -> list[Row]:
    """Contracts and certificates of bought electricity."""
    return [part.model_dump(mode="json") for part in file.energy_contracts]


def tariff_rows(file: SiteFile) -> list[Row]:
    """Dated time-of-use schedules with their prices, shipped ones written out; one row per rate of VAT."""
    return [row for part in file.tariffs for row in _tariff(part)]


def relation_rows(file: SiteFile) -> list[Row]:
    """What measures what."""
    return [
        {
            "from_asset": part.from_,
            "to_asset": part.to,
            **part.model_dump(include={"kind", "share"}),
            "valid_from": plain(part.valid_from),
            "valid_to": plain(part.valid_to),
        }
        for part in file.relations
    ]


def _tariff(part: TariffPart) -> Iterator[Row]:
    listed = listed_prices(part)
    own = [
        TariffPeriod(
            period=each.period,
            weekdays=tuple(weekday_number(day) for day in each.days),
            start=each.start.isoformat(),
            end=each.end.isoformat(),
        )
        for each in part.periods
    ]
    for era in vat_eras(part, part.vat_rate):
        yield {
            **part.model_dump(include={"key", "voltage_kv", "subscribed_kw", "demand_price"}),
            "currency": listed.currency if listed else part.currency,
            "source": part.source or (listed.source if listed else ""),
            "origin": part.origin or (listed.origin if listed else None),
            "prices": listed.of_period if listed else part.prices,
            "periods": to_builtins(own or listed_periods(part)),
            "vat_rate": era["vat_rate"],
            "valid_from": plain(era["valid_from"]),
            "valid_to": plain(era["valid_to"]),
        }


def plain(value: date | datetime | time | None) -> str | None:
    """ISO text of a date or time."""
    return None if value is None else value.isoformat()


def _us(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1_000_000)


def _shifts_of(calendar: CalendarPart) -> Iterator[Row]:
    for shift in calendar.shifts:
        days = [weekday_number(day) for day in shift.days] if shift.days is not None else [shift.cycle_day]
        for day in days:
            yield {
                "asset": calendar.asset,
                "shift": shift.shift,
                "anchor_date": plain(calendar.anchor_date),
                "cycle_days": calendar.cycle_days,
                "cycle_day": day,
                "start_local": plain(shift.start),
                "end_local": plain(shift.end),
                "valid_from": plain(calendar.valid_from),
                "valid_to": plain(calendar.valid_to),
            }
