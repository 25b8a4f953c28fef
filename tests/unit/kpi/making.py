"""Hand-made sites, atoms and windows for the tests of the roll-up."""

from datetime import date, timedelta
from typing import Any

import polars as pl

from kpi.frames import ATOMS, INTERVAL_SERIES
from kpi.rollup.rolling import RollupInputs
from kpi.rollup.windows import calendar_windows
from model.registry import Asset, EmissionFactor, Series, ShiftRule, Site

HOUR = 3_600_000_000
MONDAY = date(2026, 3, 2)
MIDNIGHT = 1_772_409_600_000_000 - 7 * HOUR  # 2026-03-02 00:00 in Ho Chi Minh City
LONG_AFTER = MIDNIGHT + 400 * 24 * HOUR


def asset(key: str, level: str = "unit", parent: str | None = "line", **more: Any) -> Asset:
    return Asset(key=key, level=level, parent=parent, **more)


def series(of: str, name: str, quantity: str, kind: str = "counter") -> Series:
    return Series(asset=of, name=name, quantity=quantity, kind=kind)


def machine(key: str, **more: Any) -> tuple[Asset, list[Series]]:
    return asset(key, **more), [series(key, "state", "state", "state"), series(key, "good", "good_count")]


def site(**more: Any) -> Site:
    """A site with one line and the machines m1 and m2, worked from 06:00 to 14:00 on Monday to Friday."""
    machines = [machine("m1"), machine("m2")]
    fields: dict[str, Any] = {
        "key": "plant",
        "timezone": "Asia/Ho_Chi_Minh",
        "grid_zone": "VN",
        "factor_set": "vn-grid/1",
        "assets": (Asset(key="", level="site"), asset("line", "line", ""), *(one for one, _ in machines)),
        "series": tuple(item for _, some in machines for item in some),
        "shifts": tuple(ShiftRule(shift="A", cycle_day=day, start="06:00", end="14:00") for day in range(5)),
        "emission_factors": (
            EmissionFactor(
                zone="VN", valid_from="2026-01-01", valid_to="2027-01-01", kg_per_kwh=0.5, status="official"
            ),
        ),
    }
    return Site(**{**fields, **more})


def atom(of: str, quantity: str, *, hour: int = 6, day: int = 0, **more: Any) -> dict[str, Any]:
    """A piece at a local hour of a day after MONDAY, in shift A."""
    start = MIDNIGHT + (24 * day + hour) * HOUR
    blank = dict.fromkeys(("job", "product", "tariff_period", "qualifier", "time_class", "sub_class", "reason"), "")
    return {
        **blank,
        "asset": of,
        "production_day": MONDAY + timedelta(days=day),
        "hour_us": start,
        "shift": "A",
        "quantity": quantity,
        "origin": "signal",
        "duration_us": None,
        "amount": None,
        **more,
    }


def time(of: str, time_class: str, seconds: float, **more: Any) -> dict[str, Any]:
    return atom(of, "time", time_class=time_class, duration_us=round(seconds * 1e6), **more)


def pieces(of: str, good: float, reject: float = 0, ideal_s: float | None = 1.0, **more: Any) -> list[dict[str, Any]]:
    more = {"time_class": "production", **more}
    found = [atom(of, "good", amount=float(good), **more)]
    if reject:
        found.append(atom(of, "reject", amount=float(reject), **more))
    if ideal_s is None:
        return [*found, atom(of, "no_ideal", amount=float(good + reject), **more)]
    return [
        *found,
        atom(of, "ideal_time_good", amount=good * ideal_s, **more),
        atom(of, "ideal_time_total", amount=(good + reject) * ideal_s, **more),
    ]


def demand(of: str, kw: float, *, half_hour: int, day: int = 0) -> dict[str, Any]:
    start = MIDNIGHT + 24 * day * HOUR + half_hour * HOUR // 2
    return {
        "asset": of,
        "quantity": "active_power",
        "production_day": MONDAY + timedelta(days=day),
        "from_us": start,
        "interval_us": HOUR // 2,
        "value": kw,
    }


def rollup_inputs(of: Site, atoms: list[dict[str, Any]], **more: Any) -> RollupInputs:
    fields: dict[str, Any] = {
        "interval_series": pl.DataFrame(schema=INTERVAL_SERIES),
        "windows": calendar_windows(of, date(2026, 2, 1), date(2026, 4, 30)),
        "now_us": LONG_AFTER,
        **more,
    }
    return RollupInputs(site=of, atoms=pl.DataFrame(atoms, schema=ATOMS), **fields)


def pick(values: pl.DataFrame, kpi: str, *, of: str = "m1", grain: str = "day", variant: str = "") -> dict[str, Any]:
    """The one row of a KPI of an asset."""
    rows = values.filter(asset=of, kpi=kpi, grain=grain, variant=variant)
    assert len(rows) == 1, f"{len(rows)} rows of {kpi} of {of!r}, {grain}"
    return rows.row(0, named=True)
