"""The numbers of the benchmark plant from pandas and from plain SQL, written as one writes them without us.

All give seconds per time class, good and rejected pieces, OEE, energy (kWh) and completeness of the periodic signals:
SQL for every hour, shift and production day of machines, lines and site, pandas for the days of machines only. A second
statement of SQL gives what we keep of each series and day: readings and their digest, received, due, gaps, flat lines.
The plant has no resets, corrections or records, and no gaps but those before the first reading: neither rival could.
"""

from datetime import datetime, timedelta
from math import nan
from pathlib import Path
from typing import Any

import pandas as pd  # type: ignore[import-untyped]
import psycopg
import sqlalchemy
from sqlalchemy.engine import URL

from pilot.bench_kpi_plant import GAUGE_S, GAUGES, IDEAL_CYCLE_S, START, Size

Key = tuple[str, str, datetime]  # asset, grain, start of the window
Numbers = dict[Key, list[float]]
SeriesDays = dict[tuple[int, datetime], list[Any]]  # series, start of the day
NAMES = ("production", "delay", "unknown", "not_scheduled", "good", "reject", "oee", "energy", "completeness")
SHIFTS = timedelta(hours=16)
HOLD = timedelta(seconds=60)
OURS = """
SELECT a.key, k.grain, k.window_start, k.kpi, k.value, k.completeness
FROM kpi_value k JOIN asset a USING (asset_id)
WHERE k.grain IN ('hour', 'shift', 'day') AND k.superseded_at IS NULL AND k.variant = ''
"""
OUR_SERIES = """
SELECT q.series_id, d.from_ts, d.rows, encode(d.sha256, 'hex'), q.received, q.expected, q.gaps, q.gap_us,
       q.longest_gap_us, q.flat_spans, q.out_of_range
FROM series_quality q JOIN raw_day_digest d USING (series_id, production_day) WHERE d.superseded_at IS NULL
"""
WORK_MEM = "SET work_mem = '256MB'"  # as somebody would who waits for it
_KPIS = {
    **{name: f"{name}_time" for name in NAMES[:4]},
    "good": "good_quantity",
    "reject": "scrap_quantity",
    "oee": "oee",
    "energy": "energy",
}


def ours(url: str) -> Numbers:
    """The same numbers as the job stored them; an hour in which a time is zero has no value of it."""
    found: dict[Key, dict[str, float]] = {}
    with psycopg.connect(url) as connection:
        for asset, grain, start, kpi, value, completeness in connection.execute(OURS):
            of_window = found.setdefault((asset, grain, start), {"oee": nan})
            of_window[kpi] = nan if value is None else value
            if kpi == "good_quantity":
                of_window["completeness"] = completeness
    return {key: [each.get(_KPIS.get(name, name), 0.0) for name in NAMES] for key, each in found.items()}


def our_series(url: str) -> SeriesDays:
    """What the job stored of each series and production day."""
    with psycopg.connect(url) as connection:
        return {(number, start): values for number, start, *values in connection.execute(OUR_SERIES).fetchall()}


def series_in_sql(url: str, size: Size) -> SeriesDays:
    """The same from one statement."""
    return {(number, start): values for number, start, *values in _statement("kpi_series.sql", url, size)}


def _statement(name: str, url: str, size: Size) -> list[tuple[Any, ...]]:
    statement = Path(__file__).with_name(name).read_text("utf-8")
    with psycopg.connect(url) as connection:
        connection.execute(WORK_MEM)
        return connection.execute(statement.encode(), {"start": START, "until": size.until}).fetchall()


def in_sql(url: str, size: Size) -> Numbers:
    """One statement."""
    rows = _statement("kpi.sql", url, size)
    return {
        (asset, grain, start): [nan if value is None else float(value) for value in values]
        for asset, grain, start, *values in rows
    }


def in_pandas(url: str, size: Size) -> Numbers:
    """Read everything with `read_sql`, then group by machine and day."""
    readings = _read(url)
    found: Numbers = {}
    for asset, of_asset in readings.groupby("asset"):
        series = {name: rows.sort_values("ts") for name, rows in of_asset.groupby("name")}
        for number in range(size.days):
            start = pd.Timestamp(START) + timedelta(days=number)
            found[str(asset), "day", start.to_pydatetime()] = _day(series, start)
    return found


def _read(url: str) -> pd.DataFrame:
    with psycopg.connect(url) as connection:
        info = connection.info
        where = {"host": info.host, "port": str(info.port)}
        address = URL.create("postgresql+psycopg", username=info.user, database=info.dbname, query=where)
    engine = sqlalchemy.create_engine(address)
    query = (
        "SELECT a.key AS asset, s.name, r.ts, r.value, y.text FROM reading r JOIN series s USING (series_id) "
        "JOIN asset a USING (asset_id) LEFT JOIN symbol y ON y.symbol_id = r.value AND s.name = 'state'"
    )
    return pd.read_sql(query, engine)


def _day(series: dict[str, pd.DataFrame], start: pd.Timestamp) -> list[float]:
    end, close = start + timedelta(days=1), start + SHIFTS
    state = series["state"]
    begin = state["ts"].clip(lower=start, upper=close)
    until = state["ts"].shift(-1).fillna(close).clip(lower=start, upper=close)
    seconds = (until - begin).dt.total_seconds().groupby(state["text"] == "EXECUTE").sum()
    production, delay = float(seconds.get(True, 0.0)), float(seconds.get(False, 0.0))
    good, reject = (_pieces(series[name], start, end) for name in ("good_count", "reject_count"))
    ideal = _pieces(series["good_count"], start, close) * IDEAL_CYCLE_S
    power = series["power_kw"]
    held = pd.concat([power["ts"].shift(-1), power["ts"] + HOLD], axis=1).min(axis=1)
    hours = (held.clip(lower=start, upper=end) - power["ts"].clip(lower=start, upper=end)).dt.total_seconds() / 3600
    gauges = [rows for name, rows in series.items() if name.startswith("temperature")]
    received = sum(int(((rows["ts"] > start) & (rows["ts"] <= end)).sum()) for rows in gauges)
    period = round(GAUGE_S * 1e6)
    due = GAUGES * (round(end.timestamp() * 1e6) // period - round(start.timestamp() * 1e6) // period)
    unknown = SHIFTS.total_seconds() - production - delay
    planned = SHIFTS.total_seconds()
    energy = float((power["value"] * hours).sum())
    return [
        production,
        delay,
        unknown,
        86_400 - planned,
        good,
        reject,
        ideal / planned,
        energy,
        min(received / due, 1.0),
    ]


def _pieces(counter: pd.DataFrame, start: pd.Timestamp, end: pd.Timestamp) -> float:
    inside = (counter["ts"] > start) & (counter["ts"] <= end)
    return float(counter["value"].diff()[inside].sum())
