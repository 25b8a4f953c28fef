"""`haidang bench registry`: what a large registry costs ingest, beside a small one on the same database.

The writer of ingest works in this process without a broker: what is measured is its processor time for each value, the
time to register what is new, and the time to learn of changes. Exactly what was sent must be stored.
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

import psutil
from rich.console import Console
from rich.table import Table

from ingest import resolve
from ingest.message import Message
from ingest.route import Router
from ingest.writer import Writer
from pilot.embedded import embedded_database
from store.migrate import migrate
from store.pool import connect, with_user
from store.queries import load

SITE = "bench"
FEW = 100  # series of the small registry
BATCH_VALUES = 10_000
ROUNDS = 20  # batches over which a rate is measured
LOOKS = 50
_SQL = load("bench")


@dataclass(frozen=True)
class Result:
    """All measurements; processor times are those of ingest, not of the database."""

    series: int
    values_per_message: int
    storm_s: float
    storm_cpu_s: float
    few_cpu_us_per_value: float
    many_cpu_us_per_value: float
    spread_cpu_us_per_value: float
    few_values_per_s: float
    many_values_per_s: float
    idle_look_ms: float
    look_after_one_change_ms: float
    look_after_1000_changes_ms: float
    new_worker_s: float
    bytes_per_series: float
    sent: int
    stored: int

    @property
    def ratio(self) -> float:
        """Processor time of a value among many series, in that among few; both in batches of as many devices."""
        return self.many_cpu_us_per_value / self.few_cpu_us_per_value


class Fleet:
    """Devices of one registry, each with the series of one message."""

    def __init__(self, name: str, series: int, per_message: int) -> None:
        self._router = Router()
        self._names = [f"value{number:02d}_kw" for number in range(per_message)]
        self._topics = [f"haidang/v1/{SITE}/{name}/unit{n:06d}/data" for n in range(max(1, series // per_message))]
        self._start_ms = int(time.time() * 1000) - 3_600_000
        self._sent = 0

    @property
    def devices(self) -> int:
        return len(self._topics)

    def forget(self) -> None:
        """Begin as a new process would."""
        self._router = Router()

    def payloads(self, count: int, at_once: int = 0) -> list[tuple[str, bytes]]:
        """The next messages, topic and payload: device after device, or so many at once, each a hundred times."""
        made = []
        for _ in range(count):
            device = self._sent // (at_once * 100) * at_once + self._sent % at_once if at_once else self._sent
            document = {"ts": self._start_ms + self._sent, "values": dict.fromkeys(self._names, float(self._sent))}
            made.append((self._topics[device % self.devices], json.dumps(document).encode()))
            self._sent += 1
        return made

    def take_in(self, topic: str, payload: bytes) -> Message:
        """A message as the service makes it of what the broker sends."""
        source = self._router.source(topic)
        return Message(source, payload, time.time_ns() // 1000, source.decode(payload))


def main(*, series: int, values_per_message: int, as_json: bool) -> int:
    """Measure and print; 0 when everything that was sent is stored."""
    result = run(series, values_per_message)
    if as_json:
        sys.stdout.write(json.dumps({**asdict(result), "ratio": result.ratio}, indent=2) + "\n")
    else:
        _print(result)
    return 0 if result.sent == result.stored else 1


def run(series: int, per_message: int) -> Result:
    """Measure with a database made for it."""
    with tempfile.TemporaryDirectory(prefix="haidang-bench-") as folder:
        Path(folder).chmod(0o755)  # the database server runs as another user where we are root
        with embedded_database(Path(folder) / "database", keep=False) as url:
            migrate(url)
            with connect(url, "bench") as connection:
                connection.execute(_SQL["add_site"], {"key": SITE})
            return _Bench(url, series, per_message).run()


class _Bench:
    def __init__(self, url: str, series: int, per_message: int) -> None:
        self._url = url
        self._per_message = per_message
        self._few, self._many = Fleet("few", FEW, per_message), Fleet("many", series, per_message)
        self._writer = Writer(with_user(url, "haidang_ingest"))
        self._sent = 0

    def run(self) -> Result:
        self._store(self._few, self._few.devices)
        few = self._rate(self._few)
        memory = psutil.Process().memory_info().rss
        storm = self._store(self._many, self._many.devices)
        memory = psutil.Process().memory_info().rss - memory
        self._store(self._few, 1)
        many = self._rate(self._many, self._few.devices)
        spread = self._rate(self._many)
        looks = [self._looks(changed) for changed in (0, 1, 1000)]
        self._writer.close()
        self._writer = Writer(with_user(self._url, "haidang_ingest"))
        self._many.forget()
        new_worker = self._store(self._many, self._many.devices)
        self._writer.close()
        series = self._many.devices * self._per_message
        with connect(self._url, "bench") as connection:
            stored = connection.execute(_SQL["stored"]).fetchone()
        return Result(
            series=series,
            values_per_message=self._per_message,
            storm_s=storm[0],
            storm_cpu_s=storm[1],
            few_cpu_us_per_value=few[0],
            many_cpu_us_per_value=many[0],
            spread_cpu_us_per_value=spread[0],
            few_values_per_s=few[1],
            many_values_per_s=many[1],
            idle_look_ms=looks[0],
            look_after_one_change_ms=looks[1],
            look_after_1000_changes_ms=looks[2],
            new_worker_s=new_worker[0],
            bytes_per_series=memory / series,
            sent=self._sent,
            stored=stored[0] if stored else 0,
        )

    def _store(self, fleet: Fleet, messages: int, at_once: int = 0) -> tuple[float, float]:
        """Store so many messages in batches of the usual size; seconds on the clock and on the processor."""
        most = max(1, BATCH_VALUES // self._per_message)
        seconds = processor_s = 0.0
        while messages:
            payloads = fleet.payloads(min(messages, most), at_once)
            took = self._timed(lambda given=payloads: self._writer.write([fleet.take_in(*one) for one in given]))  # type: ignore[misc]
            seconds, processor_s = seconds + took[0], processor_s + took[1]
            self._sent += len(payloads) * self._per_message
            messages -= len(payloads)
        return seconds, processor_s

    def _rate(self, fleet: Fleet, at_once: int = 0) -> tuple[float, float]:
        """Processor time of a value in µs, and values in a second."""
        messages = ROUNDS * BATCH_VALUES // self._per_message
        seconds, processor_s = self._store(fleet, messages, at_once)
        values = messages * self._per_message
        return 1e6 * processor_s / values, values / seconds

    def _looks(self, changed: int) -> float:
        """The usual time in ms of a look at the registry, after so many series changed."""
        times = []
        planner = self._writer.planner
        for _ in range(LOOKS if changed < 2 else 5):
            if changed:
                with connect(self._url, "bench") as connection:
                    connection.execute(_SQL["touch_series"], {"count": changed})
            times.append(self._timed(lambda: planner.open(at_least_s=0))[0] * 1000)
        return median(times)

    @staticmethod
    def _timed(work: Callable[[], object]) -> tuple[float, float]:
        """Seconds on the clock and on the processor."""
        began, processor = time.perf_counter(), time.process_time()
        work()
        return time.perf_counter() - began, time.process_time() - processor


def _print(result: Result) -> None:
    console = Console(highlight=False)
    table = Table(title=f"A registry of {result.series:,} series beside one of {FEW}", box=None)
    table.add_column("what")
    table.add_column("measured", justify="right")
    for what, value in (
        (f"processor time of a value, {FEW} series", f"{result.few_cpu_us_per_value:.2f} µs"),
        (f"processor time of a value, {result.series:,} series", f"{result.many_cpu_us_per_value:.2f} µs"),
        ("ratio", f"{result.ratio:.2f}"),
        ("  the same, each message of a batch of another device", f"{result.spread_cpu_us_per_value:.2f} µs"),
        (f"committed values, {FEW} series", f"{result.few_values_per_s:,.0f} /s"),
        (f"committed values, {result.series:,} series", f"{result.many_values_per_s:,.0f} /s"),
        (f"storm: {result.series:,} new series registered and stored", f"{result.storm_s:.1f} s"),
        ("  of it processor time of ingest", f"{result.storm_cpu_s:.1f} s"),
        (f"look at the registry (every {resolve.REFRESH_S:g} s), nothing new", f"{result.idle_look_ms:.2f} ms"),
        ("  after one series changed", f"{result.look_after_one_change_ms:.2f} ms"),
        ("  after 1,000 series changed", f"{result.look_after_1000_changes_ms:.1f} ms"),
        ("a new worker, until all series had a value stored", f"{result.new_worker_s:.1f} s"),
        ("memory of a series (its topic and a first value among it)", f"{result.bytes_per_series:,.0f} bytes"),
        ("values sent / stored", f"{result.sent:,} / {result.stored:,}"),
    ):
        table.add_row(what, value)
    console.print(table)
