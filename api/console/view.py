"""What the home page shows: reads the caller's store rows and turns them into a `Home`, numbers still numbers."""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from api.console.states import UnitState, unit_states
from api.routes.ledger import total
from api.routes.rejected import excerpt
from api.schemas import LedgerTotal
from store import serving
from store.serving import IntervalFilter, IntervalKey, LedgerFilter, RejectedFilter, Row, Scope, Window

OEE_KPIS = ("oee", "oee_availability", "effectiveness", "quality_ratio")  # the last three multiply to the first
ENERGY_KPIS = ("energy", "co2e_location", "demand_peak", "specific_energy")
REASONS = ("no_data", "no_factor", "no_tariff", "no_ideal_cycle")
OF_SEVERAL_UNITS = "units_without_counts"  # says nothing about one machine: on an open day it only has not counted yet
REJECTED_SHOWN = 20
STOPS_SHOWN = 20
CORRECTABLE = ("setup", "delay", "down_no_order", "planned_down", "unknown")
STATE_DAYS = timedelta(days=3)
MAX_INTERVALS = 10_000
CLASSES = ("production", "setup", "delay", "down_no_order", "planned_down", "not_scheduled", "unknown")


@dataclass(frozen=True)
class Day:
    """Which production day is shown, and why."""

    shown: date | None
    asked: date | None
    first: date | None
    newest: date | None
    today: date
    is_current: bool = False

    @property
    def was_chosen(self) -> bool:
        return self.asked is not None


@dataclass(frozen=True)
class OeeRow:
    """OEE and its factors of one scope; a KPI that was not computed is missing."""

    asset: str
    name: str
    values: dict[str, Row]


@dataclass(frozen=True)
class ClassTimes:
    """Seconds per time class of one unit on the day."""

    asset: str
    name: str
    seconds: dict[str, float]


@dataclass(frozen=True)
class Home:
    """Everything on the page."""

    site: Row
    sites: list[Row]
    zone: ZoneInfo
    now: datetime
    day: Day
    states: list[UnitState]
    oee_level: str
    oee: list[OeeRow]
    unit_oee: list[OeeRow]
    energy: dict[str, Row]
    factor_set: Row | None
    rejected: list[Row]
    ledger: LedgerTotal
    ledger_until: datetime | None
    may_settle: bool = False  # may try rejected messages again and put them aside, and correct stops
    class_times: list[ClassTimes] = field(default_factory=list)
    stops: list[Row] = field(default_factory=list)
    stop_reasons: list[Row] = field(default_factory=list)


def read_home(scope: Scope, sites: list[Row], site: Row, asked: date | None, *, with_payload: bool) -> Home:
    """Read one site's home page for a production day (null = the newest with data)."""
    now = datetime.now(UTC)
    zone = ZoneInfo(site["timezone"])
    number = site["site_id"]
    assets = serving.assets(scope, number)
    day = _day(scope, number, asked, now.astimezone(zone).date())
    values = serving.day_values(scope, number, day.shown, (*OEE_KPIS, *ENERGY_KPIS)) if day.shown else []
    values = without_idle_flags(assets, values)
    level, oee = _oee_rows(assets, values)
    energy = {row["kpi"]: row for row in values if row["asset"] == "" and row["kpi"] in ENERGY_KPIS}
    ledger, until = _ledger(scope, number)
    intervals = day_intervals(scope, assets, day.shown)
    return Home(
        site=site,
        sites=sites,
        zone=zone,
        now=now,
        day=_current(day, values, now),
        states=_states(scope, number, assets, day, now),
        oee_level=level,
        oee=oee,
        unit_oee=_rows_of("unit", assets, values) if level != "unit" else [],
        energy=energy,
        factor_set=_factor_set(scope, site, energy),
        rejected=_rejected(scope, number, with_payload=with_payload),
        ledger=ledger,
        ledger_until=until,
        may_settle=with_payload,
        class_times=class_times(assets, intervals),
        stops=longest_stops(assets, intervals),
        stop_reasons=serving.reasons(scope, number),
    )


def longest_stops(assets: list[Row], intervals: list[Row]) -> list[Row]:
    """The longest stretches that a correction can change, with the names of their units."""
    names = {asset["key"]: asset["name"] for asset in assets}
    stops = [row for row in intervals if row["time_class"] in CORRECTABLE and row["origin"] != "calendar"]
    longest = sorted(stops, key=lambda row: (-row["duration_s"], row["from_ts"], row["asset"]))[:STOPS_SHOWN]
    return [{**row, "name": names[row["asset"]]} for row in longest]


def without_idle_flags(assets: list[Row], values: list[Row]) -> list[Row]:
    """The values without the flag that only a scope of several units can have a use for."""
    units = {asset["key"] for asset in assets if asset["level"] == "unit"}
    return [
        {**row, "flags": [flag for flag in row["flags"] if flag != OF_SEVERAL_UNITS]} if row["asset"] in units else row
        for row in values
    ]


def why_missing(row: Row | None) -> str:
    """Why there is no value, as a status; an open day's value has its reason among the flags."""
    if row is None:
        return "missing"
    if row["status"] in REASONS:
        return str(row["status"])
    named = [flag for flag in row["flags"] if flag in REASONS]
    return named[0] if named else "no_data" if row["denominator"] is None else "no_denominator"


def day_intervals(scope: Scope, assets: list[Row], day: date | None) -> list[Row]:
    """The intervals of all units on a production day."""
    units = [asset["asset_id"] for asset in assets if asset["level"] == "unit"]
    if day is None or not units:
        return []
    window = Window(from_day=day, to_day=day + timedelta(days=1))
    return serving.intervals(scope, IntervalFilter(units, window), MAX_INTERVALS, IntervalKey())


def class_times(assets: list[Row], intervals: list[Row]) -> list[ClassTimes]:
    """Add up the seconds per class of each unit."""
    sums: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for row in intervals:
        sums[row["asset"]][row["time_class"]] += row["duration_s"]
    names = {asset["key"]: asset["name"] for asset in assets}
    return [ClassTimes(key, names[key], dict(sums[key])) for key in names if key in sums]


def _day(scope: Scope, site_id: int, asked: date | None, today: date) -> Day:
    known = serving.known_days(scope, site_id, today)
    # Data dated ahead of today (a wrong clock, a plan) must not hide what is real; they can still be asked for.
    newest = known["newest_not_after"] or known["newest_day"]
    return Day(shown=asked or newest, asked=asked, first=known["first_day"], newest=newest, today=today)


def _current(day: Day, values: list[Row], now: datetime) -> Day:
    is_current = any(row["window_start"] <= now < row["window_end"] for row in values)
    return Day(day.shown, day.asked, day.first, day.newest, day.today, is_current or day.shown == day.today)


def _states(scope: Scope, site_id: int, assets: list[Row], day: Day, now: datetime) -> list[UnitState]:
    newest = day.newest or day.today
    intervals = serving.newest_intervals(scope, site_id, newest - timedelta(days=2))
    readings = _readings(scope, site_id, newest, now)
    return unit_states(assets, readings, intervals, serving.state_rules(scope, site_id), now)


def _readings(scope: Scope, site_id: int, newest: date, now: datetime) -> list[Row]:
    """The newest states of the last days, or where there are none, of the days before the newest one with values."""
    live = serving.newest_states(scope, site_id, now - STATE_DAYS, now + timedelta(minutes=10))
    if live:
        return live
    end = min(datetime.combine(newest, time(), UTC) + timedelta(days=2), now)
    return serving.newest_states(scope, site_id, end - STATE_DAYS - timedelta(days=1), end)


def _oee_rows(assets: list[Row], values: list[Row]) -> tuple[str, list[OeeRow]]:
    """The scopes whose OEE is shown: lines, or where none has any, units, areas, the site."""
    levels = ("line", "unit", "area", "site")
    found = {level: _rows_of(level, assets, values) for level in levels}
    for level in levels:
        if any(row.values["oee"]["value"] is not None for row in found[level]):
            return level, found[level]
    return next(((level, found[level]) for level in levels if found[level]), ("line", []))


def _rows_of(level: str, assets: list[Row], values: list[Row]) -> list[OeeRow]:
    by_asset: dict[str, dict[str, Row]] = defaultdict(dict)
    for row in values:
        if row["kpi"] in OEE_KPIS:
            by_asset[row["asset"]][row["kpi"]] = row
    wanted = [asset for asset in assets if asset["level"] == level and "oee" in by_asset[asset["key"]]]
    return [OeeRow(asset["key"], asset["name"], by_asset[asset["key"]]) for asset in wanted]


def _factor_set(scope: Scope, site: Row, energy: dict[str, Row]) -> Row | None:
    """The set that the value names, else the one that the site has chosen."""
    carbon: Row = energy.get("co2e_location", {})
    named = carbon.get("factor_set") or site["factor_set"]
    if named is None:
        return None
    known = serving.factor_sets(scope, site["site_id"])
    # A value may name the version too (key@2 or key/2); the name is looked up by the key.
    key = named.replace("@", "/").split("/")[0]
    return {"named": named, **known.get(key, {"name": named, "source": ""})}


def _rejected(scope: Scope, site_id: int, *, with_payload: bool) -> list[Row]:
    wanted = RejectedFilter(site_id=site_id, with_unknown=True, with_payload=with_payload)
    rows = serving.rejected(scope, wanted, REJECTED_SHOWN, None)
    return [{**row, "excerpt": excerpt(row)} for row in rows]


def _ledger(scope: Scope, site_id: int) -> tuple[LedgerTotal, datetime | None]:
    """The accounts of the 24 hours that end with the newest counted one."""
    whole = serving.ledger_total(scope, LedgerFilter(site_id))
    newest: Any = whole["newest_hour"]
    if newest is None:
        return total(whole), None
    until = newest + timedelta(hours=1)
    window = Window(from_ts=until - timedelta(hours=24), to_ts=until)
    return total(serving.ledger_total(scope, LedgerFilter(site_id, window))), until
