"""A small site in a database of its own, and readings put there as ingest would, dirty marks included."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from kpi.catalogue import CATALOGUE
from kpi.rollup import rolling
from kpi.running.job import run_once
from model.vocabulary import symbol_id
from store.pool import connect
from store.registry import active_series, apply_site, site_id
from store.site_file import SiteFile
from tests.support.database import Databases, TestDatabase

MONDAY = datetime(2026, 3, 1, 17, tzinfo=UTC)  # 2026-03-02 00:00 in Ho Chi Minh City
HOUR = timedelta(hours=1)
SHIFT_START = MONDAY + 6 * HOUR
MACHINE = "line/m1"
OFFICE: dict[str, Any] = {
    "reasons": [
        {"key": "tool_change", "name_vi": "Thay dao", "name_en": "Tool change", "time_class": "setup"},
        {"key": "no_material", "name_vi": "Thiếu vật tư", "name_en": "No material", "time_class": "delay",
         "sub_class": "starved"},
    ],
    "products": [{"key": "bolt", "name": "Bolt"}],
}  # fmt: skip


def document(**more: Any) -> dict[str, Any]:
    """One line with one machine that counts, says its state and has a meter; shifts from 06:00 to 14:00, Mon-Fri."""
    return {
        "site": {
            "key": "plant",
            "name": "Plant",
            "timezone": "Asia/Ho_Chi_Minh",
            "grid_zone": "VN",
            "factor_set": "vn-grid",
            "lateness_s": 3600,
        },
        "assets": [
            {"key": "line", "level": "line", "name": "Line"},
            {
                "key": MACHINE,
                "level": "unit",
                "name": "Machine",
                "series": [
                    {"name": "state", "quantity": "state"},
                    {"name": "good_count", "quantity": "good_count"},
                    {"name": "energy_kwh", "quantity": "active_energy", "expected_period_s": 900, "max_gap_s": 3600},
                ],
            },
        ],
        "routings": [{"asset": MACHINE, "ideal_cycle_s": 10.0, "source": "test"}],
        "calendars": [
            {"shifts": [{"shift": "A", "days": ["mon", "tue", "wed", "thu", "fri"], "start": "06:00", "end": "14:00"}]}
        ],
        **more,
    }


class Plant:
    """The site in one database; `is_there`: of which it is a copy."""

    def __init__(self, database: TestDatabase, *, is_there: bool = False, **more: Any) -> None:
        self.database = database
        self.kpi_url = database.url_for("haidang_kpi")
        with connect(database.url, autocommit=True) as connection:
            if not is_there:
                apply_site(connection, SiteFile.model_validate(document(**more)))
                connection.execute("DELETE FROM dirty_mark")
            self.site_id = site_id(connection, "plant")
            self.series = {each.name: each.series_id for each in active_series(connection, self.site_id)}

    def put(self, name: str, rows: Iterable[tuple[datetime, float | str]], *, mark: bool = True) -> None:
        """Store readings of a series and mark their range; texts are states."""
        found = list(rows)
        with psycopg.connect(self.database.url) as connection:
            first, last = min(ts for ts, _ in found), max(ts for ts, _ in found)
            connection.execute("SELECT ensure_partitions(%s, %s)", [first, last + HOUR])
            for text in {value for _, value in found if isinstance(value, str)}:
                connection.execute("INSERT INTO symbol VALUES (%s, %s) ON CONFLICT DO NOTHING", [symbol_id(text), text])
            with connection.cursor() as cursor, cursor.copy("COPY reading (ts, series_id, value) FROM STDIN") as copy:
                for ts, value in found:
                    number = float(symbol_id(value)) if isinstance(value, str) else value
                    copy.write_row((ts, self.series[name], number))
            if mark:
                self._mark(connection, first, last + timedelta(microseconds=1))

    def mark(self, first: datetime, last: datetime, cause: str = "data") -> None:
        """Mark a range dirty."""
        with psycopg.connect(self.database.url) as connection:
            self._mark(connection, first, last, cause)

    def again(self, days: int = 1) -> None:
        """Have the first days computed again for no reason of their own."""
        self.mark(SHIFT_START, SHIFT_START + (days - 1) * 24 * HOUR + HOUR, "carry")

    def _mark(self, connection: psycopg.Connection[Any], first: datetime, last: datetime, cause: str = "data") -> None:
        connection.execute(
            "INSERT INTO dirty_mark (site_id, from_ts, to_ts, cause) VALUES (%s, %s, %s, %s)",
            [self.site_id, first, last, cause],
        )

    def work_a_day(self, day: int = 0) -> None:
        """An ordinary day: eight hours of which seven produce, 2,000 good pieces, 240 kWh."""
        start = SHIFT_START + day * 24 * HOUR
        self.put("state", [(start, "EXECUTE"), (start + 3 * HOUR, "ABORTED"), (start + 4 * HOUR, "EXECUTE"),
                           (start + 8 * HOUR, "IDLE")])  # fmt: skip
        base = 10_000.0 + 2000 * day
        first = [(start + n * HOUR / 250, base + n) for n in range(750)]
        second = [(start + 4 * HOUR + n * HOUR / 312.5, base + 750 + n) for n in range(1251)]
        self.put("good_count", first + second)
        meter = 500.0 + 96 * 2.5 * day
        rows = [(start + n * HOUR / 4, meter + 2.5 * n) for n in range(97)]
        self.put("energy_kwh", rows[:96] if day == 0 else rows[1:96])
        self.put("energy_kwh", rows[96:], mark=False)  # belongs to the next day, which it does not open

    def query(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Rows of a query, as the owner."""
        with psycopg.connect(self.database.url) as connection:
            return connection.execute(sql, parameters).fetchall()

    def value(self, kpi: str, *, grain: str = "day", asset: str = MACHINE, variant: str = "") -> dict[str, Any]:
        """The current row of a KPI of the first window."""
        with psycopg.connect(self.database.url, row_factory=psycopg.rows.dict_row) as connection:
            rows = connection.execute(
                "SELECT k.* FROM kpi_value k JOIN asset a USING (asset_id) WHERE a.key = %s AND kpi = %s "
                "AND grain = %s AND variant = %s AND superseded_at IS NULL ORDER BY window_start",
                [asset, kpi, grain, variant],
            ).fetchall()
        assert rows, f"no {kpi} of {asset!r} at grain {grain}"
        return rows[0]


@contextmanager
def computed_days(databases: Databases, now: datetime, days: int = 1) -> Iterator[Plant]:
    """The plant, with an OFFICE, of which ordinary days were computed at `now`: once, then a copy for each who asks."""

    def fill(database: TestDatabase) -> None:
        plant = Plant(database, **OFFICE)
        for day in range(days):
            plant.work_a_day(day)
        run_once(plant.kpi_url, now=now)

    with databases.filled(f"{days} days computed at {now}", fill) as database:
        yield Plant(database, is_there=True)


def only(patch: pytest.MonkeyPatch, *kpis: str) -> None:
    """Let the job make the values of these KPIs alone: for tests that look at no others and start from no copy."""
    patch.setattr(rolling, "CATALOGUE", {kpi: CATALOGUE[kpi] for kpi in kpis})
