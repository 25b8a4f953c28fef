"""`haidang bench catchup`: the database is away for a while, the broker keeps what comes; then everything is stored.

In: how long, how much in a second, how many workers. Out: the rate of catching up and the peak of each worker's memory,
with what was sent compared to what is stored. The messages of the outage are sent as fast as the broker takes them.
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

from rich.console import Console
from rich.table import Table

from pilot.bench_ingest import difference, memory_mb
from pilot.bench_publisher import Load
from pilot.broker import embedded_broker
from pilot.embedded import embedded_database
from pilot.errors import PilotError
from store.leases import workers
from store.migrate import migrate
from store.pool import connect, with_user
from store.queries import load

SITE = "bench"
CLIENT_ID = "bench"
MEMORY_LIMIT_MB = 300
START_S = 120.0
STALL_S = 60.0
POLL_S = 0.1
SETTLE_MESSAGES = 2_000  # stored before the outage, so that every series is known
_SQL = load("bench")


@dataclass(frozen=True)
class Options:
    """An outage of so many minutes at so many values a second, in messages of so many."""

    minutes: float
    values_per_s: int
    values_per_message: int
    workers: int

    @property
    def messages(self) -> int:
        return max(1, round(self.minutes * 60 * self.values_per_s / self.values_per_message))


@dataclass(frozen=True)
class Result:
    """What came of it. Memory in MB is the largest resident set that any one worker ever had."""

    options: Options
    messages: int
    values: int
    lost: int
    doubled: int
    until_first_s: float
    seconds: float
    values_per_s: float
    workers_peak_mb: float
    workers_peak_before_mb: float
    supervisor_peak_mb: float
    broker: str

    @property
    def holds(self) -> bool:
        """Whether nothing was lost or doubled and the workers stayed below their limit."""
        return self.lost == self.doubled == 0 and self.workers_peak_mb < MEMORY_LIMIT_MB


def main(options: Options, *, as_json: bool = False) -> int:
    """Measure and print; 0 when nothing was lost or doubled and the memory stayed below its limit."""
    result = run(options)
    if as_json:
        sys.stdout.write(json.dumps({**asdict(result), "holds": result.holds}, indent=2) + "\n")
    else:
        _print(result)
    return 0 if result.holds else 1


def run(options: Options) -> Result:
    """Measure with a database and a broker made for it."""
    outage = Load(SITE, messages=options.messages, values_per_message=options.values_per_message)
    with ExitStack() as exits:
        folder = Path(exits.enter_context(tempfile.TemporaryDirectory(prefix="haidang-catchup-")))
        folder.chmod(0o755)  # the database server runs as another user where we are root
        broker_url, broker = exits.enter_context(embedded_broker(folder / "broker"))
        with ExitStack() as until_outage:
            url = until_outage.enter_context(embedded_database(folder / "database", keep=False))
            migrate(url)
            with connect(url, "bench") as connection:
                connection.execute(_SQL["add_site"], {"key": SITE})
            process = exits.enter_context(_ingest(url, broker_url, options.workers, folder / "ingest.log"))
            _wait_connected(url, options.workers, process, folder / "ingest.log")
            before = Load(SITE, SETTLE_MESSAGES, options.values_per_message)
            _publish(broker_url, before, outage.start_ms() - 10_000)
            _wait_stored(url, before.messages)
            with connect(url, "bench") as connection:
                connection.execute(_SQL["empty"])
        start_ms = outage.start_ms()
        _publish(broker_url, outage, start_ms)
        peak_before = max(map(memory_mb, worker_pids(process.pid, options.workers)))
        began = time.perf_counter()
        url = exits.enter_context(embedded_database(folder / "database", keep=True))
        first, last = _wait_stored(url, outage.messages)
        peak = max(map(memory_mb, worker_pids(process.pid, options.workers)))
        with connect(url, "bench") as connection:
            lost, doubled = difference(connection, outage, start_ms)
        return Result(
            options=options,
            messages=outage.messages,
            values=outage.values,
            lost=lost,
            doubled=doubled,
            until_first_s=first - began,
            seconds=last - first,
            values_per_s=outage.values / (last - first),
            workers_peak_mb=peak,
            workers_peak_before_mb=peak_before,
            supervisor_peak_mb=memory_mb(process.pid) if options.workers > 1 else 0.0,
            broker=broker,
        )


def worker_pids(pid: int, count: int) -> list[int]:
    """The processes that do the work: the one started, or its children."""
    if count == 1:
        return [pid]
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
    return [int(child) for child in children]


@contextmanager
def _ingest(url: str, broker_url: str, count: int, log_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    environment = {
        **os.environ,
        "HAIDANG_DATABASE_URL": with_user(url, "haidang_ingest"),
        "HAIDANG_BROKER_URL": broker_url,
        "HAIDANG_INGEST_CLIENT_ID": CLIENT_ID,
        "HAIDANG_INGEST_WORKERS": str(count),
        "HAIDANG_INGEST_METRICS_PORT": "0",
    }
    with log_path.open("wb") as log:
        process = subprocess.Popen([sys.executable, "-m", "ingest"], env=environment, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(60)


def _publish(broker_url: str, work: Load, start_ms: int) -> None:
    arguments = [broker_url, work.to_json(), str(start_ms), "0"]
    if subprocess.run([sys.executable, "-m", "pilot.bench_publisher", *arguments], check=False).returncode != 0:
        raise PilotError("The publisher of the benchmark failed.")


def _wait_connected(url: str, count: int, process: subprocess.Popen[bytes], log_path: Path) -> None:
    deadline = time.monotonic() + START_S
    with connect(url, "bench") as connection:
        while sum(row.role == "worker" and row.state == "connected" for row in workers(connection)) < count:
            if time.monotonic() > deadline or process.poll() is not None:
                text = log_path.read_text("utf-8", errors="replace")
                raise PilotError(f"Ingest did not connect:\n{text}")
            time.sleep(POLL_S)


def _wait_stored(url: str, messages: int) -> tuple[float, float]:
    """Wait until so many messages are accounted for; returns the last instant without any, and that of the last."""
    last, moved_at = -1, time.monotonic()
    before_first = time.perf_counter()
    with connect(url, "bench", autocommit=True) as connection:
        while last < messages:
            row = connection.execute(_SQL["processed"]).fetchone()
            count = int(row[0]) if row else 0
            if count == 0:
                before_first = time.perf_counter()
            if count != last:
                last, moved_at = count, time.monotonic()
            elif time.monotonic() - moved_at > STALL_S:
                raise PilotError(f"Ingest stands still at {count} of {messages} messages.")
            time.sleep(POLL_S)
    return before_first, time.perf_counter()


def _print(result: Result) -> None:
    options = result.options
    title = (
        f"database away for {options.minutes:g} min at {options.values_per_s:,} values/s in messages of "
        f"{options.values_per_message}; {options.workers} worker(s), {result.broker}"
    )
    table = Table(title=title, title_justify="left", show_header=False)
    mark = "yes" if result.lost == result.doubled == 0 else f"NO: {result.lost:,} lost, {result.doubled:,} doubled"
    rows = {
        "messages that waited": f"{result.messages:,} ({result.values:,} values)",
        "sent = stored": mark,
        "from the database's start to the first commit": f"{result.until_first_s:.1f} s",
        "from there to the last commit": f"{result.seconds:.1f} s, {result.values_per_s:,.0f} values/s",
        "peak memory of a worker until the outage ended": f"{result.workers_peak_before_mb:.0f} MB",
        f"peak memory of a worker (limit {MEMORY_LIMIT_MB} MB)": f"{result.workers_peak_mb:.0f} MB",
    }
    if options.workers > 1:
        rows["supervisor, peak memory"] = f"{result.supervisor_peak_mb:.0f} MB"
    for name, value in rows.items():
        table.add_row(name, value)
    Console().print(table)
