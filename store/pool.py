"""Connections and pools of psycopg, always UTC, always named, with a deadline for connecting."""

import select
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg_pool import ConnectionPool

from store.errors import translated

CONNECT_TIMEOUT_S = 5
_KEEPALIVES = {"keepalives": 1, "keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3}

Connection = psycopg.Connection[tuple[Any, ...]]


def conninfo(url: str, application: str = "haidang") -> str:
    """Add to an address what all our connections share: UTC, a name, a connect deadline."""
    return make_conninfo(
        url,
        application_name=application,
        connect_timeout=CONNECT_TIMEOUT_S,
        options="-c timezone=UTC",
    )


def with_user(url: str, user: str) -> str:
    """The same database for another role."""
    return make_conninfo(url, user=user)


def connect(
    url: str, application: str = "haidang", *, autocommit: bool = False, silent_s: float | None = None
) -> Connection:
    """Open one connection.

    Args:
        url: of the database.
        application: its name for those who look at the server.
        autocommit: each statement is a transaction of its own.
        silent_s: a cut network is noticed after about so many seconds; without it after a quarter of an hour.

    Raises:
        DatabaseUnavailableError: the server does not answer.
    """
    with translated(url):
        watched = {} if silent_s is None else {**_KEEPALIVES, "tcp_user_timeout": round(silent_s * 1000)}
        return psycopg.connect(make_conninfo(conninfo(url, application), **watched), autocommit=autocommit)


def check_idle(connection: Connection) -> None:
    """Ask the server for a sign of life only where it said something unasked: that it ended, most likely.

    Raises:
        psycopg.OperationalError: the connection is of no use any more.
    """
    silent = select.poll()
    silent.register(connection.pgconn.socket, select.POLLIN)
    if silent.poll(0):
        ConnectionPool.check_connection(connection)


@contextmanager
def open_pool(url: str, application: str = "haidang", *, size: int = 8) -> Iterator[ConnectionPool]:
    """Open a pool for the time of the context; connections are made as they are needed."""
    with ConnectionPool(
        conninfo(url, application),
        min_size=1,
        max_size=size,
        open=False,
        timeout=CONNECT_TIMEOUT_S,
        check=check_idle,
    ) as pool:
        yield pool
