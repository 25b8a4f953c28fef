"""Rejected messages that are tried again: once, with the mapping of today, in both accounts."""

import asyncio
import json
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import psycopg
import pytest

from ingest import intake
from ingest.limits import Limits
from ingest.mapping import Mapping
from ingest.message import Message
from ingest.replay import Replayer
from ingest.route import Router
from store import replays
from store.errors import DatabaseUnavailableError
from store.pool import connect
from store.replays import Asked, Selection, ask
from store.serving import Scope
from tests.integration.ingest.test_writer import NOW_MS, Bench, sample
from tests.support.database import TestDatabase

pytestmark = pytest.mark.needs_database
T = TypeVar("T")


def mapping(time_format: str) -> Mapping:
    return Mapping.model_validate(
        {
            "topic": "gw/{m}",
            "site": "demo",
            "asset": "hall/{m}",
            "format": "json",
            "time": {"from": "t", "format": time_format},
            "values": [{"from": "p", "name": "oil", "quantity": "pressure", "unit": "bar"}],
        }
    )


class Replays(Bench):
    """A writer that also carries out replays."""

    def replay(self) -> int:
        async def in_thread(work: Callable[[], T]) -> T:
            return work()

        return asyncio.run(Replayer(self.writer, self.router, Limits()).step(in_thread))

    def ask(self, **wanted: Any) -> Asked:
        with connect(self.database.url) as connection:
            sites = [row[0] for row in connection.execute("SELECT site_id FROM site").fetchall()]
            return ask(Scope(connection, sites, sees_unknown=True), Selection(**wanted), None)

    def outcomes(self) -> list[str]:
        return [text for (text,) in self.rows("SELECT outcome FROM replay_request ORDER BY replay_request_id")]

    def states(self) -> list[tuple[str, str]]:
        return self.rows("SELECT reason, status FROM rejected_message ORDER BY rejected_message_id")


@pytest.fixture
def bench(database: TestDatabase) -> Iterator[Replays]:
    made = Replays(database)
    yield made
    made.writer.close()


def test_a_mended_mapping_stores_what_was_refused(bench: Replays) -> None:
    bench.router.use([mapping("unix_ms")])
    sent = {"t": NOW_MS // 1000, "p": 7.5}
    bench.write(sent, {"t": NOW_MS, "p": 8.0}, sent, topic="gw/m1")
    assert bench.rows("SELECT reason, times, replayable FROM rejected_message") == [("too_old", 2, True)]
    assert bench.ask() == Asked(found=1, asked=1, waiting=0, not_replayable=0)
    assert bench.ask() == Asked(found=1, asked=0, waiting=1, not_replayable=0)
    assert (bench.replay(), bench.replay()) == (1, 0)
    assert bench.outcomes()[0].startswith("stored 0, duplicates 0, conflicts 0; refused again (too_old): ")
    bench.router.use([mapping("unix_s")])
    assert bench.ask().asked == 1
    assert (bench.replay(), bench.replay()) == (1, 0)
    assert bench.outcomes()[1] == "stored 1, duplicates 0, conflicts 0"
    assert bench.states() == [("too_old", "replayed")]
    assert bench.rows("SELECT value FROM reading ORDER BY ts") == [(7.5,), (8.0,)]
    names = "received", "processed", "rejected", "replayed"
    sums = ", ".join(f"sum({name})::int" for name in names)
    assert bench.rows(f"SELECT {sums} FROM ledger_now") == [(5, 2, 3, 2)]


def test_a_site_that_is_applied_later_gets_its_messages(bench: Replays) -> None:
    topic = "haidang/v1/later/hall/press/data"
    for _ in range(5):
        bench.write(sample({"power_kw": 1.5, "good_count": 3}, seq=1), topic=topic)
    assert bench.rows("SELECT reason, times FROM rejected_message") == [("unknown_site", 5)]
    with psycopg.connect(bench.database.url) as connection:
        connection.execute("INSERT INTO site (key, name, timezone) VALUES ('later', 'Later', 'Asia/Ho_Chi_Minh')")
    bench.writer.close()
    bench.writer, bench.router = bench.new_writer(), Router()
    assert bench.ask(reason="unknown_site").asked == 1
    assert (bench.replay(), bench.replay()) == (1, 0)
    assert bench.outcomes() == ["stored 2, duplicates 0, conflicts 0"]
    assert bench.states() == [("unknown_site", "replayed")]
    assert bench.rows("SELECT count(*) FROM reading") == [(2,)]
    assert bench.rows("SELECT sum(received)::int, sum(processed)::int, sum(replayed)::int FROM ledger_now") == [
        (6, 1, 1)
    ]
    assert bench.ask().found == 0


def test_what_is_refused_again_stays_open_with_the_new_reason(bench: Replays) -> None:
    topic = "haidang/v1/later/hall/press/data"
    bench.write(sample({"power_kw": "much", "good_count": 3}), topic=topic)
    with psycopg.connect(bench.database.url) as connection:
        connection.execute("INSERT INTO site (key, name, timezone) VALUES ('later', 'Later', 'Asia/Ho_Chi_Minh')")
    bench.writer.close()
    bench.writer, bench.router = bench.new_writer(), Router()
    bench.write(sample({"power_kw": 1.0}, 1), topic=topic)
    bench.ask()
    bench.replay()
    (outcome,) = bench.outcomes()
    assert outcome.startswith("stored 1, duplicates 0, conflicts 0; refused again (wrong_type): power_kw must be")
    assert bench.rows("SELECT reason, status, whole, times, site_id IS NULL FROM rejected_message") == [
        ("wrong_type", "open", False, 1, False)
    ]
    bench.ask()
    bench.replay()
    assert bench.outcomes()[1].startswith("stored 0, duplicates 1")
    assert bench.rows("SELECT count(*) FROM reading") == [(2,)]
    bench.ledger()


def test_a_worker_that_dies_in_between_leaves_nothing_and_the_next_does_it(
    bench: Replays, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.write(b"garbage", sample({"power_kw": 1.0}))
    with psycopg.connect(bench.database.url) as connection:
        connection.execute(
            "UPDATE rejected_message SET payload = %s", [json.dumps(sample({"power_kw": 2.0}, 5)).encode()]
        )
    bench.ask()
    monkeypatch.setattr("store.raw.insert_accounts", killed(bench))
    with pytest.raises(DatabaseUnavailableError):
        bench.replay()
    monkeypatch.undo()
    assert bench.rows("SELECT count(*) FROM reading") == [(1,)]
    assert bench.rows("SELECT done_at FROM replay_request") == [(None,)]
    assert bench.replay() == 1
    assert bench.rows("SELECT count(*) FROM reading") == [(2,)]
    assert bench.states() == [("undecodable", "replayed")]


def killed(bench: Replays) -> Callable[..., str]:
    """Ends the writer's connection where it is called, as the end of its process would."""

    def end(connection: psycopg.Connection[Any], *_: object) -> str:
        with psycopg.connect(bench.database.url, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", [connection.info.backend_pid])
        connection.execute("SELECT 1")
        raise AssertionError

    return end


def test_two_workers_carry_a_request_out_once(bench: Replays, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.write(b"garbage", sample({"power_kw": 1.0}))
    bench.ask()
    other = Replays.__new__(Replays)
    other.database, other.router, other.writer = bench.database, Router(), bench.new_writer()
    monkeypatch.setattr("store.replays.release", lambda _connection: None)  # the first is slow: it keeps the lock
    assert bench.replay() == 1
    assert other.replay() == 0
    monkeypatch.undo()
    monkeypatch.setitem(replays._SQL, "lock", "SELECT true")  # even without the lock
    bench.ask()
    found = bench.writer.run(lambda connection: replays.waiting(connection, 5, 1 << 20))
    assert other.replay() == 1
    replayer = Replayer(bench.writer, bench.router, Limits())
    with pytest.raises(DatabaseUnavailableError, match="somebody else"):
        replayer._store(found, [replayer.message(one) for one in found], [])
    other.writer.close()
    assert bench.ledger()["received"] == 4


def test_what_was_not_kept_whole_or_is_settled_is_not_carried_out(bench: Replays) -> None:
    bench.write(b"x" * 100, b"y")
    with psycopg.connect(bench.database.url) as connection:
        connection.execute(
            "INSERT INTO replay_request (rejected_message_id) SELECT rejected_message_id FROM rejected_message"
        )
        connection.execute("UPDATE rejected_message SET replayable = false WHERE payload_bytes = 100")
        connection.execute("UPDATE rejected_message SET status = 'dismissed' WHERE payload_bytes = 1")
    assert bench.replay() == 2
    assert sorted(bench.outcomes()) == [
        "not carried out: the message is dismissed",
        "not carried out: what was kept of the message is not all that was sent",
    ]
    assert bench.ledger()["received"] == 2


def meter(quantity: str) -> Mapping:
    values = [{"from": "", "name": "reading", "quantity": quantity}]
    return Mapping.model_validate(
        {"topic": "meters/{m}", "site": "demo", "asset": "{m}", "format": "number", "time": "receive", "values": values}
    )


def receive(bench: Replays, *received_us: int) -> None:
    """The same payload, at these times."""
    source = bench.router.source("meters/m1")
    found = [Message(source, b"RUN", at, intake.decode(source, b"RUN", at), packet_id=1) for at in received_us]
    bench.writer.write(found)


def test_a_replay_of_values_without_a_time_gives_each_the_time_of_its_receipt(bench: Replays) -> None:
    times = [NOW_MS * 1000 + after for after in (0, 7_000_001, 14_000_002)]
    bench.router.use([meter("number")])
    receive(bench, *times)
    assert bench.rows("SELECT reason, times FROM rejected_message") == [("wrong_type", 1)] * 3
    bench.router.use([meter("state")])
    assert (bench.ask().asked, bench.replay()) == (3, 3)
    assert bench.outcomes() == ["stored 1, duplicates 0, conflicts 0"] * 3
    stored = bench.rows("SELECT (extract(epoch FROM ts) * 1000000)::bigint FROM reading ORDER BY ts")
    assert [at for (at,) in stored] == times


def test_receipts_that_were_only_counted_are_not_replayed_as_one(bench: Replays) -> None:
    receive(bench, NOW_MS * 1000, NOW_MS * 1000 + 1)
    assert bench.rows("SELECT reason, times FROM rejected_message") == [("unknown_topic", 2)]
    bench.router.use([meter("state")])
    assert (bench.ask().asked, bench.replay()) == (1, 1)
    why = "not carried out: it came 2 times before a mapping with `time: receive` read it"
    assert bench.outcomes() == [f"{why}, and when each came was not kept"]
    assert bench.rows("SELECT count(*) FROM reading") == [(0,)]
