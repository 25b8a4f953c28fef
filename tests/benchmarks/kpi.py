"""The KPI job beside pandas and plain SQL on the same database: equal numbers to 1e-9, and how many times faster."""

import sys
import tempfile
import time
from math import inf, isclose, isnan
from pathlib import Path

from pilot import bench_kpi
from pilot.bench_kpi_plant import Size, fill
from pilot.embedded import embedded_database
from store.migrate import migrate
from store.pool import with_user
from tests.benchmarks.kpi_rivals import NAMES, Numbers, in_pandas, in_sql, our_series, ours, series_in_sql


def compare(machines: int, days: int, processes: int) -> int:
    """Measure and print; 1 where a rival has other numbers than we."""
    size = Size(machines, days)
    with tempfile.TemporaryDirectory(prefix="haidang-bench-") as folder:
        Path(folder).chmod(0o755)  # the database server runs as another user where we are root
        with embedded_database(Path(folder) / "database", keep=False) as url:
            migrate(url)
            rows = fill(url, size)
            _say(f"{machines} machines, {days} days, {rows:,} readings")
            job = bench_kpi.process(with_user(url, "haidang_kpi"), size, "job", processes)
            _say(f"ours, everything stored: {job.seconds:.1f} s, own processor {job.processor_s:.1f} s")
            equal = [_windows(url, size, job.seconds), _machine_days(url, size, job.seconds)]
    return 0 if all(equal) else 1


def _windows(url: str, size: Size, our_s: float) -> bool:
    """SQL: its numbers of windows, and those of series beside them."""
    stored, series = ours(url), our_series(url)
    began = time.perf_counter()
    found = in_sql(url, size)
    windows_s = time.perf_counter() - began
    of_series = series_in_sql(url, size)
    seconds = time.perf_counter() - began
    _say(f"SQL, KPIs of windows only: {windows_s:.1f} s: {windows_s / our_s:.1f} × ours")
    _say(f"SQL, with digest and quality of each series: {seconds:.1f} s: {seconds / our_s:.1f} × ours (wanted 3)")
    odd = [key for key in sorted({*series, *of_series}) if series.get(key) != of_series.get(key)]
    for key in odd[:10]:
        _say(f"  SQL has {of_series.get(key)} for series {key}, ours is {series.get(key)}")
    _say(f"  {len(series) - len(odd)} of {len(series)} days of series equal")
    return _same("SQL", found, stored) and not odd


def _machine_days(url: str, size: Size, our_s: float) -> bool:
    """pandas: the days of machines."""
    began = time.perf_counter()
    found = in_pandas(url, size)
    seconds = time.perf_counter() - began
    _say(f"pandas: {seconds:.1f} s: {seconds / our_s:.1f} × ours (wanted 10)")
    return _same("pandas", found, _of_machine_days(ours(url)))


def _same(name: str, found: Numbers, stored: Numbers) -> bool:
    differing = [
        f"{name} has {what} = {value} for {key}, ours is {our}"
        for key in sorted({*found, *stored})
        for what, value, our in zip(NAMES, found.get(key, _NONE), stored.get(key, _NONE), strict=True)
        if not (isclose(value, our, rel_tol=1e-9, abs_tol=1e-9) or (isnan(value) and isnan(our)))
    ]
    for line in differing[:10]:
        _say("  " + line)
    if not differing:
        _say(f"  {len(stored)} windows × {len(NAMES)} numbers equal to 1e-9")
    return not differing


def _of_machine_days(stored: Numbers) -> Numbers:
    return {key: values for key, values in stored.items() if key[1] == "day" and "/" in key[0]}


_NONE = [inf] * len(NAMES)  # equals nothing


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
