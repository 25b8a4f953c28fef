"""The KPI job beside pandas and plain SQL on the same database: equal numbers to 1e-9, and how many times faster."""

import sys
import tempfile
from collections.abc import Collection
from itertools import islice
from pathlib import Path

from pilot import bench_kpi
from pilot.bench_kpi_plant import Size, fill
from pilot.embedded import embedded_database
from store.migrate import migrate
from store.pool import with_user
from tests.benchmarks.kpi_numbers import NAMES, Found, differences, ours
from tests.benchmarks.kpi_rivals import WANTED, Run, measured

SHOWN = 10


def compare(size: Size, processes: int, rivals: Collection[str]) -> int:
    """Measure and print; 1 where a rival has other numbers than we."""
    with tempfile.TemporaryDirectory(prefix="haidang-bench-") as folder:
        Path(folder).chmod(0o755)  # the database server runs as another user where we are root
        with embedded_database(Path(folder) / "database", keep=False) as url:
            migrate(url)
            rows = fill(url, size)
            _say(f"{size.machines} machines, {size.days} days, {rows:,} readings")
            job = bench_kpi.process(with_user(url, "haidang_kpi"), size, "job", processes)
            _say(_line("ours, all KPIs stored", job))
            _say("  " + ", ".join(f"{name} {seconds:.1f} s" for name, seconds in job.stages.items()))
            stored = ours(url)
            equal = [_beside(job, measured(name, url, size), name, stored) for name in rivals]
    return 0 if all(equal) else 1


def _beside(job: bench_kpi.Run, run: Run, name: str, stored: Found) -> bool:
    """Print a rival's line, how many times longer it took, and whether it has our numbers."""
    _say(_line(name, run))
    _say(f"  of it {run.first_part}: {run.first_s:.1f} s ({run.first_s / job.seconds:.1f} × ours)")
    of_processors = (run.processor_s + run.database_s) / (job.processor_s + job.database_s)
    _say(f"  {run.seconds / job.seconds:.1f} × ours (wanted {WANTED[name]}), by processor time {of_processors:.1f} ×")
    odd = list(islice(differences(run.found, stored), SHOWN))
    for line in odd:
        _say(f"  {name}: {line}")
    if not odd:
        _say(f"  equal: {len(stored.windows)} windows × {len(NAMES)} numbers, {len(stored.series)} days of series")
    return not odd


def _line(name: str, run: bench_kpi.Run | Run) -> str:
    used = f"processor {run.processor_s:.1f} s of its own and {run.database_s:.1f} s of the database"
    return f"{name}: {run.seconds:.1f} s, {used}, peak {run.peak_mb:,.0f} MB"


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
