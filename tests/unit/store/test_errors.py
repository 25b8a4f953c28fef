"""Outages are told from errors, whatever the driver calls them."""

import psycopg
import pytest

from store.errors import DatabaseUnavailableError, StoreError, is_outage, translated


@pytest.mark.parametrize(
    ("error", "outage"),
    [
        (psycopg.OperationalError("connection refused"), True),
        (psycopg.errors.AdminShutdown("bye"), True),
        (psycopg.errors.DeadlockDetected("twice"), True),
        (psycopg.errors.ReadOnlySqlTransaction("a standby"), True),
        (psycopg.errors.LockNotAvailable("too late"), True),
        (psycopg.errors.InvalidTransactionState("ours"), False),
        (psycopg.errors.SyntaxError("ours"), False),
        (psycopg.DataError("a NUL"), False),
    ],
)
def test_an_outage_is_worth_another_try(error: psycopg.Error, outage: bool) -> None:
    assert is_outage(error) is outage
    with pytest.raises(StoreError) as caught, translated():
        raise error
    assert isinstance(caught.value, DatabaseUnavailableError) is outage
