"""Start of ingest beside a database that goes away at that very moment."""

import pytest

from ingest import start
from ingest.settings import read_settings
from store import leases
from store.pool import Connection, connect
from tests.support.database import TestDatabase

pytestmark = pytest.mark.needs_database


def test_a_connection_lost_while_ingest_starts_is_no_answer(
    database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database was restarted between connecting and asking: who works waits for it, nothing ends."""
    asked: list[int] = []
    workers = leases.workers

    def cut_and_ask(connection: Connection, client_id: str | None = None) -> list[leases.Worker]:
        asked.append(connection.info.backend_pid)
        with connect(database.url, "test", autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", asked)
        return workers(connection, client_id)

    monkeypatch.setattr(leases, "workers", cut_and_ask)
    assert start.change_to_finish(read_settings(database_url=database.url)) is None
    assert asked
