"""`haidang bench kpi --speedup`: how many times faster a second process makes the KPI job, in three ways of having it.

The parts of a span alone, one thread of Polars for each process both times; the whole job from the database to stored
values; and two workers beside each other on the dirty days of several sites, each with everything that it starts with.
"""

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass

from rich.console import Console
from rich.table import Table

from kpi.running.progress import Progress
from pilot.bench_kpi import Run, filled, process
from pilot.bench_kpi_plant import Size
from pilot.kpi_progress import shown
from store.pool import with_user

ONE_THREAD = {"POLARS_MAX_THREADS": "1"}


@dataclass(frozen=True)
class Options:
    """What to measure: a site of so many machines, and so many sites of few machines, all of so many days."""

    machines: int = 20
    days: int = 1
    repeat: int = 1
    sites: int = 8
    machines_of_site: int = 2


@dataclass(frozen=True)
class Pair:
    """The same work with one and with two: seconds on the clock, and of processors (own and the database's)."""

    what: str
    readings: int
    one_s: float
    two_s: float
    one_processor_s: float
    two_processor_s: float

    @property
    def ratio(self) -> float:
        """How many times faster two are."""
        return self.one_s / self.two_s


def main(options: Options, *, as_json: bool) -> int:
    """Measure and print."""
    with shown(Console(stderr=True)) as tell:
        pairs = [*_of_one_site(options, tell), _of_sites(options, tell)]
    if as_json:
        sys.stdout.write(json.dumps([{**asdict(pair), "ratio": pair.ratio} for pair in pairs], indent=2) + "\n")
    else:
        _print(pairs)
    return 0


def _of_one_site(options: Options, tell: Progress) -> list[Pair]:
    size = Size(options.machines, options.days)
    with filled(size, tell) as (url, _):
        reader = with_user(url, "haidang_kpi")
        tell(0.0, f"{size}: reading, so that it is in memory")
        process(reader, size, "read")
        parts, jobs = [], []
        for processes in (1, 2):
            tell((processes - 1) / 4, f"{size}: parts, processes: {processes}")
            parts.append(_fastest([process(reader, size, "parts", processes, **ONE_THREAD) for _ in _times(options)]))
        for processes in (1, 2):
            tell((processes + 1) / 4, f"{size}: job, processes: {processes}")
            jobs.append(_fastest([_job(url, size, processes) for _ in _times(options)]))
    return [_pair(f"parts of {size} machines × days", parts), _pair(f"job of {size} machines × days", jobs)]


def _of_sites(options: Options, tell: Progress) -> Pair:
    size = Size(options.machines_of_site, options.days, sites=options.sites)
    with filled(size, tell) as (url, _):
        found = []
        for workers in (1, 2):
            tell(workers / 2 - 0.5, f"{size}: workers: {workers}")
            found.append(_fastest([_workers(url, size, workers) for _ in _times(options)]))
    return _pair(f"workers on {size} sites × machines × days", found)


def _job(url: str, size: Size, processes: int) -> Run:
    process(url, size, "forget")
    return process(with_user(url, "haidang_kpi"), size, "job", processes)


def _workers(url: str, size: Size, workers: int) -> Run:
    """Workers that start at once and each compute what no other one is computing."""
    process(url, size, "forget")
    reader = with_user(url, "haidang_kpi")
    began = time.perf_counter()
    with ThreadPoolExecutor(workers) as threads:
        started = [threads.submit(process, reader, size, "job") for _ in range(workers)]
        runs = [each.result() for each in started]
    return Run(
        what=f"workers: {workers}",
        seconds=time.perf_counter() - began,
        processor_s=sum(run.processor_s for run in runs),
        database_s=max(run.database_s for run in runs),  # each of them sees that of all
        peak_mb=sum(run.peak_mb for run in runs),
        readings=sum(run.readings for run in runs),
        values=sum(run.values for run in runs),
    )


def _times(options: Options) -> range:
    return range(options.repeat)


def _fastest(runs: list[Run]) -> Run:
    return min(runs, key=lambda run: run.seconds)


def _pair(what: str, runs: list[Run]) -> Pair:
    one, two = runs
    used = [run.processor_s + run.database_s for run in runs]
    return Pair(what, one.readings, one.seconds, two.seconds, *used)


def _print(pairs: list[Pair]) -> None:
    table = Table("what", title="KPI job, two beside one", title_justify="left", box=None)
    for name in ("readings", "one s", "two s", "times faster", "CPU s of one", "CPU s of two"):
        table.add_column(name, justify="right")
    for pair in pairs:
        seconds = (pair.one_s, pair.two_s, pair.ratio, pair.one_processor_s, pair.two_processor_s)
        table.add_row(pair.what, f"{pair.readings:,}", *(f"{value:.2f}" for value in seconds))
    Console(highlight=False, width=130).print(table)
