"""The role that Grafana has reads what it shows and nothing else."""

from collections.abc import Iterator

import psycopg
import pytest

from tests.support.database import TestDatabase

pytestmark = pytest.mark.needs_database


@pytest.fixture
def grafana(database: TestDatabase) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database.url_for("haidang_grafana"), autocommit=True) as connection:
        yield connection


@pytest.mark.parametrize(
    "secret",
    [
        "SELECT hash FROM api_key",
        "SELECT name FROM person",
        "SELECT * FROM account",
        "SELECT * FROM audit_log",
        "SELECT payload FROM rejected_message",
        "SELECT credential_ref FROM device",
    ],
)
def test_it_cannot_read_secrets(grafana: psycopg.Connection, secret: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        grafana.execute(secret.encode())


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM kpi_value",
        "UPDATE kpi_value SET value = 1",
        "INSERT INTO site (key, name, timezone) VALUES ('x', 'x', 'UTC')",
        "TRUNCATE atom",
        "CREATE TABLE mine (i integer)",
        "SELECT fold_ledger()",
        "SELECT ensure_partitions(now(), now())",
    ],
)
def test_it_cannot_write(grafana: psycopg.Connection, change: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        grafana.execute(change.encode())
