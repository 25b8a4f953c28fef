"""The time plan as layers: production days, shifts, planned stops, tariff periods of every asset, from its calendar."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date, timedelta

import polars as pl

from kpi.compute.layers import attach, cut, steps
from kpi.frames import HOUR_US, WINDOWS
from model.calendar import Calendar, calendar_days, calendar_of, calendar_shifts, calendar_stops
from model.registry import Site
from model.tariff_hours import tariff_spans

MARGIN = timedelta(days=3)
_DAYS = pl.Schema({"c": pl.Int32, "ts": pl.Int64, "production_day": pl.Date})
_SPANS = pl.Schema({"c": pl.Int32, "from_us": pl.Int64, "to_us": pl.Int64, "key": pl.String})
_BOUNDS = pl.Schema({"c": pl.Int32, "lo": pl.Int64, "hi": pl.Int64})


@dataclass(frozen=True)
class Plan:
    """Layers of all assets over the computed days and a margin around them; `a` is the rank of the asset's key."""

    assets: pl.DataFrame  # a, asset
    bounds: pl.DataFrame  # a, lo, hi: first and last border of the computed days
    days: pl.DataFrame  # a, ts, production_day
    shifts: pl.DataFrame  # a, ts, shift, null outside shifts
    stops: pl.DataFrame  # a, ts, planned, null outside planned stops
    tariffs: pl.DataFrame  # a, ts, tariff_period
    windows: pl.DataFrame  # as kpi.frames.WINDOWS

    def rank(self) -> dict[str, int]:
        """Map asset keys to ranks."""
        return dict(zip(self.assets["asset"], self.assets["a"], strict=True))


def look_ahead_us(site: Site) -> int:
    """How far beyond the last day readings are needed: to see how short a stop was, and the demand interval out."""
    return max([HOUR_US, site.demand_interval_us, *(each.micro_stop_limit_us + 1 for each in site.assets)])


def read_range(site: Site, days: tuple[date, ...]) -> tuple[int, int]:
    """Give the range of readings (µs UTC) that the days need, with look-ahead; the last row of each series before it
    and the first after it belong to the inputs too.
    """
    windows = [calendar_days(calendar_of(site, each.key), days[0], _after(days)) for each in site.assets]
    return min(each[0].from_us for each in windows), max(each[-1].to_us for each in windows) + look_ahead_us(site)


def make_plan(site: Site, days: tuple[date, ...], until_us: int | None, only: AbstractSet[str] | None = None) -> Plan:
    """Lay out the calendars of the assets of a site, of `only` some or of all; `until_us` ends the last day early."""
    keys = sorted(each.key for each in site.assets if only is None or each.key in only)
    calendars = [calendar_of(site, key) for key in keys]
    ranks = {calendar: rank for rank, calendar in enumerate(dict.fromkeys(calendars))}
    assets = pl.DataFrame(
        {"asset": keys, "a": range(len(keys)), "c": [ranks[each] for each in calendars]},
        schema_overrides={"a": pl.Int32, "c": pl.Int32},
    )

    def each_asset(frame: pl.DataFrame) -> pl.DataFrame:
        return assets.select("a", "c").join(frame, on="c").drop("c").sort("a", *_time(frame))

    return Plan(
        assets=assets.select("a", "asset"),
        bounds=each_asset(_bounds(ranks, days, until_us)).filter(pl.col("lo") < pl.col("hi")),
        days=each_asset(_day_steps(ranks, days)),
        shifts=steps(each_asset(_shift_spans(ranks, days)), ["key"]).rename({"key": "shift"}),
        stops=steps(each_asset(_stop_spans(ranks, days)), ["key"]).rename({"key": "planned"}),
        tariffs=_tariffs(site, days, assets),
        windows=_windows(ranks, days, assets),
    )


def open_layer(plan: Plan) -> pl.DataFrame:
    """Say when the calendar lets a unit work, and for how long it has so far (a, ts, is_open, opened_us)."""
    reach = plan.days.group_by("a").agg(pl.col("ts").min().alias("lo"), pl.col("ts").max().alias("hi"))
    pieces = attach(attach(cut([plan.shifts, plan.stops], reach), plan.shifts), plan.stops)
    pieces = pieces.with_columns((pl.col("shift").is_not_null() & pl.col("planned").is_null()).alias("is_open"))
    opened = (pl.col("to_us") - pl.col("from_us")) * pl.col("is_open")
    return pieces.select(
        "a", pl.col("from_us").alias("ts"), "is_open", (opened.cum_sum().over("a") - opened).alias("opened_us")
    )


def _time(frame: pl.DataFrame) -> list[str]:
    return [name for name in ("ts", "from_us", "lo") if name in frame.columns]


def _after(days: tuple[date, ...]) -> date:
    return days[-1] + timedelta(days=1)


def _wide(days: tuple[date, ...]) -> tuple[date, date]:
    return days[0] - MARGIN, _after(days) + MARGIN


def _bounds(ranks: dict[Calendar, int], days: tuple[date, ...], until_us: int | None) -> pl.DataFrame:
    rows = []
    for calendar, rank in ranks.items():
        windows = calendar_days(calendar, days[0], _after(days))
        end = windows[-1].to_us
        rows.append((rank, windows[0].from_us, end if until_us is None else min(end, until_us)))
    return pl.DataFrame(rows, _BOUNDS, orient="row")


def _day_steps(ranks: dict[Calendar, int], days: tuple[date, ...]) -> pl.DataFrame:
    rows = [
        (rank, each.from_us, each.day)
        for calendar, rank in ranks.items()
        for each in calendar_days(calendar, *_wide(days))
    ]
    return pl.DataFrame(rows, _DAYS, orient="row")


def _shift_spans(ranks: dict[Calendar, int], days: tuple[date, ...]) -> pl.DataFrame:
    rows = []
    for calendar, rank in ranks.items():
        if calendar.always_scheduled:
            windows = calendar_days(calendar, *_wide(days))
            rows.append((rank, windows[0].from_us, windows[-1].to_us, ""))
        else:
            shifts = calendar_shifts(calendar, *_wide(days))
            rows += [(rank, each.from_us, each.to_us, each.shift) for each in shifts]
    return pl.DataFrame(rows, _SPANS, orient="row")


def _stop_spans(ranks: dict[Calendar, int], days: tuple[date, ...]) -> pl.DataFrame:
    rows = []
    for calendar, rank in ranks.items():
        windows = calendar_days(calendar, *_wide(days))
        stops = calendar_stops(calendar, windows[0].from_us, windows[-1].to_us)
        rows += [(rank, each.from_us, each.to_us, each.key) for each in stops]
    return pl.DataFrame(rows, _SPANS, orient="row")


def _tariffs(site: Site, days: tuple[date, ...], assets: pl.DataFrame) -> pl.DataFrame:
    windows = calendar_days(calendar_of(site, assets["asset"][0]), *_wide(days))
    rows = [
        (0, each.from_us, each.to_us, each.key) for each in tariff_spans(site, windows[0].from_us, windows[-1].to_us)
    ]
    spans = pl.DataFrame(rows, _SPANS, orient="row").rename({"key": "tariff_period", "c": "a"})
    layer = steps(spans, ["tariff_period"]).drop("a")
    return assets.select("a").join(layer, how="cross").sort("a", "ts")


def _windows(ranks: dict[Calendar, int], days: tuple[date, ...], assets: pl.DataFrame) -> pl.DataFrame:
    schema = pl.Schema([("c", pl.Int32), *((name, dtype) for name, dtype in WINDOWS.items() if name != "asset")])
    rows = []
    for calendar, rank in ranks.items():
        rows += [
            (rank, each.day, "", each.from_us, each.to_us) for each in calendar_days(calendar, days[0], _after(days))
        ]
        if not calendar.always_scheduled:
            shifts = calendar_shifts(calendar, days[0], _after(days))
            rows += [(rank, each.day, each.shift, each.from_us, each.to_us) for each in shifts]
    frame = assets.join(pl.DataFrame(rows, schema, orient="row"), on="c")
    return frame.select(WINDOWS.names()).sort("asset", "production_day", "from_us", "shift")
