"""A fresh database per test, cloned from a template that is migrated (and filled) once per session."""

import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from store.migrate import migrate
from tests.support.database_server import DatabaseServer

# Roles belong to the whole server: two sessions must not make them at the same moment.
MIGRATION_LOCK = 0x4861_6944


def with_database(url: str, name: str) -> str:
    """The same address with another database."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def with_user(url: str, user: str) -> str:
    """The same address with another role, without a password (the test servers trust)."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=f"{user}@{parts.netloc.rpartition('@')[2]}"))


@dataclass(frozen=True)
class TestDatabase:
    """One migrated database of its own; `url` is the owner's."""

    __test__ = False

    server: DatabaseServer
    name: str

    @property
    def url(self) -> str:
        return with_database(self.server.admin_url, self.name)

    def url_for(self, role: str) -> str:
        """The address as one of our service roles connects, e.g. `haidang_ingest`."""
        return with_user(self.url, role)

    def has_timescaledb(self) -> bool:
        with psycopg.connect(self.url) as connection:
            found = connection.execute("SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'")
            return found.fetchone() is not None


class Databases:
    """Makes databases on a server: migrated ones by cloning, or empty ones."""

    def __init__(self, server: DatabaseServer) -> None:
        self.server = server
        self._prefix = f"haidang_test_{os.getpid()}"
        self._numbers = itertools.count(1)
        self._templates: dict[str, str] = {}

    @contextmanager
    def clone(self) -> Iterator[TestDatabase]:
        """A migrated database, dropped at the end."""
        if "" not in self._templates:
            self._templates[""] = self._make_template(f"{self._prefix}_template")
        with self._database(self._templates[""]) as database:
            yield database

    @contextmanager
    def filled(self, what: str, fill: Callable[[TestDatabase], object]) -> Iterator[TestDatabase]:
        """A copy of a migrated database that `fill` filled once for all who ask for `what`; dropped at the end."""
        if what not in self._templates:
            with self.clone() as database:
                fill(database)
                name = f"{self._prefix}_template_{len(self._templates)}"
                self._close_to_all(database.name)
                self._run("CREATE DATABASE {} TEMPLATE {}", name, database.name)
            self._close_to_all(name)
            self._templates[what] = name
        with self._database(self._templates[what]) as database:
            yield database

    @contextmanager
    def empty(self) -> Iterator[TestDatabase]:
        """A database without our schema, for the tests of migrations; dropped at the end."""
        with self._database("template0") as database:  # nobody is ever in that one
            yield database

    def close(self) -> None:
        for name in self._templates.values():
            self._run("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)

    @contextmanager
    def _database(self, template: str) -> Iterator[TestDatabase]:
        name = f"{self._prefix}_{next(self._numbers)}"
        self._run("CREATE DATABASE {} TEMPLATE {}", name, template)
        try:
            yield TestDatabase(self.server, name)
        finally:
            self.server.start()  # a test of outages may have failed half-way
            self._run("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)

    def _make_template(self, name: str) -> str:
        with psycopg.connect(self.server.admin_url, autocommit=True) as connection:
            connection.execute("SELECT pg_advisory_lock(%s)", [MIGRATION_LOCK])
            self._run("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)
            self._run("CREATE DATABASE {}", name)
            migrate(with_database(self.server.admin_url, name))
        self._close_to_all(name)
        return name

    def _close_to_all(self, name: str) -> None:
        # A template cannot be cloned while anyone is in it, and TimescaleDB's scheduler would be.
        self._run("ALTER DATABASE {} WITH ALLOW_CONNECTIONS false", name)
        with psycopg.connect(self.server.admin_url, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = %s",
                [name],
            )

    def _run(self, statement: str, *names: str) -> None:
        with psycopg.connect(self.server.admin_url, autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))
