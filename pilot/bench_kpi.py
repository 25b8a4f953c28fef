"""`haidang bench kpi`: the KPI job from the database to stored values, beside only reading the same rows with ADBC.

Each size has a database of its own; reading and computing run in fresh processes, one after the other, so that their
times, processor times and peak memory are their own. What is compared is measured in the same run.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from kpi.running.progress import Progress
from pilot.bench_kpi_plant import Size, fill
from pilot.embedded import embedded_database
from pilot.errors import PilotError
from pilot.kpi_progress import shown
from store.migrate import migrate
from store.pool import with_user

MACHINES = (1, 10, 100)
DAYS = (1, 7, 30)


@dataclass(frozen=True)
class Options:
    """What to measure."""

    machines: int = 20
    days: int = 1
    processes: tuple[int, ...] = (1, 2)
    linearity: bool = False
    repeat: int = 1
    only: tuple[str, ...] = ()  # of the sizes of linearity, as machines x days


@dataclass(frozen=True)
class Run:
    """One process: seconds on the clock and on its processor, peak memory of it and its children in MB."""

    what: str
    seconds: float
    processor_s: float
    database_s: float
    peak_mb: float
    readings: int
    values: int = 0
    stages: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Result:
    """All runs of one size; `reading` is the fastest before and after the job, `unchanged` the job once more."""

    machines: int
    days: int
    stored: int
    reading: Run
    jobs: list[Run]
    unchanged: Run | None = None

    @property
    def ratios(self) -> list[float]:
        """End to end over only reading, per number of processes."""
        return [job.seconds / self.reading.seconds for job in self.jobs]


def main(options: Options, *, as_json: bool) -> int:
    """Measure and print."""
    with shown(Console(stderr=True)) as tell:
        results = [run(size, options, tell) for size in sizes(options)]
    if as_json:
        found = [{**asdict(result), "ratios": result.ratios} for result in results]
        sys.stdout.write(json.dumps(found, indent=2) + "\n")
    else:
        _print(results)
    return 0


def sizes(options: Options) -> list[Size]:
    """The sizes to measure.

    Raises:
        PilotError: a wanted size is none of them.
    """
    if options.only and not options.linearity:
        raise PilotError("Single sizes can be chosen of --linearity only; else there are --machines and --days.")
    if not options.linearity:
        return [Size(options.machines, options.days)]
    both = [*((machines, 1) for machines in MACHINES), *((10, days) for days in DAYS[1:])]
    known = {f"{machines}x{days}": Size(machines, days) for machines, days in both}
    if odd := sorted(set(options.only) - set(known)):
        raise PilotError(f"There is no size {odd[0]}; known: {', '.join(known)}.")
    return [size for name, size in known.items() if name in options.only or not options.only]


def run(size: Size, options: Options, tell: Progress) -> Result:
    """Measure one size in a database made for it."""
    with filled(size, tell) as (url, stored):
        return measured(url, size, options, stored, tell)


@contextmanager
def filled(size: Size, tell: Progress) -> Iterator[tuple[str, int]]:
    """Give a database of its own with readings of a size, and their number."""
    with tempfile.TemporaryDirectory(prefix="haidang-bench-") as folder:
        Path(folder).chmod(0o755)  # the database server runs as another user where we are root
        with embedded_database(Path(folder) / "database", keep=False) as url:
            migrate(url)
            yield url, fill(url, size, lambda done, what: tell(done, f"{size}: {what}"))


def measured(url: str, size: Size, options: Options, stored: int, tell: Progress) -> Result:
    """Measure on a filled database."""
    reader = with_user(url, "haidang_kpi")
    tell(0.0, f"{size}: only reading")
    process(reader, size, "read")  # what is read first comes from the disk
    reads, jobs = [process(reader, size, "read")], []
    for number, processes in enumerate(options.processes):
        tell((number + 1) / (len(options.processes) + 1), f"{size}: job, processes: {processes}")
        runs = []
        for _ in range(options.repeat):
            process(url, size, "forget")
            runs.append(process(reader, size, "job", processes))
        jobs.append(min(runs, key=lambda each: each.seconds))
        if not options.linearity:
            reads.append(process(reader, size, "read"))
    result = Result(size.machines, size.days, stored, min(reads, key=lambda each: each.seconds), jobs)
    if options.linearity:
        return result
    process(url, size, "mark")
    return replace(result, unchanged=process(reader, size, "job"))


def process(url: str, size: Size, what: str, processes: int = 1, **environment: str) -> Run:
    """Do one thing in a fresh process and say what it took.

    Raises:
        PilotError: it failed.
    """
    given = json.dumps({"url": url, "size": asdict(size), "processes": processes})
    began = time.monotonic()
    command = [sys.executable, "-m", "pilot.bench_kpi_run", what, given]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **environment})
    if done.returncode != 0:
        raise PilotError(f"The benchmark could not {what} after {time.monotonic() - began:.0f} s:\n{done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return Run(**found)


def _print(results: list[Result]) -> None:
    console = Console(highlight=False, width=130)
    table = Table("machines × days", "readings", "what", title="KPI job", title_justify="left", box=None)
    for name in ("s", "× reading", "ns/reading", "own CPU s", "database CPU s", "peak MB", "values"):
        table.add_column(name, justify="right")
    for result in results:
        for each in (result.reading, *result.jobs, *([result.unchanged] if result.unchanged else [])):
            table.add_row(
                f"{result.machines} × {result.days}",
                f"{each.readings:,}",
                each.what,
                f"{each.seconds:.2f}",
                f"{each.seconds / result.reading.seconds:.2f}",
                f"{1e9 * each.seconds / max(result.stored, 1):,.0f}",
                f"{each.processor_s:.2f}",
                f"{each.database_s:.2f}",
                f"{each.peak_mb:,.0f}",
                f"{each.values:,}",
            )
    console.print(table)
    for result in results:
        first = result.jobs[0]
        stages = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in first.stages.items())
        console.print(f"{result.machines} × {result.days}, {first.what}: {stages}")
        if len(result.jobs) > 1:
            console.print(f"  speed-up by processes: {first.seconds / result.jobs[-1].seconds:.2f}")
