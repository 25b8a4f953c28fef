"""The ingest that is put to the test, as real processes: started as users start it, killed without warning."""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from pilot.errors import PilotError
from pilot.faults.servers import children, wait

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 60.0
TAIL_LINES = 15
CONNECTED = "broker_connected"


class Workers:
    """`haidang ingest` with one worker or more, and its log."""

    def __init__(self, count: int, environment: Mapping[str, str], log: Path, seed: int) -> None:
        self._count = count
        self._environment = dict(environment)
        self._log = log
        self._random = random.Random(seed)  # noqa: S311 - same seed, same victims
        self._process: subprocess.Popen[bytes] | None = None
        self._said_before = 0  # connections that the log told of when it was started
        self.kills = 0
        self.failures: list[str] = []  # ends that nobody asked for

    def start(self) -> None:
        """Start it, or start it again after it was killed; the log goes on."""
        with self._log.open("ab") as log:
            self._said_before = self.log().count(CONNECTED)
            self._process = subprocess.Popen(
                [sys.executable, "-m", "ingest"],
                env={**os.environ, **self._environment, "PYTHONUNBUFFERED": "1"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill(self) -> None:
        """`kill -9`: one worker among several, or all there is with what watches over it."""
        process = self._running()
        self.kills += 1
        below = descendants(process.pid)
        if self._count > 1 and below and self._random.random() < 0.5:
            _kill(self._random.choice(below))
            return
        self._end_all(process)

    def revive(self) -> None:
        """Start what was killed as a whole; a supervisor starts a single worker again by itself."""
        if self._process is None:
            self.start()

    @property
    def count(self) -> int:
        """Processes of ingest that it is to have."""
        return self._count

    def change(self, count: int, *, in_order: bool) -> None:
        """Start it anew with another number of workers, after it ended in order or was killed as a whole."""
        if self._process is None:  # another fault ends with its start
            return
        if not in_order:
            self.kills += 1
            self._end_all(self._process)
        elif (code := self.stop()) not in (0, -signal.SIGTERM):  # it may not have got as far as its own handler
            self.failures.append(f"ingest ended with exit code {code} when it was asked to stop")
        self._count = count
        self._environment["HAIDANG_INGEST_WORKERS"] = str(count)
        self.start()

    def check(self) -> None:
        """Note an end that nobody asked for, and go on with a new process."""
        process = self._process
        if process is not None and process.poll() is not None:
            self.failures.append(f"ingest ended by itself with exit code {process.returncode}:\n{self.tail()}")
            self.start()

    def stop(self) -> int:
        """Ask it to end in order; returns the exit code."""
        process, self._process = self._running(), None
        process.send_signal(signal.SIGTERM)
        try:
            return process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.failures.append(f"ingest did not end within {STOP_TIMEOUT_S:.0f} s of SIGTERM:\n{self.tail()}")
            self._process = process
            self.close()
            return -1

    def close(self) -> None:
        """Leave nothing behind."""
        if self._process is not None:
            self._end_all(self._process)

    def wait_connected(self, timeout_s: float = START_TIMEOUT_S) -> None:
        """Wait until all workers have their subscriptions.

        Raises:
            PilotError: they have not in time, or have ended.
        """

        def connected() -> bool:
            if self._running().poll() is not None:
                raise PilotError(f"Ingest did not start:\n{self.tail()}")
            return self.log().count(CONNECTED) >= self._said_before + self._count

        wait(connected, timeout_s, "ingest to connect")

    def log(self) -> str:
        """Everything the workers said."""
        return self._log.read_text("utf-8", errors="replace")

    def tail(self) -> str:
        """The last lines they said."""
        return "\n".join(self.log().splitlines()[-TAIL_LINES:])

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise PilotError("Ingest does not run now.")
        return self._process

    def _end_all(self, process: subprocess.Popen[bytes]) -> None:
        self._process = None
        for pid in [process.pid, *descendants(process.pid)]:
            _kill(pid)
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def descendants(pid: int) -> list[int]:
    """Processes below a process."""
    below = children(pid)
    return [*below, *(one for child in below for one in descendants(child))]


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
