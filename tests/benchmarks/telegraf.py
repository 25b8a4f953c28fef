"""A Telegraf found on the path as a rival of ingest: its configuration, its process, what it stored."""

import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from string import Template
from urllib.parse import urlsplit

import psycopg

from pilot.bench_publisher import Load
from pilot.bench_stack import publish
from pilot.broker import embedded_broker
from pilot.faults.servers import PostgresServer

TABLE = "telegraf_reading"
START_S = 60.0
QUIET_S = 15.0  # without a new row for so long: nothing more will come
RESTART_EVERY_S = 4.0
SETTLE_S = 2.0  # before it is stopped: what it stored should be acknowledged, or the next run has it too
POLL_S = 0.1
_CONFIG = Path(__file__).with_name("telegraf.conf")


@dataclass(frozen=True)
class Outcome:
    """What became of the messages that were sent; a message is a row of Telegraf."""

    name: str
    sent: int
    stored: int
    seconds: float
    values_per_message: int

    @property
    def values_per_s(self) -> float:
        return self.stored * self.values_per_message / self.seconds

    @property
    def lost(self) -> int:
        return self.sent - self.stored


class Rival:
    """A broker and a database of its own, and Telegraf between them."""

    def __init__(self, program: str, folder: Path, broker_url: str, server: PostgresServer) -> None:
        self._program = program
        self._folder = folder
        self._broker_url = broker_url
        self.server = server

    def version(self) -> str:
        """What the program says of itself."""
        return subprocess.run([self._program, "--version"], check=False, capture_output=True, text=True).stdout.strip()

    def draining(self, work: Load) -> Outcome:
        """Fill the queue of a Telegraf that is away, then let it work."""
        with self._running("first"):
            pass
        start_ms = work.start_ms()
        publish(self._broker_url, work, start_ms).wait()
        with self._running("drain") as connected:
            return self._finished("draining a full queue", work, connected)

    def live(self, work: Load) -> Outcome:
        """Publish and store at the same time."""
        with self._running("live"):
            began = time.perf_counter()
            publish(self._broker_url, work, work.start_ms()).wait()
            return self._finished("publishers live", work, began)

    def restarted(self, work: Load, messages_per_s: float, restarts: int = 5) -> Outcome:
        """Publish at a rate while the database is stopped and started again several times."""
        work = replace(work, messages=int(messages_per_s * RESTART_EVERY_S * (restarts + 1)))
        with self._running("restart"):
            self._warm(work)
            began = time.perf_counter()
            process = publish(self._broker_url, work, work.start_ms(), messages_per_s)
            for _ in range(restarts):
                time.sleep(RESTART_EVERY_S)
                self.server.stop()
                self.server.start()
            process.wait()
            return self._finished(f"the database restarted {restarts} times in mid-run", work, began)

    def killed(self, work: Load, messages_per_s: float, kills: int = 5) -> Outcome:
        """Publish at a rate while Telegraf is killed and started again several times: messages are delivered again."""
        work = replace(work, messages=int(messages_per_s * RESTART_EVERY_S * (kills + 1)))
        process = self._start("kill")
        self._wait_connected("kill")
        self._warm(work)
        began = time.perf_counter()
        publisher = publish(self._broker_url, work, work.start_ms(), messages_per_s)
        for number in range(kills):
            time.sleep(RESTART_EVERY_S)
            process.kill()
            process.wait()
            process = self._start(f"kill-{number}")
        publisher.wait()
        outcome = self._finished(f"itself killed {kills} times in mid-run", work, began)
        process.terminate()
        process.wait(60)
        return outcome

    def repeated(self, work: Load, messages_per_s: float) -> Outcome:
        """Publish at a rate, the first message twice, as a device does that did not see the acknowledgement."""
        work = replace(work, messages=int(messages_per_s * RESTART_EVERY_S))
        with self._running("repeat"):
            self._warm(work)
            start_ms, began = work.start_ms(), time.perf_counter()
            publish(self._broker_url, replace(work, messages=1), start_ms).wait()
            time.sleep(SETTLE_S)
            publish(self._broker_url, work, start_ms, messages_per_s).wait()
            return self._finished("one message sent twice", work, began)

    def log(self, name: str) -> str:
        """What Telegraf wrote in a run."""
        return (self._folder / f"telegraf-{name}.log").read_text("utf-8", errors="replace")

    def complaints(self, name: str) -> list[str]:
        """What it says it dropped, in its own words."""
        text = "".join(path.read_text("utf-8", errors="replace") for path in self._folder.glob(f"telegraf-{name}*.log"))
        lines = [line.split("] ", 1)[-1] for line in text.splitlines() if "dropp" in line]
        return [f"{count} times: {line[:160]}" for line, count in Counter(lines).most_common(3)]

    def _warm(self, work: Load) -> None:
        """Make its table before the clock runs, from a message that does not count."""
        one = Load(work.site, 1, work.values_per_message)
        publish(self._broker_url, one, 1_000).wait()
        deadline = time.monotonic() + START_S
        while not self._count(of_days=100_000) and time.monotonic() < deadline:
            time.sleep(POLL_S)
        self._ask(f"TRUNCATE {TABLE}")

    def _start(self, name: str) -> subprocess.Popen[bytes]:
        config = self._folder / "telegraf.conf"
        places = {"broker": urlsplit(self._broker_url).netloc, "database": self.server.admin_url}
        config.write_text(Template(_CONFIG.read_text("utf-8")).substitute(places), "utf-8")
        path = self._folder / f"telegraf-{name}.log"
        with path.open("wb") as log:
            return subprocess.Popen([self._program, "--config", str(config)], stdout=log, stderr=log)

    @contextmanager
    def _running(self, name: str) -> Iterator[float]:
        """A Telegraf that is connected; the last instant at which it was not seen to be."""
        process = self._start(name)
        try:
            yield self._wait_connected(name)
            time.sleep(SETTLE_S)
        finally:
            process.terminate()
            process.wait(60)
            self._ask(f"DROP TABLE IF EXISTS {TABLE}, {TABLE}_tag")

    def _wait_connected(self, name: str) -> float:
        deadline = time.monotonic() + START_S
        before = time.perf_counter()
        while "Connected [" not in self.log(name):
            if time.monotonic() > deadline:
                raise TimeoutError(f"Telegraf did not connect:\n{self.log(name)}")
            before = time.perf_counter()
            time.sleep(POLL_S / 5)
        return before

    def _finished(self, name: str, work: Load, began: float) -> Outcome:
        """Wait until all is stored or nothing comes any more."""
        stored, moved_at = 0, time.perf_counter()
        while stored < work.messages and time.perf_counter() - moved_at < QUIET_S:
            time.sleep(POLL_S)
            count = self._count()
            if count != stored:
                stored, moved_at = count, time.perf_counter()
        return Outcome(name, work.messages, stored, moved_at - began, work.values_per_message)

    def _count(self, of_days: int = 1) -> int:
        """Rows of the last days: the message that warmed it up says another time."""
        try:
            return self._ask(f"SELECT count(*) FROM {TABLE} WHERE time > now() - interval '{of_days} days'")
        except psycopg.errors.UndefinedTable:
            return 0

    def _ask(self, statement: str) -> int:
        with psycopg.connect(self.server.admin_url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            row = cursor.fetchone() if cursor.description else None
            return int(row[0]) if row else 0


@contextmanager
def rival(folder: Path) -> Iterator[Rival | None]:
    """A Telegraf with what it needs, or nothing where none is on the path."""
    program = shutil.which("telegraf")
    if program is None:
        yield None
        return
    (folder / "database").mkdir()
    server = PostgresServer(folder / "database")
    try:
        with embedded_broker(folder / "broker") as (broker_url, _):
            yield Rival(program, folder, broker_url, server)
    finally:
        server.stop()
