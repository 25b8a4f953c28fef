"""Bring a database to the schema of this version (Alembic underneath), and tell how far it is."""

import logging
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import psycopg
import sqlalchemy
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from store.errors import SchemaOutdatedError, translated
from store.pool import connect, conninfo
from store.seed import seed


@dataclass(frozen=True)
class Status:
    """Where a database stands: its revision, the newest one, the kind of its server."""

    current: str | None
    head: str
    server: str
    timescaledb: str | None
    license: str | None

    @property
    def up_to_date(self) -> bool:
        return self.current == self.head


def migrate(url: str) -> Status:
    """Create or upgrade the schema and write the data that come with the product; safe to repeat."""
    with translated(url):
        _prepare(url)
        engine = sqlalchemy.create_engine(
            "postgresql+psycopg://", creator=lambda: psycopg.connect(conninfo(url, "migrate"))
        )
        try:
            with engine.begin() as connection:
                config = _config()
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
                # Each service asks at its start whether the schema is the one it needs.
                connection.exec_driver_sql("GRANT SELECT ON alembic_version TO PUBLIC")
        finally:
            engine.dispose()
    with connect(url, "migrate") as connection_:
        seed(connection_)
    return status(url)


def status(url: str) -> Status:
    """Read revision and server kind without changing anything."""
    head = newest_revision()
    with connect(url, "migrate") as connection:
        known = connection.execute("SELECT to_regclass('alembic_version')").fetchone()
        current = None
        if known and known[0]:
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
            current = row[0] if row else None
        server = connection.execute("SHOW server_version").fetchone()
        extension = connection.execute(
            "SELECT extversion, current_setting('timescaledb.license', true) "
            "FROM pg_extension WHERE extname = 'timescaledb'"
        ).fetchone()
    version, license_ = extension or (None, None)
    return Status(current, head, server[0] if server else "", version, license_)


@cache
def newest_revision() -> str:
    """The schema revision that this version needs."""
    return ScriptDirectory.from_config(_config()).get_current_head() or ""


def require_current(url: str) -> None:
    """Refuse to work on another schema than this version's.

    Raises:
        SchemaOutdatedError: says which command mends it.
        DatabaseUnavailableError: the server does not answer.
    """
    found = status(url)
    if not found.up_to_date:
        raise SchemaOutdatedError(
            f"The database schema is {found.current or 'empty'}, this version needs {found.head}: "
            "run `haidang db migrate`."
        )


def _prepare(url: str) -> None:
    """Use TimescaleDB where the server offers it; the schema works without."""
    with connect(url, "migrate", autocommit=True) as connection:
        offered = connection.execute(
            "SELECT 1 FROM pg_available_extensions WHERE name = 'timescaledb' "
            "AND current_setting('shared_preload_libraries') LIKE '%%timescaledb%%'"
        ).fetchone()
        if offered:
            connection.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")


def _config() -> Config:
    logging.getLogger("alembic").setLevel(logging.WARNING)
    config = Config()
    config.set_main_option("script_location", str(files("store") / "migrations"))
    return config


__all__ = ["SchemaOutdatedError", "Status", "migrate", "require_current", "status"]
