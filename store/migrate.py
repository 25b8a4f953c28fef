"""Bring a database to the schema of this version (Alembic underneath)."""

import logging
from importlib.resources import files

import psycopg
import sqlalchemy
from alembic import command
from alembic.config import Config

from store.errors import translated
from store.pool import connect, conninfo
from store.revision import Status, status
from store.seed import seed


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
