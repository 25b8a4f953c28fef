"""A small factory in a database, inserted by hand for the tests of the API: two sites, values, intervals, readings,
rejected messages, ledger rows. Times are of one production day, so that every number on a page is known.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg

from model.vocabulary import symbol_id

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
SITE, OTHER_SITE = "pilot", "other"
LINE = "hall/line1"
FILLER, CAPPER = f"{LINE}/filler", f"{LINE}/capper"
ASSETS = {"": "site", "hall": "area", LINE: "line", FILLER: "unit", CAPPER: "unit"}
NAMES = {"": "Nhà máy thí điểm", "hall": "Xưởng 1", LINE: "Chuyền 1", FILLER: "Máy chiết", CAPPER: "Máy đóng nắp"}
OEE = {"oee": 0.7479, "oee_availability": 0.9, "effectiveness": 0.8614, "quality_ratio": 0.9647}
ENERGY = {"energy": 1234.5, "co2e_location": 813.78, "demand_peak": 88.25}
DAYS = 3

Connection = psycopg.Connection[tuple[Any, ...]]


@dataclass
class Factory:
    """What was inserted."""

    day: date
    sites: dict[str, int] = field(default_factory=dict)
    assets: dict[tuple[str, str], int] = field(default_factory=dict)
    intervals: list[dict[str, Any]] = field(default_factory=list)


def fill(url: str, day: date) -> Factory:
    """Insert everything as the owner; `day` is the newest of DAYS production days."""
    factory = Factory(day)
    with psycopg.connect(url, autocommit=False) as connection:
        for site in (SITE, OTHER_SITE):
            _site(connection, factory, site)
            for number in range(DAYS):
                _values(connection, factory, site, day - timedelta(days=number))
            _intervals(connection, factory, site)
            _states(connection, factory, site)
            _rejected(connection, factory.sites[site], site)
            _ledger(connection, factory.sites[site], site, start_of(day))
        _rejected(connection, None, "nobody")
        _revised(connection, factory)
    return factory


def start_of(day: date) -> datetime:
    """Local midnight of a day, in UTC."""
    return datetime.combine(day, time(), ZONE).astimezone(UTC)


def kpi_value(factory: Factory, scope: tuple[str, str], kpi: str, value: float | None, **more: Any) -> Any:
    """A row of kpi_value of (site, asset) with everything that has no default."""
    day = more.get("production_day", factory.day)
    return {
        "site_id": factory.sites[scope[0]],
        "asset_id": factory.assets[scope],
        "kpi": kpi,
        "grain": "day",
        "window_start": start_of(day),
        "window_end": start_of(day + timedelta(days=1)),
        "production_day": day,
        "value": value,
        "numerator": value,
        "denominator": 1.0,
        "coverage": 0.985,
        "completeness": 0.991,
        "status": "final",
        "is_final": True,
        "definition_version": 1,
        "config_digest": "c" * 64,
        "inputs_digest": "d" * 64,
        "computed_at": start_of(day + timedelta(days=2)),
        **more,
    }


def insert(connection: Connection, table: str, row: dict[str, Any]) -> Any:
    """Insert one row and return its first column."""
    names = ", ".join(row)
    places = ", ".join(f"%({name})s" for name in row)
    statement = f"INSERT INTO {table} ({names}) VALUES ({places}) RETURNING *"
    found = connection.execute(statement, row).fetchone()
    assert found is not None
    return found[0]


def _site(connection: Connection, factory: Factory, site: str) -> None:
    name = NAMES[""] if site == SITE else "Nhà máy khác"
    row = {"key": site, "name": name, "timezone": str(ZONE), "grid_zone": "VN", "factor_set": "vn-grid"}
    factory.sites[site] = insert(connection, "site", row)
    for key, level in ASSETS.items():
        parent = factory.assets.get((site, key.rpartition("/")[0])) if key else None
        asset = {"site_id": factory.sites[site], "key": key, "level": level, "name": NAMES[key], "parent_id": parent}
        factory.assets[site, key] = insert(connection, "asset", asset)


def _values(connection: Connection, factory: Factory, site: str, day: date) -> None:
    for row in _value_rows(factory, site, day):
        insert(connection, "kpi_value", row)


def _value_rows(factory: Factory, site: str, day: date) -> Iterator[dict[str, Any]]:
    less = (factory.day - day).days / 100
    for kpi, value in OEE.items():
        flags = ["assume_order"] if kpi == "oee" else []
        yield kpi_value(factory, (site, LINE), kpi, value - less, production_day=day, flags=flags)
        yield kpi_value(factory, (site, FILLER), kpi, value - less, production_day=day)
        nothing = {"status": "no_ideal_cycle", "numerator": None, "denominator": None}
        yield kpi_value(factory, (site, CAPPER), kpi, None, production_day=day, **nothing)
    yield kpi_value(factory, (site, LINE), "oee", 0.7, production_day=day, variant="capped")
    for kpi, value in ENERGY.items():
        factors = {"factor_set": "vn-grid"} if kpi == "co2e_location" else {}
        yield kpi_value(factory, (site, ""), kpi, value - 100 * less, production_day=day, coverage=None, **factors)
    for hour in range(24):
        start = start_of(day) + timedelta(hours=hour)
        window = {"window_start": start, "window_end": start + timedelta(hours=1), "grain": "hour"}
        yield kpi_value(factory, (site, ""), "energy", 50.0 + hour, production_day=day, coverage=None, **window)


def _revised(connection: Connection, factory: Factory) -> None:
    """The first day's NEE stood at 0.5, then late data made it 0.6."""
    day = factory.day - timedelta(days=DAYS - 1)
    first, second = start_of(day + timedelta(days=2)), start_of(day + timedelta(days=5))
    old = kpi_value(factory, (SITE, LINE), "nee", 0.5, production_day=day, computed_at=first, superseded_at=second)
    new = kpi_value(
        factory, (SITE, LINE), "nee", 0.6, production_day=day, computed_at=second, revision=2, cause=["late_data"]
    )
    insert(connection, "kpi_value", old)
    insert(connection, "kpi_value", new)


def _intervals(connection: Connection, factory: Factory, site: str) -> None:
    parts = [
        ("not_scheduled", "", 6.0, ""),
        ("production", "", 3.5, "EXECUTE"),
        ("delay", "fault", 0.5, "ABORTED"),
        ("setup", "", 0.75, "SETUP"),
        ("production", "", 2.25, "EXECUTE"),
        ("delay", "starved", 0.25, "SUSPENDED"),
        ("planned_down", "", 0.75, ""),
        ("production", "", 5.5, "EXECUTE"),
        ("unknown", "", 0.5, ""),
        ("down_no_order", "", 4.0, "IDLE"),
    ]
    for unit, shift_by in ((FILLER, 0.0), (CAPPER, 0.05)):
        at = start_of(factory.day)
        for time_class, sub_class, hours, state in parts:
            end = at + timedelta(hours=hours + (shift_by if time_class == "not_scheduled" else 0))
            row = {
                "site_id": factory.sites[site],
                "asset_id": factory.assets[site, unit],
                "production_day": factory.day,
                "from_ts": at,
                "to_ts": end,
                "time_class": time_class,
                "sub_class": sub_class,
                "state": state,
            }
            insert(connection, "state_interval", row)
            factory.intervals.append({**row, "site": site, "asset": unit})
            at = end


def _states(connection: Connection, factory: Factory, site: str) -> None:
    """State readings of the filler: stopped, then in EXECUTE since an hour before noon."""
    series = {
        "site_id": factory.sites[site],
        "asset_id": factory.assets[site, FILLER],
        "name": "state",
        "quantity": "state",
        "kind": "state",
        "status": "active",
    }
    number = insert(connection, "series", series)
    noon = start_of(factory.day) + timedelta(hours=12)
    connection.execute("SELECT ensure_partitions(%s, %s)", [noon - timedelta(days=1), noon + timedelta(days=1)])
    for text in ("STOPPED", "EXECUTE"):
        symbol = [symbol_id(text), text]
        connection.execute("INSERT INTO symbol (symbol_id, text) VALUES (%s, %s) ON CONFLICT DO NOTHING", symbol)
    for minutes, text in ((-120, "STOPPED"), (-60, "EXECUTE"), (-30, "EXECUTE"), (0, "EXECUTE")):
        row = {"ts": noon + timedelta(minutes=minutes), "series_id": number, "value": float(symbol_id(text))}
        insert(connection, "reading", row)


def _rejected(connection: Connection, site_id: int | None, site: str) -> None:
    refused = [
        (
            "undecodable",
            "The payload is not JSON: unexpected byte 0x00 at position 3.",
            b"\x00\x01<script>alert(1)</script>",
        ),
        (
            "in_future",
            "The time 2030-01-01T00:00:00Z is 10 days ahead of the clock here.",
            b'{"ts": "2030-01-01T00:00:00Z"}',
        ),
    ]
    for reason, detail, payload in refused:
        topic = f"haidang/v1/{site}/hall/line1/filler/data"
        row = {
            "site_id": site_id,
            "topic": topic,
            "payload": payload,
            "payload_bytes": len(payload),
            "reason": reason,
            "detail": detail,
            "digest": hashlib.sha256(topic.encode() + b"\0" + payload).digest(),
        }
        insert(connection, "rejected_message", row)


def _ledger(connection: Connection, site_id: int, site: str, start: datetime) -> None:
    device = insert(
        connection, "device", {"site_id": site_id, "key": f"{site}-gateway", "last_seen": datetime.now(UTC)}
    )
    for hour in range(3):
        row = {
            "hour": start + timedelta(hours=hour),
            "site_id": site_id,
            "device_id": device,
            "received": 1000,
            "processed": 996,
            "rejected": 2,
            "redelivered": 2,
            "decoded": 5000,
            "stored": 4990,
            "duplicate": 7,
            "conflict": 1,
            "rejected_value": 2,
            "missing_seq": 1,
        }
        insert(connection, "ledger_delta", row)
