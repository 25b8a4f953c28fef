"""Worked examples of shifts, production days and tariff periods, put through the calendars of the product."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

from kpi.worked.result import Answers, Inputs, UnsupportedError
from model.calendar import clock_s, instant_us, production_day_of
from model.registry import Asset, ShiftRule, Site, Tariff
from model.tariff_hours import tariff_spans
from model.tariffs import UnknownTariffError, schedule

US_PER_HOUR = 3_600_000_000
_DAY_S = 86_400
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - wall time of no zone
_PERIODS = ("peak", "normal", "off_peak")
_HOME = "Asia/Ho_Chi_Minh"
# Shipped schedules by the number of the decision with which they are billed.
_DECISIONS = {"1279": "1279-legacy-hours", "legacy": "1279-legacy-hours", "963": "963-hours"}


def instant(text: str, zone: str) -> int:
    """Give the instant (µs UTC) of a time with an offset, or of a wall time in the zone; 24:00 ends the day."""
    day, _, clock = text.strip().replace(" ", "T", 1).partition("T")
    plain = not clock or clock.replace(":", "").isdigit()
    if plain:  # through the product's calendar: it knows what a clock change makes of a wall time
        return instant_us(zone, date.fromisoformat(day), clock_s(clock or "00:00"))
    read = datetime.fromisoformat(text)
    if read.tzinfo is not None:
        return round(read.timestamp() * 1e6)
    whole = instant_us(zone, read.date(), read.hour * 3600 + read.minute * 60 + read.second)
    return whole + read.microsecond


def no_shift(given: Inputs) -> Answers:
    """Which intervals touch no shift at all."""
    worked, spans = (
        [(instant(start, "UTC"), instant(end, "UTC")) for start, end in given[name]] for name in ("shifts", "intervals")
    )
    return {"no_shift": [all(end <= begin or start >= close for begin, close in worked) for start, end in spans]}


def shift_zone(given: Inputs) -> Answers:
    """Length of shifts from local wall times."""
    return {
        "hours": [
            (instant(case["end"], case["zone"]) - instant(case["start"], case["zone"])) / US_PER_HOUR
            for case in given["cases"]
        ]
    }


def production_day(given: Inputs) -> Answers:
    """Production day of instants: the local date on which the shift began."""
    start = clock_s(given["shift_start"])
    end = (start + round(given["shift_hours"] * 3600)) % _DAY_S
    rules = tuple(ShiftRule(shift="S", cycle_day=day, start=_clock(start), end=_clock(end)) for day in range(7))
    assets = (Asset(key="", level="site"), Asset(key="m", level="unit", parent=""))
    site = Site(key="example", timezone=given["zone"], assets=assets, shifts=rules)
    found = [production_day_of(site, "m", instant(text, given["zone"])) for text in given["instants"]]
    return {"production_day": [day.isoformat() for day in found]}


def tou_period(given: Inputs) -> Answers:
    """Period of local times."""
    site = _billed(given.get("zone", _HOME), given["schedule"])
    return {"periods": [_period(site, instant(text, site.timezone)) for text in given["local_times"]]}


def tou_hours(given: Inputs) -> Answers:
    """Hours of each period in a week."""
    site = _billed(given.get("zone", _HOME), given["schedule"])
    first = date.fromisoformat(given["week_start"][:10])
    begin, end = (instant_us(site.timezone, day, 0) for day in (first, first + timedelta(days=7)))
    hours = dict.fromkeys(_PERIODS, 0.0)
    for span in tariff_spans(site, begin, end):
        hours[span.key] += (min(span.to_us, end) - max(span.from_us, begin)) / US_PER_HOUR
    return {"hours": hours}


def _billed(zone: str, named: str) -> Site:
    key = next((shipped for number, shipped in _DECISIONS.items() if number in named), named)
    try:
        periods = schedule(key)
    except UnknownTariffError as error:
        raise UnsupportedError(str(error)) from error
    tariff = Tariff(key=key, valid_from="1970-01-01", periods=periods)
    return Site(key="example", timezone=zone, assets=(Asset(key="", level="site"),), tariffs=(tariff,))


def _period(site: Site, at: int) -> str | None:
    spans = tariff_spans(site, at, at + 1)
    return spans[0].key if spans else None


def _clock(second: int) -> str:
    return f"{_EPOCH + timedelta(seconds=second):%H:%M:%S}"


ADAPTORS: dict[str, Callable[[Inputs], dict[str, Any]]] = {
    "no_shift": no_shift,
    "shift_zone": shift_zone,
    "production_day": production_day,
    "tou_period": tou_period,
    "tou_hours": tou_hours,
}
