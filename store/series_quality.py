"""How good the readings of series are, in the database: written per production day, read as sums over days."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import polars as pl
from psycopg.rows import class_row

from model.instants import instant
from store.copying import append, utc
from store.derived import Days
from store.pool import Connection
from store.queries import load

_SQL = load("quality")
_DOUBTS = pl.Schema(
    {
        **dict.fromkeys(("asset", "name"), pl.String()),
        "production_day": pl.Date(),
        **dict.fromkeys(("gap_us", "flat_us", "out_of_range"), pl.Int64()),
    }
)


@dataclass(frozen=True)
class SeriesQuality:
    """One series over a range of production days; all but `longest_*` and `last_ts` are sums over them."""

    series_id: int
    asset: str
    name: str
    quantity: str
    unit: str
    kind: str
    expected_period_us: int | None
    valid_low: float | None
    valid_high: float | None
    days: int
    from_ts: datetime
    to_ts: datetime
    window_us: int
    rows: int
    received: int
    expected: int
    gaps: int
    gap_us: int
    longest_gap_us: int
    flat_spans: int
    flat_us: int
    longest_flat_us: int
    out_of_range: int
    resets: int
    last_ts: datetime | None
    conflicts: int


@dataclass(frozen=True)
class DeviceQuality:
    """What ingest counted of one device in the hours of receipt; `skew_ms` by model.ledger.SKEW_BOUNDS_MS."""

    device: str
    asset: str | None
    decoded: int
    stored: int
    duplicate: int
    conflict: int
    rejected_value: int
    rejected_messages: int
    missing_seq: int
    skew_ms: list[int]


@dataclass(frozen=True)
class Quality:
    """Series, and the devices that send them: a device's counts are of all its series together."""

    series: list[SeriesQuality]
    devices: list[DeviceQuality]


def replace_quality(connection: Connection, site_id: int, frame: pl.DataFrame, days: Sequence[date]) -> None:
    """Write the quality of days anew (kpi.frames.QUALITY)."""
    connection.execute(_SQL["delete_days"], {"site_id": site_id, "days": list(days)})
    rows = frame.with_columns(
        pl.lit(site_id, pl.Int32).alias("site_id"),
        *(utc(f"{name}_us").alias(f"{name}_ts") for name in ("from", "to", "last")),
    )
    append(connection, "series_quality", rows.drop("asset", "name", "from_us", "to_us", "last_us"))


def quality_of(connection: Connection, site_id: int, days: Days, assets: Sequence[str] | None = None) -> Quality:
    """Read the series of some assets (none = all of the site) over production days, by asset and name."""
    chosen = None if assets is None else list(assets)
    parameters = {"site_id": site_id, "from_day": days.first, "to_day": days.last, "assets": chosen}
    with connection.cursor(row_factory=class_row(SeriesQuality)) as cursor:
        series = cursor.execute(_SQL["of_series"], parameters).fetchall()
    with connection.cursor(row_factory=class_row(DeviceQuality)) as cursor:
        return Quality(series, cursor.execute(_SQL["of_devices"], parameters).fetchall())


def doubts(connection: Connection, site_id: int, days: Days) -> pl.DataFrame:
    """Days of series with gaps, flat lines or impossible values (asset, name, production_day, and how much of each)."""
    parameters = {"site_id": site_id, "from_day": days.first, "to_day": days.last}
    return pl.DataFrame(connection.execute(_SQL["doubts"], parameters).fetchall(), _DOUBTS, orient="row")


def first_seen(connection: Connection, site_id: int, days: Days) -> list[tuple[str, str, date]]:
    """Counters (asset, name) that were first seen on one of the days, and on which."""
    parameters = {"site_id": site_id, "from_day": days.first, "to_day": days.last}
    return connection.execute(_SQL["first_seen"], parameters).fetchall()


def begun_inside(
    connection: Connection, site_id: int, places: Sequence[tuple[str, str, int, int]]
) -> list[tuple[str, str, int, int]]:
    """Keep those counters (asset, name, from, to in µs UTC) whose readings begin inside the range."""
    if not places:
        return []
    assets, names, begins, ends = zip(*places, strict=True)
    parameters = {
        "site_id": site_id,
        "places": list(range(len(places))),
        "assets": list(assets),
        "names": list(names),
        "from_ts": list(map(instant, begins)),
        "to_ts": list(map(instant, ends)),
    }
    return [places[row[0]] for row in sorted(connection.execute(_SQL["begun_inside"], parameters).fetchall())]
