"""One site must not stop the others: tells what is wrong with one site from what stops the work on all."""

from collections.abc import Iterator
from contextlib import contextmanager

import adbc_driver_manager
import psycopg
import structlog

from kpi.errors import KpiError
from store.errors import DatabaseUnavailableError, SchemaOutdatedError, StoreError, is_outage, translated

log = structlog.get_logger()


def concerns_all(error: Exception) -> bool:
    """Tell whether the database is away or has no schema, which no other site would survive."""
    if isinstance(error, psycopg.Error):
        return is_outage(error) or isinstance(error, psycopg.errors.UndefinedTable)
    return isinstance(error, DatabaseUnavailableError | SchemaOutdatedError | adbc_driver_manager.OperationalError)


def note_failure(site_key: str, error: Exception) -> str:
    """Log what kept a site from being computed, and give it as one line."""
    text, foreseen = " ".join(str(error).split()), isinstance(error, ValueError | StoreError | KpiError)
    reason = text if foreseen and text else f"{type(error).__name__}: {text}".rstrip(": ")
    log.error("site not computed", action="site_failed", site=site_key, reason=reason, exc_info=not foreseen)
    return reason


@contextmanager
def outages_translated(url: str) -> Iterator[None]:
    """A reader that lost its connection is an outage as well: what was not committed is done again."""
    try:
        with translated(url):
            yield
    except adbc_driver_manager.OperationalError as error:
        told = " ".join(str(error).split())
        raise DatabaseUnavailableError(
            f"The database stopped answering while readings were read ({told}). Nothing is lost; once it runs, "
            "the next run goes on."
        ) from error
