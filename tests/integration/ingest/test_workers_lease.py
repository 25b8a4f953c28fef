"""The lease of a session: one holder at a time, taken over when it is free, silent or dead."""

from pathlib import Path

import psycopg
import pytest

from ingest.leases import Lease, this_process
from ingest.slots import Slot
from pilot.ingest_status import show
from tests.support.database import TestDatabase

pytestmark = pytest.mark.needs_database

SLOT = Slot("w", 1, 3)


def lease(database: TestDatabase, holder: str, *, ttl_s: float = 60.0) -> Lease:
    return Lease(database.url_for("haidang_ingest"), SLOT, role="worker", holder=holder, ttl_s=ttl_s)


def age(database: TestDatabase, seconds: int) -> None:
    """Have the last renewal so long ago."""
    with psycopg.connect(database.url) as connection:
        connection.execute("UPDATE ingest_worker SET renewed_at = now() - make_interval(secs => %s)", [seconds])


def test_a_session_has_one_holder(database: TestDatabase) -> None:
    first, second = lease(database, "host/1 10 100"), lease(database, "host/2 20 200")
    assert first.take() is None
    refusal = second.take()
    assert refusal is not None
    assert "session w-1of3 is held by process" in refusal
    assert not second.renew("connected")
    first.note_subscriptions(["a/#"], "connected")
    assert first.take() is None, "the holder's next process takes over at once"

    first.release()
    assert second.take() is None
    assert second.subscriptions == ["a/#"], "what the session has at the broker stays known"
    assert not first.renew("connected")
    second.forget()
    assert second.workers() == []
    first.close()
    second.close()


def test_a_silent_holder_loses_its_session(database: TestDatabase) -> None:
    first, second = lease(database, "host/1 10 100"), lease(database, "host/2 20 200", ttl_s=10.0)
    assert first.take() is None
    assert second.take() is not None
    age(database, 11)
    assert second.take() is None
    assert not first.renew("connected")
    first.close()
    second.close()


def test_a_dead_process_of_this_machine_is_not_waited_for(database: TestDatabase) -> None:
    if not Path("/proc/self/ns/pid").exists():
        pytest.skip("only Linux tells which process it was")
    place, _, _ = this_process().partition(" ")
    dead, living = lease(database, f"{place} 4194000 1"), lease(database, this_process())
    assert dead.take() is None
    assert living.take() is None
    assert lease(database, "elsewhere 1 1").take() is not None
    dead.close()
    living.close()


def test_the_status_says_who_works(
    database: TestDatabase, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert show(database.url) == 1
    held = lease(database, this_process())
    assert held.take() is None
    assert show(database.url) == 1, "it only starts"
    held.note_subscriptions(["a/#"], "connected")
    assert show(database.url_for("haidang_ingest")) == 0
    age(database, 59)
    assert show(database.url) == 0, "its next renewal may be due"
    age(database, 61)
    assert show(database.url) == 1, "its lease is over"
    held.release()
    assert show(database.url) == 1
    assert "messages may wait" in " ".join(capsys.readouterr().out.replace("│", " ").split())
    held.close()
