"""`haidang bench ingest`: how fast messages become committed rows, beside a raw keyed binary COPY of as many rows.

Two runs over a database and a broker of their own: draining a full queue, and with the publishers live on the same
machine. Every run checks that exactly what was sent is stored. On request: the time from publish to readable at half
the rate of the live run, and where the processor's time goes.
"""

import json
import os
import sys
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median

import numpy as np
from rich.console import Console
from rich.table import Table

from pilot.bench_latency import Latency, measure_latency
from pilot.bench_profile import Stage, stages
from pilot.bench_publisher import DEVICES, Load, assets, names
from pilot.bench_stack import Stack, empty, stack
from pilot.bench_used import Used, used_since, used_until_now
from pilot.errors import PilotError
from store import raw
from store.pool import Connection, connect, with_user
from store.queries import load

SITE = "bench"
DEFAULT_MESSAGES = {1: 200_000}
DEFAULT_VALUES = 1_000_000
BATCH_ROWS = 10_000
STALL_S = 60.0
POLL_S = 0.02
_SQL = load("bench")


@dataclass(frozen=True)
class Options:
    """What to measure: messages of so many values, how often (the median counts), and what beside the rates."""

    values_per_message: int
    messages: int | None = None
    format: str = "native"
    repeat: int = 1
    latency: bool = False
    profile: bool = False

    @property
    def load(self) -> Load:
        size = self.values_per_message
        count = self.messages or DEFAULT_MESSAGES.get(size, max(1, DEFAULT_VALUES // size))
        return Load(SITE, messages=count, values_per_message=size, format=self.format)


@dataclass(frozen=True)
class Run:
    """One measurement, or the medians of several; rates are committed values in a second.

    `lost` counts sent values that are not stored under their key, `doubled` stored ones that nobody sent or that are
    there more often than they were sent; both must be 0. `used` is the processor's time per value in microseconds.
    """

    name: str
    messages: int
    sent_values: int
    stored_values: int
    lost: int
    doubled: int
    seconds: float
    values_per_s: float
    of_copy: float
    peak_memory_mb: float
    used: Used
    all_values_per_s: tuple[float, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether exactly what was sent is stored."""
        return self.lost == self.doubled == 0


@dataclass(frozen=True)
class Result:
    """All measurements of one run on one machine."""

    values_per_message: int
    format: str
    repeat: int
    cpus: int
    broker: str
    server: str
    copy_rows_per_s: float
    runs: list[Run]
    latency: Latency | None = None
    stages: tuple[Stage, ...] = ()

    @property
    def complete(self) -> bool:
        return all(run.complete for run in self.runs) and (self.latency is None or self.latency.complete)


def main(options: Options, *, as_json: bool = False) -> int:
    """Measure and print; 0 when everything that was sent is stored."""
    result = run(options)
    if as_json:
        sys.stdout.write(json.dumps({**asdict(result), "complete": result.complete}, indent=2) + "\n")
    else:
        _print(result)
    return 0 if result.complete else 1


def run(options: Options) -> Result:
    """Measure with a database and a broker made for it."""
    work = options.load
    with ExitStack() as exits:
        made = exits.enter_context(stack(SITE))
        copied, runs = [], []
        for _ in range(options.repeat):
            copied.append(copy_rate(made.url, work.values))
            runs += [_drain(made, work, copied[-1]), _live(made, work, copied[-1])]
        medians = [medians_of(runs[place::2]) for place in (0, 1)]
        latency = None
        if options.latency:
            rate = medians[1].values_per_s / work.values_per_message / 2
            latency = measure_latency(made, replace(work, messages=0), rate)
        found = tuple(stages(made.url, work)) if options.profile else ()
    return Result(
        *(work.values_per_message, work.format, options.repeat, os.cpu_count() or 1, made.broker, made.server),
        *(median(copied), medians, latency, found),
    )


def medians_of(runs: list[Run]) -> Run:
    """The run of the median rate, what was lost in any of them, and all rates."""
    ordered = sorted(runs, key=lambda one: one.values_per_s)
    return replace(
        ordered[(len(ordered) - 1) // 2],
        values_per_s=median(one.values_per_s for one in runs),
        of_copy=median(one.of_copy for one in runs),
        lost=sum(one.lost for one in runs),
        doubled=sum(one.doubled for one in runs),
        peak_memory_mb=max(one.peak_memory_mb for one in runs),
        all_values_per_s=tuple(one.values_per_s for one in runs),
    )


def copy_rate(url: str, rows: int) -> float:
    """Rows in a second that binary COPY alone commits into the same table with the same key, 10,000 at a time."""
    values = np.random.default_rng(1).random(rows)
    ids = (np.arange(rows) % 50 + 1_000_000).astype(np.int32)
    start_us = time.time_ns() // 1000 - rows
    with connect(with_user(url, "haidang_ingest"), "bench") as connection:
        raw.ensure_days(connection, {(start_us // 86_400_000_000) + day for day in (0, 1)})
        connection.commit()
        began = time.perf_counter()
        for at in range(0, rows, BATCH_ROWS):
            part = slice(at, min(rows, at + BATCH_ROWS))
            times = start_us + np.arange(part.start, part.stop)
            quality = np.zeros(len(times), np.int16)
            raw.copy_readings(connection, raw.Rows(times, ids[part], values[part], quality))
            connection.commit()
        seconds = time.perf_counter() - began
    empty(url)
    return rows / seconds


def _drain(made: Stack, work: Load, copied: float) -> Run:
    """Fill the queue of a worker that is away, then let it work."""
    with made.ingest("first"):
        pass  # its session and its subscriptions stay at the broker
    empty(made.url)
    start_ms = work.start_ms()
    made.publish(work, start_ms)
    before = used_until_now(made)
    with made.ingest("drain") as (pid, connected):
        run = _measured("draining a full queue", made, work, copied, (start_ms, connected, pid, before))
    empty(made.url)
    return run


def _live(made: Stack, work: Load, copied: float) -> Run:
    """Publish and store at the same time."""
    with made.ingest("live") as (pid, _):
        before, began = used_until_now(made), time.perf_counter()
        start_ms = work.start_ms()
        made.publish(work, start_ms)
        run = _measured("publishers live", made, work, copied, (start_ms, began, pid, before))
    empty(made.url)
    return run


def _measured(name: str, made: Stack, work: Load, copied: float, began: tuple[int, float, int, Used]) -> Run:
    """Wait until everything is accounted for, compare what is stored with what was sent."""
    start_ms, began_at, pid, before = began
    peak = _wait_processed(made.url, work, pid)
    seconds = time.perf_counter() - began_at
    used = used_since(before, made, pid, work.values)
    with connect(made.url, "bench") as connection:
        row = connection.execute(_SQL["stored"]).fetchone()
        stored = int(row[0]) if row else 0
        lost, doubled = difference(connection, work, start_ms)
    rate = stored / seconds
    return Run(name, work.messages, work.values, stored, lost, doubled, seconds, rate, rate / copied, peak, used)


def _wait_processed(url: str, work: Load, pid: int) -> float:
    """Wait for all messages; returns the peak of the worker's memory in MB."""
    peak, last, moved_at = 0.0, -1, time.monotonic()
    with connect(url, "bench", autocommit=True) as connection:
        while last < work.messages:
            row = connection.execute(_SQL["processed"]).fetchone()
            count = int(row[0]) if row else 0
            peak = max(peak, memory_mb(pid))
            if count != last:
                last, moved_at = count, time.monotonic()
            elif time.monotonic() - moved_at > STALL_S:
                raise PilotError(f"Ingest stands still at {count} of {work.messages} messages.")
            time.sleep(POLL_S)
    return peak


def difference(connection: Connection, work: Load, start_ms: int) -> tuple[int, int]:
    """Compare what is stored with a load by key and value: values lost, values doubled or never sent."""
    parameters = {
        "start_ms": start_ms,
        "messages": work.messages,
        "names": names(work),
        "devices": DEVICES,
        "assets": assets(work),
    }
    row = connection.execute(_SQL["difference"], parameters).fetchone()
    assert row is not None  # noqa: S101 - counts
    return int(row[0]), int(row[1])


def memory_mb(pid: int) -> float:
    """Peak resident memory of a process in MB, 0 where the system does not tell."""
    try:
        text = Path(f"/proc/{pid}/status").read_text("ascii", errors="replace")
    except OSError:
        return 0.0
    line = next((line for line in text.splitlines() if line.startswith("VmHWM")), "VmHWM: 0 kB")
    return int(line.split()[1]) / 1024


def _print(result: Result) -> None:
    machine = f"{result.cpus} CPUs, {result.broker}, PostgreSQL {result.server}"
    times = f", median of {result.repeat}" if result.repeat > 1 else ""
    title = f"ingest, {result.format}, {result.values_per_message} values per message, {machine}{times}"
    table = Table(title=title, title_justify="left")
    for column in ("run", "messages", "sent = stored", "values/s", "of raw COPY", "peak memory", "CPU of"):
        table.add_column(column, justify="left" if column in {"run", "CPU of"} else "right")
    for one in result.runs:
        mark = "yes" if one.complete else f"NO: {one.lost:,} lost, {one.doubled:,} doubled"
        spread = f" ({min(one.all_values_per_s):,.0f} to {max(one.all_values_per_s):,.0f})" if result.repeat > 1 else ""
        table.add_row(
            *(one.name, f"{one.messages:,}", f"{one.sent_values:,} {mark}", f"{one.values_per_s:,.0f}{spread}"),
            *(f"{one.of_copy:.2f}", f"{one.peak_memory_mb:.0f} MB", str(one.used)),
        )
    rows = result.runs[0].sent_values
    table.add_row("raw keyed binary COPY", "", f"{rows:,}", f"{result.copy_rows_per_s:,.0f}", "1.00", "", "")
    console = Console()
    console.print(table)
    if result.latency:
        console.print(str(result.latency))
    for stage in result.stages:
        console.print(str(stage))
