"""Services of ours as child processes: started with their environment, logged to files, ended gracefully."""

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pilot.errors import PilotError

STOP_TIMEOUT_S = 20.0
LOG_TAIL_LINES = 5


@dataclass(frozen=True)
class Service:
    """A running service: its name, its process, its log."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    def ended(self) -> str | None:
        """A sentence about an end that nobody asked for, else nothing."""
        code = self.process.poll()
        if code is None:
            return None
        tail = "\n  ".join(self.log.read_text("utf-8", errors="replace").splitlines()[-LOG_TAIL_LINES:])
        return f"{self.name} ended with exit code {code}; the end of {self.log}:\n  {tail}"


@contextmanager
def running(
    name: str, environment: Mapping[str, str], logs: Path, arguments: tuple[str, ...] = ()
) -> Iterator[Service]:
    """Run `python -m NAME` for the time of the context."""
    logs.mkdir(parents=True, exist_ok=True)
    path = logs / f"{name}.log"
    with path.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", name, *arguments],
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        yield Service(name, process, path)
    finally:
        _stop(process)


def require_running(services: list[Service]) -> None:
    """Stop with the reason when a service has ended."""
    for service in services:
        reason = service.ended()
        if reason:
            raise PilotError(reason)


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
