"""Tell how far a database's schema is, and refuse to work on another one; needs no migration library."""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from store.errors import SchemaOutdatedError, translated
from store.pool import connect


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


def status(url: str) -> Status:
    """Read revision and server kind without changing anything."""
    head = newest_revision()
    with translated(url), connect(url, "migrate") as connection:
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
    """The schema revision that this version needs: the last folder of SQL files in order of name."""
    versions = files("store") / "migrations" / "versions"
    return max(entry.name for entry in versions.iterdir() if entry.is_dir() and entry.name[:1].isdigit())


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
