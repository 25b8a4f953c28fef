"""The rivals of the KPI job, each run in a fresh process of its own: pandas (kpi_pandas.py) and plain SQL.

In: a filled database. Out: the numbers of kpi_numbers.py, and what making them took. SQL needs two statements: one for
hours, shifts and days of machines, lines and site, and one for what we keep of each series and day.
"""

import multiprocessing
import os
import resource
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from math import nan
from pathlib import Path
from typing import Any

import psycopg

from pilot.bench_kpi_plant import START, Size
from pilot.bench_used import database_seconds
from tests.benchmarks.kpi_numbers import Found
from tests.benchmarks.kpi_pandas import in_pandas

WANTED = {"sql": 3, "pandas": 10}  # times ours
WORK_MEM = "SET work_mem = '256MB'"  # as somebody would who waits for it
_KB = 1024.0


@dataclass(frozen=True)
class Run:
    """What a rival gave and took: seconds on the clock, those of its first part, processor time with the start."""

    found: Found
    seconds: float
    first_part: str
    first_s: float
    processor_s: float
    database_s: float
    peak_mb: float


def measured(name: str, url: str, size: Size) -> Run:
    """Run a rival in a fresh process."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as fresh:
        return fresh.submit(_run, name, url, size).result()


def in_sql(connection: psycopg.Connection[Any], size: Size) -> tuple[Found, float]:
    """Give all numbers, and the seconds that those of windows took."""
    began = time.perf_counter()
    connection.execute(WORK_MEM)
    windows = {
        (asset, grain, start): [nan if value is None else float(value) for value in values]
        for asset, grain, start, *values in _statement("kpi.sql", connection, size)
    }
    first_s = time.perf_counter() - began
    rows = _statement("kpi_series.sql", connection, size)
    return Found(windows, {(number, start): values for number, start, *values in rows}), first_s


def _statement(name: str, connection: psycopg.Connection[Any], size: Size) -> list[tuple[Any, ...]]:
    statement = Path(__file__).with_name(name).read_text("utf-8")
    return connection.execute(statement.encode(), {"start": START, "until": size.until}).fetchall()


def _run(name: str, url: str, size: Size) -> Run:
    with psycopg.connect(url) as connection:  # open until the server's time is read, which would miss one that ends
        database, began = database_seconds(url), time.perf_counter()
        if name == "sql":
            (found, first_s), first_part = in_sql(connection, size), "numbers of windows"
        else:
            (found, first_s), first_part = in_pandas(url, size), "read_sql"
        seconds, own = time.perf_counter() - began, os.times()
        database_s = database_seconds(url) - database
        own_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / _KB
        peak_mb = _peak_mb(connection.info.backend_pid) if name == "sql" else own_mb
    return Run(found, seconds, first_part, first_s, own.user + own.system, database_s, peak_mb)


def _peak_mb(process: int) -> float:
    """Peak memory of a process as Linux says it, shared buffers that it touched included."""
    lines = Path(f"/proc/{process}/status").read_text("ascii").splitlines()
    return next(float(line.split()[1]) / _KB for line in lines if line.startswith("VmHWM"))
