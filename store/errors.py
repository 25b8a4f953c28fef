"""All errors of the store. Driver errors are translated in one place, `translated`, with the cause kept."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg


class StoreError(Exception):
    """The database could not do what was asked."""


class DatabaseUnavailableError(StoreError):
    """The database does not answer: an outage, worth another try."""


class SchemaOutdatedError(StoreError):
    """The schema is not the one this version needs."""


class InvalidConfigurationError(StoreError):
    """A site file or another configuration is not usable; the message names each place."""


_OUTAGE_CLASSES = ("08", "40", "53", "57", "58")
# Read-only after a failover, a lock that did not come in time: both pass.
_OUTAGE_STATES = ("25006", "55P03")


_UNDONE_STATES = ("40001", "40P01")


def is_undone(error: psycopg.Error) -> bool:
    """Whether the server undid a transaction for the sake of another one (deadlock, serialization): try it again."""
    return error.sqlstate in _UNDONE_STATES


def is_outage(error: psycopg.Error) -> bool:
    """Tell an outage (connection, resources, shutdown, serialization, failover, lock) from a wrong statement."""
    if error.sqlstate is None:
        return isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
    return error.sqlstate[:2] in _OUTAGE_CLASSES or error.sqlstate in _OUTAGE_STATES


def without_password(url: str) -> str:
    """The database or broker address as it may be shown: password left out."""
    shown = re.sub(r"(://[^:/@\s]*):\S*@", r"\1:***@", url)
    return re.sub(r"(password\s*=\s*)('[^']*'|[^&\s]+)", r"\1***", shown, flags=re.IGNORECASE)


@contextmanager
def translated(url: str = "") -> Iterator[None]:
    """Turn driver errors into ours, with a sentence that says what to do."""
    try:
        yield
    except psycopg.errors.UndefinedTable as error:
        raise SchemaOutdatedError(
            "The database has not been set up for this version: run `haidang db migrate`."
        ) from error
    except psycopg.Error as error:
        first_line = str(error).strip().split("\n")[0]
        if is_outage(error):
            raise DatabaseUnavailableError(
                f"The database at {without_password(url) or 'the configured address'} does not answer "
                f"({first_line}). Check HAIDANG_DATABASE_URL and that the server runs."
            ) from error
        if "connection info string" in first_line or "connection option" in first_line or "URI" in first_line:
            # The driver quotes what it could not read, and that may be a part of the password.
            raise StoreError(
                "The address of the database is not of the form postgresql://user:password@host:port/name "
                "(write : / @ and % of a password as %3A %2F %40 %25). Check HAIDANG_DATABASE_URL."
            ) from error
        raise StoreError(first_line) from error
