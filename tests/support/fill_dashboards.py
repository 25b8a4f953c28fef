"""Rows for the tests of the boards: a small factory whose every stored number is known.

Two lines with units, one of them named like a line of another area; KPI values of all grains, each value different
and with windows left out on purpose; states, a refused message, the ledger. A second site that must never show.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg

SITE = "demo"
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
MONDAY = date(2025, 3, 3)
DAYS = 60
HOUR_DAYS = 3
SHIFTS = {"morning": 6, "night": 18}
LEFT_OUT_DAY = MONDAY + timedelta(days=4)
LEFT_OUT_HOUR = datetime(2025, 3, 3, 9, tzinfo=ZONE)

Connection = psycopg.Connection[tuple[Any, ...]]


@dataclass(frozen=True)
class Stored:
    """One value as inserted."""

    line: str
    kpi: str
    grain: str
    shift: str
    window_start: datetime
    value: float | None


@dataclass
class Factory:
    """Ids and everything that was inserted."""

    site_id: int = 0
    assets: dict[str, int] = field(default_factory=dict)
    values: list[Stored] = field(default_factory=list)

    def of(self, kpi: str, grain: str) -> dict[tuple[datetime, str], float | None]:
        return {(row.window_start, row.line): row.value for row in self.values if (row.kpi, row.grain) == (kpi, grain)}


LINES = {"filling/line-1": "Filling 1", "packing/line-2": "Packing 2"}


def fill(url: str, kpis: tuple[str, ...]) -> Factory:
    """Insert everything as the owner of the database."""
    factory = Factory()
    with psycopg.connect(url) as connection:
        _site(connection, factory)
        rows = [row for key in LINES for kpi in kpis for row in _kpi_values(factory, key, kpi)]
        _insert_all(connection, "kpi_value", rows)
        _states(connection, factory)
        _messages(connection, factory)
        _other_site(connection, kpis)
    return factory


def local(day: date, hour: int = 0) -> datetime:
    """A wall time of the factory."""
    return datetime(day.year, day.month, day.day, tzinfo=ZONE) + timedelta(hours=hour)


def _insert(connection: Connection, table: str, **columns: Any) -> int:
    names, holes = ", ".join(columns), ", ".join(["%s"] * len(columns))
    returned = f"INSERT INTO {table} ({names}) VALUES ({holes}) RETURNING {table}_id"
    row = connection.execute(returned.encode(), list(columns.values())).fetchone()
    assert row
    return int(row[0])


def _site(connection: Connection, factory: Factory) -> None:
    factory.site_id = _insert(connection, "site", key=SITE, name="Demo", timezone=str(ZONE))
    tree = [
        ("", None, "site", "Demo"),
        ("filling", "", "area", "Filling"),
        ("packing", "", "area", "Packing"),
        ("filling/line-1", "filling", "line", LINES["filling/line-1"]),
        ("packing/line-2", "packing", "line", LINES["packing/line-2"]),
        ("filling/line-1/filler", "filling/line-1", "unit", "Filler"),
        ("filling/line-1/capper", "filling/line-1", "unit", "Capper"),
        ("packing/line-2/filler", "packing/line-2", "unit", "Filler"),
    ]
    for key, parent, level, name in tree:
        factory.assets[key] = _insert(
            connection,
            "asset",
            site_id=factory.site_id,
            key=key,
            parent_id=None if parent is None else factory.assets[parent],
            level=level,
            name=name,
        )
    _insert(connection, "reason", site_id=factory.site_id, key="no_caps", name_vi="Hết nắp", name_en="Out of caps")


@dataclass(frozen=True)
class Window:
    grain: str
    shift: str
    start: datetime
    end: datetime
    day: date


def _windows() -> Iterator[Window]:
    """All stored windows. A production day begins at 06:00."""
    for number in range(24 * HOUR_DAYS):
        start = local(MONDAY) + timedelta(hours=number)
        if start != LEFT_OUT_HOUR:
            yield Window("hour", "", start, start + timedelta(hours=1), start.date())
    for number in range(DAYS):
        day = MONDAY + timedelta(days=number)
        if day != LEFT_OUT_DAY:
            yield Window("day", "", local(day, 6), local(day, 30), day)
            for shift, hour in SHIFTS.items():
                yield Window("shift", shift, local(day, hour), local(day, hour + 12), day)
    for number in range(0, DAYS, 7):
        day = MONDAY + timedelta(days=number)
        yield Window("week", "", local(day, 6), local(day, 7 * 24 + 6), day)
    for month in (3, 4):
        day = date(2025, month, 1)
        yield Window("month", "", local(day, 6), local(date(2025, month + 1, 1), 6), day)


def _kpi_values(factory: Factory, key: str, kpi: str) -> Iterator[dict[str, Any]]:
    """A different number for each window; the first day has a row without a value."""
    for window in _windows():
        value = None if (window.grain, window.day) == ("day", MONDAY) else round(0.001 * (len(factory.values) + 1), 6)
        factory.values.append(Stored(LINES[key], kpi, window.grain, window.shift, window.start, value))
        yield _row(factory, key, kpi, window, value)


def _row(factory: Factory, key: str, kpi: str, window: Window, value: float | None) -> dict[str, Any]:
    carbon = kpi.startswith("co2e")
    return {
        "site_id": factory.site_id,
        "asset_id": factory.assets[key],
        "kpi": kpi,
        "grain": window.grain,
        "shift": window.shift,
        "window_start": window.start,
        "window_end": window.end,
        "production_day": window.day,
        "value": value,
        "coverage": None if value is None else value / 2,
        "completeness": None if value is None else value / 4,
        "status": "no_factor" if value is None and carbon else "final",
        "is_final": True,
        "factor_set": "vn-grid v1" if value is not None and carbon else None,
        "definition_version": 1,
        "config_digest": "c",
        "inputs_digest": "i",
    }


def _insert_all(connection: Connection, table: str, rows: list[dict[str, Any]]) -> None:
    names = ", ".join(rows[0])
    holes = ", ".join(f"%({name})s" for name in rows[0])
    with connection.cursor() as cursor:
        cursor.executemany(f"INSERT INTO {table} ({names}) VALUES ({holes})".encode(), rows)


def decoys(url: str, factory: Factory, kpi: str) -> None:
    """Rows beside the shown ones that no panel may take: superseded, a variant, one product, one job."""
    day = MONDAY + timedelta(days=1)
    row = _row(factory, "filling/line-1", kpi, Window("day", "", local(day, 6), local(day, 30), day), 99.0)
    with psycopg.connect(url) as connection:
        for other in (
            {"superseded_at": datetime.now(UTC)},
            {"variant": "capped"},
            {"product": "cola"},
            {"job": "J1"},
        ):
            _insert_all(connection, "kpi_value", [row | other])


def _states(connection: Connection, factory: Factory) -> None:
    """On Monday: the filler makes, stops for caps and by a fault; then three hours nobody knows; then it makes."""
    rows = [
        ("filling/line-1/filler", 6, 8, "production", "", ""),
        ("filling/line-1/filler", 8, 9, "delay", "starved", "no_caps"),
        ("filling/line-1/filler", 9, 11, "delay", "fault", ""),
        ("filling/line-1/filler", 14, 18, "production", "", ""),
        ("filling/line-1/capper", 6, 18, "production", "", ""),
        ("packing/line-2/filler", 6, 7, "setup", "", ""),
        ("packing/line-2/filler", 7, 18, "unknown", "", ""),
    ]
    for key, start, end, time_class, sub_class, reason in rows:
        connection.execute(
            "INSERT INTO state_interval (site_id, asset_id, production_day, from_ts, to_ts, time_class, sub_class, "
            "reason) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
            [
                factory.site_id,
                factory.assets[key],
                MONDAY,
                local(MONDAY, start),
                local(MONDAY, end),
                time_class,
                sub_class,
                reason,
            ],
        )


def _messages(connection: Connection, factory: Factory) -> None:
    at = local(MONDAY, 10)
    for site_id, digest, reason in (
        (factory.site_id, b"1", "wrong_unit"),
        (None, b"2", "unknown_site"),
    ):
        _insert(
            connection,
            "rejected_message",
            site_id=site_id,
            topic=f"haidang/v1/{SITE}/filling/line-1/filler/data",
            payload=b"{}",
            payload_bytes=2,
            reason=reason,
            detail="why",
            first_at=at,
            last_at=at,
            digest=digest,
        )
    for _ in range(2):
        connection.execute(
            "INSERT INTO ledger_delta (hour, site_id, received, processed, rejected, redelivered, decoded, stored, "
            "duplicate, conflict, rejected_value, missing_seq) VALUES (%s, %s, 10, 7, 2, 1, 50, 44, 3, 1, 2, 5)",
            [at, factory.site_id],
        )


def _other_site(connection: Connection, kpis: tuple[str, ...]) -> None:
    other = Factory()
    other.site_id = _insert(connection, "site", key="other", name="Other", timezone=str(ZONE))
    other.assets["a/line-1"] = _insert(
        connection, "asset", site_id=other.site_id, key="a/line-1", level="line", name="Filling 1"
    )
    day = MONDAY + timedelta(days=1)
    window = Window("day", "", local(day, 6), local(day, 30), day)
    _insert_all(connection, "kpi_value", [_row(other, "a/line-1", kpi, window, 77.0) for kpi in kpis])
    _insert(
        connection,
        "rejected_message",
        site_id=other.site_id,
        topic="haidang/v1/other/x",
        payload=b"",
        payload_bytes=0,
        reason="of_the_other_site",
        detail="why",
        first_at=local(MONDAY, 10),
        last_at=local(MONDAY, 10),
        digest=b"3",
    )
