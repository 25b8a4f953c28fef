"""What late deliveries are judged by: everything that stands after them, the history, and how news get in."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from kpi.running.job import SiteJob
from kpi.running.settings import KpiSettings
from kpi.running.summary import Summary
from model.vocabulary import symbol_id
from store import annotations, business, inputs
from store.correction import Correction
from store.pool import Connection, connect
from store.queries import load
from tests.integration.kpi.late_plants import REASONS, Said
from tests.integration.kpi.plant import Plant

KNOWN = frozenset(each["key"] for each in REASONS)
MICROSECOND = timedelta(microseconds=1)
KEY = "asset_id, kpi, variant, grain, production_day, window_start, shift, product, job"
CURRENT = f"""
    SELECT {KEY}, value, numerator, denominator, coverage, completeness, status, flags, is_final FROM kpi_value
    WHERE superseded_at IS NULL AND NOT ('withdrawn' = ANY (flags)) ORDER BY {KEY}
"""
PIECES = """
    SELECT asset_id, production_day, hour, shift, job, product, tariff_period, quantity, qualifier, time_class,
           sub_class, reason, origin, duration_us, amount
    FROM atom ORDER BY 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
"""
STANDING = {
    "atom": PIECES,
    "kpi_value": CURRENT,
    "interval_series": "SELECT asset_id, quantity, from_ts, value FROM interval_series ORDER BY 1, 2, 3",
    "carry_state": "SELECT asset_id, production_day, payload FROM carry_state ORDER BY 1, 2",
}
HISTORY = f"""
    SELECT array_agg(revision ORDER BY computed_at), count(*) FILTER (WHERE superseded_at IS NULL),
           bool_and(superseded_at IS NULL OR superseded_at >= computed_at),
           array_agg(superseded_at ORDER BY revision), array_agg(computed_at ORDER BY revision),
           bool_and(revision = 1 OR cardinality(cause) > 0)
    FROM kpi_value GROUP BY {KEY}
"""
REVISIONS = f"SELECT {KEY}, revision, value, status, flags, computed_at FROM kpi_value"
AS_OF = f"""
    SELECT {KEY}, revision, value, status, flags, computed_at FROM kpi_value
    WHERE computed_at <= %s AND (superseded_at IS NULL OR superseded_at > %s)
"""


class Work:
    """The KPI job of one site over connections that stay open."""

    def __init__(self, connection: Any, reader: Any, url: str) -> None:
        self._connection, self._reader, self._settings = connection, reader, KpiSettings(database_url=url)

    def run(self, now: datetime) -> Summary:
        """Compute what is dirty or due."""
        return SiteJob(self._connection, self._reader, "plant", self._settings).run(now)


@contextmanager
def working(plant: Plant) -> Iterator[Work]:
    """Open the connections of the KPI job."""
    with connect(plant.kpi_url, "test", autocommit=True) as connection, inputs.open_adbc(plant.kpi_url) as reader:
        yield Work(connection, reader, plant.kpi_url)


def standing(plant: Plant) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that stands."""
    return {name: plant.query(sql) for name, sql in STANDING.items()}


def made_at_once(plant: Plant, work: Work, now: datetime) -> None:
    """Forget everything that was computed and compute the same days as one span."""
    first, last = plant.query("SELECT min(from_day), max(to_day) FROM kpi_run")[0]
    with connect(plant.database.url, "test", autocommit=True) as connection:
        connection.execute(load("bench")["forget_derived"])
    noon = timedelta(hours=5)  # in the site's zone
    begin, end = (datetime(day.year, day.month, day.day, tzinfo=UTC) + noon for day in (first, last))
    plant.mark(begin, end + MICROSECOND)
    work.run(now)


def differences(plant: Plant, one: dict[str, list[Any]], other: dict[str, list[Any]]) -> list[tuple[Any, ...]]:
    """A few rows that only one of two states has."""
    names = dict(plant.query("SELECT asset_id, key FROM asset"))
    found: list[tuple[Any, ...]] = []
    for name in one:
        ours, theirs = (set(map(_hashable, each[name])) for each in (one, other))
        for side, rows in (("late", ours - theirs), ("at once", theirs - ours)):
            found += [(name, side, names[row[0]], *row[1:]) for row in sorted(rows, key=str)[:6]]
    return found


def _hashable(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(str(each) if isinstance(each, list | dict) else each for each in row)


def check_history(plant: Plant) -> int:
    """Each value has one current row and a history without holes, every revision a cause; gives the most revisions."""
    rows = plant.query(HISTORY)
    for revisions, current, ordered, superseded, computed, caused in rows:
        assert revisions == list(range(1, len(revisions) + 1))
        assert (current, ordered, caused) == (1, True, True)
        assert superseded[:-1] == computed[1:]
    return max((len(revisions) for revisions, *_ in rows), default=0)


def deliver(plant: Plant, news: Sequence[Said]) -> None:
    """Store news as ingest, the API and the import of records do, each marking its own time."""
    by_sort: dict[str, list[Said]] = {}
    for each in news:
        by_sort.setdefault(each.sort, []).append(each)
    with connect(plant.database.url, "test") as connection:
        _readings(connection, plant, [each.what for each in by_sort.get("readings", [])])
        for each in [*by_sort.get("changes", []), *by_sort.get("runs", [])]:
            _event(connection, plant, *each.what)
        for each in by_sort.get("notes", []):
            _note(connection, plant, *each.what)
        for each in by_sort.get("records", []):
            asset, kind, key, begin, end, payload = each.what
            stated = business.BusinessRecord(f"{each.line} {key}", begin, end, {**json.loads(payload), "asset": asset})
            business.keep(connection, plant.site_id, kind, [stated], "test")


def _event(connection: Connection, plant: Plant, *told: Any) -> None:
    """Store an event and mark its time."""
    asset, ts, kind, key, begin, end, payload = told
    bounds = [None if each is None else at(each) for each in (begin, end)]
    connection.execute(
        "INSERT INTO event (site_id, asset_id, ts, kind, key, from_ts, to_ts, payload) "
        "SELECT site_id, asset_id, %s, %s, %s, %s, %s, %s FROM asset WHERE site_id = %s AND key = %s "
        "ON CONFLICT DO NOTHING",
        [at(ts), kind, key, *bounds, payload, plant.site_id, asset],
    )
    _mark(connection, plant, min(ts, begin or ts), max(ts + 1, end or 0))


def _note(connection: Connection, plant: Plant, *said: Any) -> None:
    """Have an engineer correct a stretch."""
    asset, begin, end, reason, product = said
    told = reason if reason in KNOWN else ""
    if told or product:
        author = annotations.Author(connection, plant.site_id, None)
        annotations.annotate(author, Correction(asset, at(begin), at(end), told or "", product or "", "seen"))


def _mark(connection: Connection, plant: Plant, begin: int, end: int) -> None:
    parameters = {"site_id": [plant.site_id], "from_ts": [at(begin)], "to_ts": [at(end)]}
    connection.execute(load("raw")["insert_dirty_marks"], parameters)


def at(instant_us: int) -> datetime:
    """The instant of µs since 1970 UTC."""
    return datetime(1970, 1, 1, tzinfo=UTC) + instant_us * MICROSECOND


def _readings(connection: Connection, plant: Plant, rows: list[tuple[Any, ...]]) -> None:
    """Store readings, and mark those of each series."""
    if not rows:
        return
    once = {(name, ts): (value, quality) for name, ts, value, quality in rows}
    begin, end = min(ts for _, ts in once), max(ts for _, ts in once)
    connection.execute("SELECT ensure_partitions(%s, %s)", [at(begin), at(end) + timedelta(hours=1)])
    for text in {value for value, _ in once.values() if isinstance(value, str)}:
        connection.execute("INSERT INTO symbol VALUES (%s, %s) ON CONFLICT DO NOTHING", [symbol_id(text), text])
    copying = "COPY reading (ts, series_id, value, quality) FROM STDIN"
    with connection.cursor() as cursor, cursor.copy(copying) as copy:
        for (name, ts), (value, quality) in once.items():
            number = float(symbol_id(value)) if isinstance(value, str) else value
            copy.write_row((at(ts), plant.series[name], number, quality))
    for name in {name for name, _ in once}:
        own = [ts for of, ts in once if of == name]
        _mark(connection, plant, min(own), max(own) + 1)
