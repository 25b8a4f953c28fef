"""`haidang bench ingest`: how fast messages become committed rows, beside a raw keyed binary COPY of as many rows.

Two runs over a database and a broker of their own: draining a full queue, and with the publishers live on the same
machine. Every run checks that exactly what was sent is stored.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from pilot.bench_publisher import DEVICES, Load, names, topic
from pilot.broker import embedded_broker
from pilot.embedded import embedded_database
from pilot.errors import PilotError
from store import raw
from store.migrate import migrate
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
class Run:
    """One measurement; rates are committed values in a second.

    `lost` counts sent values that are not stored under their key, `doubled` stored ones that nobody sent or that are
    there more often than they were sent; both must be 0.
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

    @property
    def complete(self) -> bool:
        """Whether exactly what was sent is stored."""
        return self.lost == self.doubled == 0


@dataclass(frozen=True)
class Result:
    """All measurements of one run on one machine."""

    values_per_message: int
    cpus: int
    broker: str
    server: str
    copy_rows_per_s: float
    runs: list[Run]

    @property
    def complete(self) -> bool:
        return all(run.complete for run in self.runs)


def main(*, values_per_message: int, messages: int | None = None, as_json: bool = False) -> int:
    """Measure and print; 0 when everything that was sent is stored."""
    result = run(values_per_message=values_per_message, messages=messages)
    if as_json:
        sys.stdout.write(json.dumps({**asdict(result), "complete": result.complete}, indent=2) + "\n")
    else:
        _print(result)
    return 0 if result.complete else 1


def run(*, values_per_message: int, messages: int | None = None) -> Result:
    """Measure with a database and a broker made for it."""
    count = messages or DEFAULT_MESSAGES.get(values_per_message, max(1, DEFAULT_VALUES // values_per_message))
    work = Load(SITE, messages=count, values_per_message=values_per_message)
    with ExitStack() as exits:
        folder = Path(exits.enter_context(tempfile.TemporaryDirectory(prefix="haidang-bench-")))
        folder.chmod(0o755)  # the database server runs as another user where we are root
        url = exits.enter_context(embedded_database(folder / "database", keep=False))
        server = migrate(url).server
        broker_url, broker = exits.enter_context(embedded_broker(folder / "broker"))
        _prepare(url)
        copied = copy_rate(url, work.values)
        bench = _Bench(url, broker_url, folder, work, copied)
        runs = [bench.drain(), bench.live()]
    return Result(values_per_message, os.cpu_count() or 1, broker, server, copied, runs)


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
    _empty(url)
    return rows / seconds


def _prepare(url: str) -> None:
    with connect(url, "bench") as connection:
        connection.execute(_SQL["add_site"], {"key": SITE})


def _empty(url: str) -> None:
    with connect(url, "bench") as connection:
        connection.execute(_SQL["empty"])


class _Bench:
    """The runs over one stack."""

    def __init__(self, url: str, broker_url: str, folder: Path, work: Load, copied: float) -> None:
        self._url = url
        self._broker_url = broker_url
        self._folder = folder
        self._work = work
        self._copied = copied

    def drain(self) -> Run:
        """Fill the queue of a worker that is away, then let it work."""
        with self._ingest("first"):
            pass  # its session and its subscriptions stay at the broker
        _empty(self._url)
        start_ms = self._publish()
        with self._ingest("drain") as (process, connected):
            run = self._measured("draining a full queue", connected, process, start_ms)
        _empty(self._url)
        return run

    def live(self) -> Run:
        """Publish and store at the same time."""
        with self._ingest("live") as (process, _):
            began = time.perf_counter()
            start_ms = self._publish()
            run = self._measured("publishers live", began, process, start_ms)
        _empty(self._url)
        return run

    @contextmanager
    def _ingest(self, name: str) -> Iterator[tuple[subprocess.Popen[bytes], float]]:
        """A worker that is connected, and the last instant at which it was not seen to be."""
        environment = {
            **os.environ,
            "HAIDANG_DATABASE_URL": with_user(self._url, "haidang_ingest"),
            "HAIDANG_BROKER_URL": self._broker_url,
            "HAIDANG_INGEST_CLIENT_ID": "bench",
            "HAIDANG_INGEST_METRICS_PORT": "0",
        }
        with self._log(name).open("wb") as log:
            process = subprocess.Popen([sys.executable, "-m", "ingest"], env=environment, stdout=log, stderr=log)
        try:
            yield process, self._wait_connected(name)
        finally:
            process.terminate()
            process.wait(30)

    def _publish(self) -> int:
        """Publish the load from a process of its own; returns the time of its first message in ms."""
        start_ms = self._work.start_ms()
        arguments = [self._broker_url, self._work.to_json(), str(start_ms)]
        if subprocess.run([sys.executable, "-m", "pilot.bench_publisher", *arguments], check=False).returncode != 0:
            raise PilotError("The publisher of the benchmark failed.")
        return start_ms

    def _log(self, name: str) -> Path:
        return self._folder / f"ingest-{name}.log"

    def _wait_connected(self, name: str) -> float:
        """Wait until ingest says that it is connected; returns the last instant at which it had not said so."""
        deadline = time.monotonic() + STALL_S
        before = time.perf_counter()
        while time.monotonic() < deadline:
            looked_at = time.perf_counter()
            text = self._log(name).read_text("utf-8", errors="replace")
            if "broker_connected" in text:
                return before
            before = looked_at
            time.sleep(POLL_S)
        raise PilotError(f"Ingest did not connect within {STALL_S:.0f} s:\n{text}")

    def _measured(self, name: str, began: float, process: subprocess.Popen[bytes], start_ms: int) -> Run:
        """Wait until everything is accounted for, compare what is stored with what was sent."""
        peak = self._wait_processed(process)
        seconds = time.perf_counter() - began
        with connect(self._url, "bench") as connection:
            row = connection.execute(_SQL["stored"]).fetchone()
            stored = int(row[0]) if row else 0
            lost, doubled = difference(connection, self._work, start_ms)
        rate = stored / seconds
        work = self._work
        return Run(name, work.messages, work.values, stored, lost, doubled, seconds, rate, rate / self._copied, peak)

    def _wait_processed(self, process: subprocess.Popen[bytes]) -> float:
        """Wait for all messages; returns the peak of the worker's memory in MB."""
        peak, last, moved_at = 0.0, -1, time.monotonic()
        with connect(self._url, "bench", autocommit=True) as connection:
            while last < self._work.messages:
                row = connection.execute(_SQL["processed"]).fetchone()
                count = int(row[0]) if row else 0
                peak = max(peak, memory_mb(process.pid))
                if count != last:
                    last, moved_at = count, time.monotonic()
                elif time.monotonic() - moved_at > STALL_S:
                    raise PilotError(f"Ingest stands still at {count} of {self._work.messages} messages.")
                time.sleep(POLL_S)
        return peak


def difference(connection: Connection, work: Load, start_ms: int) -> tuple[int, int]:
    """Compare what is stored with a load by key and value: values lost, values doubled or never sent."""
    parameters = {
        "start_ms": start_ms,
        "messages": work.messages,
        "names": names(work),
        "devices": DEVICES,
        "assets": [topic(SITE, device).split("/", 3)[3].removesuffix("/data") for device in range(DEVICES)],
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
    title = f"ingest, {result.values_per_message} values per message, {machine}"
    table = Table(title=title, title_justify="left")
    for column in ("run", "messages", "sent = stored", "seconds", "values/s", "of raw COPY", "peak memory"):
        table.add_column(column, justify="left" if column == "run" else "right")
    for one in result.runs:
        mark = "yes" if one.complete else f"NO: {one.lost:,} lost, {one.doubled:,} doubled"
        table.add_row(
            *(one.name, f"{one.messages:,}", f"{one.sent_values:,} {mark}", f"{one.seconds:.2f}"),
            *(f"{one.values_per_s:,.0f}", f"{one.of_copy:.2f}", f"{one.peak_memory_mb:.0f} MB"),
        )
    rows = result.runs[0].sent_values
    table.add_row("raw keyed binary COPY", "", f"{rows:,}", "", f"{result.copy_rows_per_s:,.0f}", "1.00", "")
    Console().print(table)
