"""The KPI job beside pandas and plain SQL on the same database: equal numbers to 1e-9, and how many times faster."""

import sys
import tempfile
import time
from collections.abc import Callable
from math import inf, isclose, isnan
from pathlib import Path

from pilot import bench_kpi
from pilot.bench_kpi_plant import Size, fill
from pilot.embedded import embedded_database
from store.migrate import migrate
from store.pool import with_user
from tests.benchmarks.kpi_rivals import NAMES, Numbers, in_pandas, in_sql, ours

WANTED = {"pandas": 10.0, "SQL": 3.0}


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
            stored, equal = ours(url), True
            rivals: dict[str, Callable[[str, Size], Numbers]] = {"SQL": in_sql, "pandas": in_pandas}
            for name, rival in rivals.items():
                began = time.perf_counter()
                found = rival(url, size)
                seconds = time.perf_counter() - began
                _say(f"{name}: {seconds:.1f} s: {seconds / job.seconds:.1f} × ours (wanted {WANTED[name]:g})")
                equal &= _same(name, found, stored if name == "SQL" else _of_machine_days(stored))
    return 0 if equal else 1


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
