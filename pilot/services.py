"""Services of ours as child processes: started with their environment, logged to files, ended gracefully."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pilot.errors import PilotError

STOP_TIMEOUT_S = 20.0
LOG_TAIL_LINES = 5


class Service:
    """`python -m NAME`, its environment and its log; can be started again after it ended."""

    def __init__(self, name: str, environment: Mapping[str, str], log: Path) -> None:
        self.name = name
        self.log = log
        self._environment = environment
        self.process = self._start()

    def ended(self) -> str | None:
        """A sentence about an end that nobody asked for, else nothing."""
        code = self.process.poll()
        if code is None:
            return None
        tail = "\n  ".join(self.log.read_text("utf-8", errors="replace").splitlines()[-LOG_TAIL_LINES:])
        return f"{self.name} ended with exit code {code}; the end of {self.log}:\n  {tail}"

    def restart(self) -> None:
        """Start it again; the log goes on."""
        self.process = self._start()

    def stop(self) -> None:
        """Ask it to end; end it when it does not."""
        if self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            self.process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _start(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", self.name],
                env={**os.environ, **self._environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )


@contextmanager
def running(name: str, environment: Mapping[str, str], logs: Path) -> Iterator[Service]:
    """Run a service, with a fresh log, for the time of the context."""
    logs.mkdir(parents=True, exist_ok=True)
    log = logs / f"{name}.log"
    log.unlink(missing_ok=True)
    service = Service(name, environment, log)
    try:
        yield service
    finally:
        service.stop()


def require_running(services: list[Service]) -> None:
    """Stop with the reason when a service has ended."""
    for service in services:
        reason = service.ended()
        if reason:
            raise PilotError(reason)
