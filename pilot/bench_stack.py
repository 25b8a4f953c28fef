"""What benchmarks of ingest run on: a database and a broker made for them, workers and publishers as processes."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from pilot.bench_publisher import Load
from pilot.broker import embedded_broker
from pilot.embedded import embedded_database
from pilot.errors import PilotError
from store.migrate import migrate
from store.pool import connect, with_user
from store.queries import load

CONNECT_S = 60.0
POLL_S = 0.02
_SQL = load("bench")


@dataclass(frozen=True)
class Stack:
    """A migrated database with one site, and a broker; both are gone afterwards."""

    url: str
    server: str
    broker_url: str
    broker: str
    folder: Path

    @contextmanager
    def ingest(self, name: str) -> Iterator[tuple[int, float]]:
        """A worker that is connected: its process id, and the last instant at which it was not seen to be."""
        environment = {
            **os.environ,
            "HAIDANG_DATABASE_URL": with_user(self.url, "haidang_ingest"),
            "HAIDANG_BROKER_URL": self.broker_url,
            "HAIDANG_INGEST_CLIENT_ID": "bench",
            "HAIDANG_INGEST_METRICS_PORT": "0",
        }
        with self._log(name).open("wb") as log:
            process = subprocess.Popen([sys.executable, "-m", "ingest"], env=environment, stdout=log, stderr=log)
        try:
            yield process.pid, self._wait_connected(name)
        finally:
            process.terminate()
            process.wait(30)

    def publish(self, work: Load, start_ms: int, messages_per_s: float = 0.0) -> None:
        """Publish a load from a process of its own; at a rate if there is one.

        Raises:
            PilotError: it failed.
        """
        if publish(self.broker_url, work, start_ms, messages_per_s).wait() != 0:
            raise PilotError("The publisher of the benchmark failed.")

    def _log(self, name: str) -> Path:
        return self.folder / f"ingest-{name}.log"

    def _wait_connected(self, name: str) -> float:
        deadline = time.monotonic() + CONNECT_S
        before = time.perf_counter()
        while time.monotonic() < deadline:
            looked_at = time.perf_counter()
            text = self._log(name).read_text("utf-8", errors="replace")
            if "broker_connected" in text:
                return before
            before = looked_at
            time.sleep(POLL_S)
        raise PilotError(f"Ingest did not connect within {CONNECT_S:.0f} s:\n{text}")


def publish(broker_url: str, work: Load, start_ms: int, messages_per_s: float = 0.0) -> subprocess.Popen[bytes]:
    """Begin to publish a load from a process of its own; at a rate if there is one."""
    arguments = [broker_url, work.to_json(), str(start_ms), str(messages_per_s)]
    return subprocess.Popen([sys.executable, "-m", "pilot.bench_publisher", *arguments])


@contextmanager
def stack(site: str) -> Iterator[Stack]:
    """Make a stack with a site, for the time of the context."""
    with ExitStack() as exits:
        folder = Path(exits.enter_context(tempfile.TemporaryDirectory(prefix="haidang-bench-")))
        folder.chmod(0o755)  # the database server runs as another user where we are root
        url = exits.enter_context(embedded_database(folder / "database", keep=False))
        server = migrate(url).server
        broker_url, broker = exits.enter_context(embedded_broker(folder / "broker"))
        with connect(url, "bench") as connection:
            connection.execute(_SQL["add_site"], {"key": site})
        yield Stack(url, server, broker_url, broker, folder)


def empty(url: str) -> None:
    """Make room for the next run."""
    with connect(url, "bench") as connection:
        connection.execute(_SQL["empty"])
