"""A plant for the benchmark of the KPI job: machines of 20 signals, mean 0.2 Hz, with readings as ingest stores them.

States and counters come by exception, power once a second, 15 gauges every 5.8 s. A machine runs 17 of 20 minutes,
then it is starved for two and broken for one; what it made in whole 20 minutes is known, so that any stretch of time
can be made by itself.
"""

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
from psycopg import Connection

from kpi.running.progress import Gauge, Progress
from model.vocabulary import symbol_id
from store.pool import connect
from store.queries import load
from store.registry import active_series, apply_site, site_id
from store.site_file import SiteFile

SITE = "bench"
FIRST_DAY = date(2026, 3, 2)
START = datetime(2026, 3, 1, 23, tzinfo=UTC)  # 06:00 in Ho Chi Minh City: the first shift and the production day begin
LATENESS = timedelta(days=1)
IDEAL_CYCLE_S = 4.5
STATES = (("EXECUTE", 0), ("SUSPENDED", 1020), ("ABORTED", 1140))  # seconds into the 20 minutes
SLOT_S, RUN_S = 1200, 1020
GAUGES, GAUGE_S = 15, 5.8
BLOCK_S = 1800
REJECT_EVERY = 50
COPIED, INDEXED = 0.5, 0.9  # of the time of filling
_SQL = load("bench")
_PG_EPOCH_US = 946_684_800_000_000
# One row of COPY's binary form: number of fields, then length and bytes of each.
_ROW = np.dtype(
    [
        ("fields", ">i2"),
        *(("ts_bytes", ">i4"), ("ts", ">i8")),
        *(("id_bytes", ">i4"), ("series_id", ">i4")),
        *(("value_bytes", ">i4"), ("value", ">f8")),
        *(("quality_bytes", ">i4"), ("quality", ">i2")),
    ]
)
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Size:
    """How much there is to compute; `thin` = so many times longer between the readings of power and gauges."""

    machines: int  # of each site
    days: int
    thin: int = 1
    sites: int = 1

    @property
    def keys(self) -> list[str]:
        """Keys of the sites."""
        return [SITE, *(f"{SITE}-{number}" for number in range(2, self.sites + 1))]

    def __str__(self) -> str:
        whole = f"{self.machines} × {self.days}"
        return f"{self.sites} × {whole}" if self.sites > 1 else whole

    @property
    def until(self) -> datetime:
        """The end of the last day."""
        return START + timedelta(days=self.days)

    @property
    def last_day(self) -> date:
        return FIRST_DAY + timedelta(days=self.days - 1)


def fill(url: str, size: Size, tell: Progress | None = None) -> int:
    """Make the sites and their readings in an empty database; gives the number of readings.

    Args:
        url: as the owner of the database.
        size: how much.
        tell: told how much is done, 0 to 1.
    """
    gauge = Gauge(tell)
    with connect(url, "bench", autocommit=True) as connection:
        ids = [_made(connection, key, size) for key in size.keys]
        connection.execute(_SQL["forget_marks"])
        for state, _ in STATES:
            connection.execute(_SQL["add_symbol"], {"id": symbol_id(state), "text": state})
        connection.execute("SELECT ensure_partitions(%s, %s)", [START, size.until])
        connection.execute(_SQL["drop_key"])  # made afterwards, it takes a fraction of the time
        rows = _stored(connection, size, ids, gauge)
        for key in size.keys:
            mark(connection, key, size)
        gauge.at(COPIED, f"indexing {rows:,} readings")
        connection.execute(_SQL["much_memory"])
        connection.execute(_SQL["make_key"])
        gauge.at(INDEXED, f"looking at {rows:,} readings")
        connection.execute("VACUUM ANALYZE reading")
        gauge.at(1, f"{rows:,} readings are there")
    return rows


def mark(connection: Connection[Any], key: str, size: Size) -> None:
    """Say that all readings of a site are new."""
    wanted = {"site_id": site_id(connection, key), "from_ts": START, "to_ts": size.until}
    connection.execute(_SQL["add_mark"], wanted)


def _made(connection: Connection[Any], key: str, size: Size) -> dict[tuple[str, str], int]:
    """Make a site; gives its series by asset and name."""
    apply_site(connection, SiteFile.model_validate(document(size.machines, size.thin, key)))
    return {(each.asset, each.name): each.series_id for each in active_series(connection, site_id(connection, key))}


def _stored(connection: Connection[Any], size: Size, ids: list[dict[tuple[str, str], int]], gauge: Gauge) -> int:
    """Store half an hour after the other, each made while the one before is copied; gives the number of readings."""
    begins, rows = range(0, size.days * 86_400, BLOCK_S), 0
    with ThreadPoolExecutor(1, "make") as thread:
        blocks = deque(thread.submit(_rows, ids, size, begin) for begin in begins[:1])
        for number, _ in enumerate(begins):
            block = blocks.popleft().result()
            blocks.extend(thread.submit(_rows, ids, size, begin) for begin in begins[number + 1 : number + 2])
            _copy(connection, block)
            rows += len(block)
            gauge.at(COPIED * (number + 1) / len(begins), f"{rows:,} readings stored")
    return rows


def document(machines: int, thin: int = 1, key: str = SITE) -> dict[str, Any]:
    """The site file: lines of ten machines, two shifts on every day."""
    lines = [{"key": f"line{number:02d}", "level": "line"} for number in range((machines + 9) // 10)]
    shifts = [
        {"shift": name, "days": ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], "start": start, "end": end}
        for name, start, end in (("A", "06:00", "14:00"), ("B", "14:00", "22:00"))
    ]
    return {
        "site": {
            "key": key,
            "name": "Benchmark",
            "timezone": "Asia/Ho_Chi_Minh",
            "lateness_s": LATENESS.total_seconds(),
        },
        "assets": [*lines, *({"key": machine(n), "level": "unit", "series": _series(thin)} for n in range(machines))],
        "routings": [{"ideal_cycle_s": IDEAL_CYCLE_S, "source": "benchmark"}],
        "calendars": [{"shifts": shifts}],
    }


def machine(number: int) -> str:
    """Key of a machine."""
    return f"line{number // 10:02d}/m{number:03d}"


def _series(thin: int) -> list[dict[str, Any]]:
    return [
        {"name": "state", "quantity": "state"},
        *({"name": name, "quantity": name} for name in ("good_count", "reject_count", "cycle_count")),
        {"name": "power_kw", "quantity": "active_power", "max_gap_s": 60},
        *(
            {"name": f"temperature_{n:02d}", "quantity": "temperature", "expected_period_s": GAUGE_S * thin}
            for n in range(GAUGES)
        ),
    ]


def _rows(sites: list[dict[tuple[str, str], int]], size: Size, begin: int) -> npt.NDArray[np.void]:
    """Half an hour of all machines in the order of time, as COPY takes it."""
    points = [
        (ids[machine(number), name], seconds, values)
        for number in range(size.machines)
        for name, seconds, values in _block(number, float(begin), float(begin + BLOCK_S), size.thin)
        for ids in sites
    ]
    seconds = np.concatenate([each[1] for each in points])
    order = np.argsort(seconds, kind="stable")
    rows = np.zeros(len(seconds), _ROW)
    rows["fields"] = 4
    rows["ts_bytes"], rows["id_bytes"], rows["value_bytes"], rows["quality_bytes"] = 8, 4, 8, 2
    start_us = round(START.timestamp()) * 1_000_000 - _PG_EPOCH_US
    rows["ts"] = start_us + np.round(seconds[order] * 1e6).astype(np.int64)
    rows["series_id"] = np.repeat([each[0] for each in points], [len(each[1]) for each in points])[order]
    rows["value"] = np.concatenate([each[2] for each in points])[order]
    return rows


def _copy(connection: Connection[Any], rows: npt.NDArray[np.void]) -> None:
    with connection.cursor() as cursor, cursor.copy(_SQL["copy_readings"]) as copy:
        copy.write(b"PGCOPY\n\xff\r\n\0" + bytes(8))
        copy.write(rows.tobytes())
        copy.write(b"\xff\xff")


def _block(number: int, begin: float, end: float, thin: int) -> list[tuple[str, Floats, Floats]]:
    """All points of one machine in [begin, end), seconds since START."""
    shift = number * 0.013  # no two machines say something at the same instant
    cycle_s = IDEAL_CYCLE_S + 0.1 * (number % 10)
    per_slot = int(RUN_S / cycle_s)
    slots = np.arange(begin // SLOT_S, -(-end // SLOT_S))
    made = (slots[:, None] * SLOT_S + (np.arange(per_slot) + 1) * cycle_s - 0.5 + shift).ravel()
    count = (slots[:, None] * per_slot + np.arange(per_slot) + 1).ravel()
    rejected = count % REJECT_EVERY == 0
    changes = (slots[:, None] * SLOT_S + [float(at) for _, at in STATES] + shift).ravel()
    states = np.tile([float(symbol_id(name)) for name, _ in STATES], len(slots))
    period_s = GAUGE_S * thin
    each_s, gauge_s = (
        np.arange(begin, end, thin) + shift / 10,
        np.arange(np.ceil(begin / period_s), end / period_s) * period_s,
    )
    runs = (each_s - shift) % SLOT_S < RUN_S
    points = [
        ("state", changes, states),
        ("good_count", made[~rejected], (count - count // REJECT_EVERY)[~rejected]),
        ("reject_count", made[rejected], (count // REJECT_EVERY)[rejected]),
        ("cycle_count", made, count),
        ("power_kw", each_s, np.where(runs, 20.0, 4.0) + np.sin(each_s * 0.37 + number)),
        *(
            (f"temperature_{n:02d}", gauge_s + shift + 0.1 * n, 40 + n + np.sin(gauge_s / 600 + number + n))
            for n in range(GAUGES)
        ),
    ]
    return [_within(name, seconds, values.astype(np.float64), begin, end) for name, seconds, values in points]


def _within(name: str, seconds: Floats, values: Floats, begin: float, end: float) -> tuple[str, Floats, Floats]:
    """Keep the points of the block; those beyond its end come again with the next one."""
    if name == "power_kw" or name.startswith("temperature"):
        return name, seconds, values  # made for the block, a little shifted
    inside = (seconds >= begin) & (seconds < end)
    return name, seconds[inside], values[inside]
