"""A connection that dies around COMMIT: whatever the server did, nothing is stored or counted twice, nothing lost."""

import asyncio
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from select import select
from typing import Any, Self, cast
from urllib.parse import urlsplit

import psycopg
import pytest

from ingest.arrivals import Arrivals
from ingest.columns import Plan
from ingest.message import Message
from ingest.metrics import Metrics
from ingest.route import Router
from ingest.storing import Storing
from ingest.waiting import Signals
from ingest.writer import NotStoredError, Report, Writer
from store import raw
from store.errors import DatabaseUnavailableError
from tests.integration.ingest.test_replay import Replays
from tests.integration.ingest.test_writer import Bench, sample
from tests.support.database import TestDatabase

pytestmark = pytest.mark.needs_database
CHUNK = 1 << 16
COMMIT = b"COMMIT\x00"


class Proxy:
    """Stands between a client and the server, and cuts the connection at the next COMMIT when it is told to.

    `cut`: "before" = the COMMIT does not arrive; "after" = its answer does not; "stall" = it does not arrive, and for
    the server the client is still there, in the middle of its transaction.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._server = parts.hostname or "127.0.0.1", parts.port or 5432
        self._listener = socket.create_server(("127.0.0.1", 0))
        port = self._listener.getsockname()[1]
        query = "sslmode=disable&gssencmode=disable"
        self.url = f"postgresql://{parts.username}@127.0.0.1:{port}{parts.path}?{query}"
        self.cut = ""
        self.at = COMMIT
        self.cuts = 0
        self._held: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        end(*self._held)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        server = socket.create_connection(self._server)
        with suppress(OSError):
            while True:
                ready, _, _ = select([client, server], [], [])
                one, other = (client, server) if client in ready else (server, client)
                data = one.recv(CHUNK)
                if one is client and self.cut and self.at in data:
                    self._cut(server, data)
                    break
                if not data:
                    break
                other.sendall(data)
        end(client, *([server] if server not in self._held else []))

    def _cut(self, server: socket.socket, data: bytes) -> None:
        how, self.cut = self.cut, ""
        self.cuts += 1
        if how == "after":
            server.sendall(data)
            server.recv(CHUNK)  # the answer: it is committed
        elif how == "stall":
            self._held.append(server)


def end(*sockets: socket.socket) -> None:
    for each in sockets:
        with suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)
        each.close()


@pytest.fixture
def proxy(database: TestDatabase) -> Iterator[Proxy]:
    with Proxy(database.url_for("haidang_ingest")) as made:
        yield made


@pytest.fixture
def bench(database: TestDatabase, proxy: Proxy) -> Iterator[Bench]:
    made = Bench(database)
    made.writer = Writer(proxy.url)
    made.write(sample({"power_kw": 0.5}))
    yield made
    made.writer.close()


@pytest.fixture
def cut_next(proxy: Proxy, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Cuts the connection at the COMMIT of the next batch."""
    insert = raw.insert_accounts

    def arm(how: str) -> None:
        def insert_and_arm(*arguments: Any) -> str:
            monkeypatch.undo()
            proxy.cut = how
            return insert(*arguments)

        monkeypatch.setattr("store.raw.insert_accounts", insert_and_arm)

    return arm


def batch(bench: Bench) -> list[Message]:
    return [bench.message(sample({"power_kw": float(n)}, n)) for n in range(1, 4)] + [bench.message(b"garbage")]


@pytest.mark.parametrize("how", ["before", "after", "stall"])
def test_it_is_stored_and_counted_once(bench: Bench, proxy: Proxy, cut_next: Callable[[str], None], how: str) -> None:
    messages = batch(bench)
    cut_next(how)
    with pytest.raises(NotStoredError) as caught:
        bench.writer.write(messages)
    assert (caught.value.committed, proxy.cuts) == (0, 1)
    assert bench.rows("SELECT count(*) FROM reading") == [(4 if how == "after" else 1,)]
    report = bench.writer.write(messages)
    assert report.committed == 4
    assert (report.counts["received"], report.counts["stored"], report.staged) == (4, 3, 0)
    assert bench.rows("SELECT count(*) FROM reading") == [(4,)]
    assert bench.rows("SELECT times FROM rejected_message") == [(1,)]
    assert bench.ledger() == {"received": 5, "processed": 4, "rejected": 1, "decoded": 4, "stored": 4}
    bench.write(sample({"power_kw": 9.0}, 9))
    assert bench.ledger()["stored"] == 5


def test_what_is_left_half_way_in_the_server_does_not_keep_the_next_try_waiting(
    bench: Bench, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.writer.SILENT_CLIENT_S", 1.0)
    bench.writer.close()
    messages = batch(bench)
    proxy.at, proxy.cut = b"json_to_recordset", "stall"  # the rows are copied, the accounts do not arrive
    with pytest.raises(DatabaseUnavailableError):
        bench.writer.write(messages)
    assert bench.writer.write(messages).committed == 4
    assert proxy.cuts == 1
    assert bench.ledger() == {"received": 5, "processed": 4, "rejected": 1, "decoded": 4, "stored": 4}


def test_a_batch_in_doubt_that_is_given_up_comes_again_from_the_broker(
    bench: Bench, cut_next: Callable[[str], None]
) -> None:
    messages = batch(bench)
    cut_next("after")
    with pytest.raises(DatabaseUnavailableError):
        bench.writer.write(messages)
    bench.writer.write([bench.message(message.payload, dup=True) for message in messages])
    assert bench.ledger() == {
        "received": 9,
        "processed": 4,
        "rejected": 1,
        "redelivered": 4,
        "decoded": 7,
        "stored": 4,
        "duplicate": 3,
    }
    assert bench.rows("SELECT times FROM rejected_message") == [(1,)]


def test_the_half_of_a_batch_that_is_in_doubt_is_not_stored_twice(
    bench: Bench, proxy: Proxy, cut_next: Callable[[str], None]
) -> None:
    with psycopg.connect(bench.database.url) as connection:
        connection.execute("ALTER TABLE event ADD CHECK (key <> 'poison')")
    samples = [sample({"power_kw": 1.0, "job": "poison" if n == 6 else f"J{n}"}, n + 1) for n in range(8)]
    messages = [bench.message(each) for each in samples]
    cut_next("after")  # of the first half: the whole batch fails before its accounts
    with pytest.raises(DatabaseUnavailableError):
        bench.writer.write(messages)
    assert bench.rows("SELECT count(*) FROM reading") == [(5,)]
    assert bench.writer.write(messages).committed == 8
    assert proxy.cuts == 1
    assert bench.ledger() == {"received": 9, "processed": 8, "rejected": 1, "decoded": 15, "stored": 15}


@pytest.mark.parametrize("how", ["before", "after"])
def test_folding_in_doubt_keeps_every_count(bench: Bench, proxy: Proxy, how: str) -> None:
    bench.write(sample({"power_kw": 1.0}, 1, seq=4), sample({"power_kw": 1.0}, 2, seq=7))
    before = bench.ledger()
    proxy.cut = how
    with pytest.raises(DatabaseUnavailableError):
        bench.writer.fold_ledger()
    bench.writer.fold_ledger()
    assert bench.ledger() == before
    assert bench.rows("SELECT sum(missing_seq)::int FROM ledger_now") == [(2,)]


@pytest.mark.parametrize("how", ["before", "after"])
def test_a_replay_in_doubt_is_carried_out_once(
    database: TestDatabase, proxy: Proxy, cut_next: Callable[[str], None], how: str
) -> None:
    bench = Replays(database)
    bench.write(sample({"power_kw": 0.5}))
    bench.writer.close()
    bench.writer, bench.router = Writer(proxy.url), Router()
    bench.write(b"garbage")
    with psycopg.connect(database.url) as connection:
        mended = json.dumps(sample({"power_kw": 2.0}, 5)).encode()
        connection.execute("UPDATE rejected_message SET payload = %s", [mended])
    bench.ask()
    cut_next(how)
    with pytest.raises(DatabaseUnavailableError):
        bench.replay()
    assert bench.replay() == (1 if how == "before" else 0)
    assert bench.outcomes() == ["stored 1, duplicates 0, conflicts 0"]
    assert bench.ledger() == {"received": 3, "processed": 2, "rejected": 1, "decoded": 2, "stored": 2}
    bench.writer.close()


@pytest.mark.parametrize("how", ["before", "after"])
def test_a_replay_waits_for_a_batch_in_doubt(
    database: TestDatabase, proxy: Proxy, cut_next: Callable[[str], None], how: str
) -> None:
    bench = Replays(database)
    bench.writer.close()
    bench.writer = Writer(proxy.url)
    bench.write(sample({"power_kw": 0.5}), b"garbage")
    bench.ask()
    messages = [bench.message(sample({"power_kw": 1.0}, n + 1)) for n in range(3)]
    cut_next(how)
    with pytest.raises(NotStoredError):
        bench.writer.write(messages)
    with pytest.raises(DatabaseUnavailableError, match="comes first"):
        bench.replay()
    assert bench.rows("SELECT done_at FROM replay_request") == [(None,)]
    report = bench.writer.write(messages)
    assert (report.committed, report.counts["stored"], report.staged) == (3, 3, 0)
    assert bench.replay() == 1
    assert bench.ledger() == {"received": 6, "processed": 4, "rejected": 2, "decoded": 4, "stored": 4}
    bench.writer.close()


def test_what_replays_leave_says_nothing_about_a_batch(
    bench: Bench, proxy: Proxy, cut_next: Callable[[str], None]
) -> None:
    messages = batch(bench)
    bench.writer.write_beside([bench.message(sample({"power_kw": 7.0}, 7))], lambda *_: None)
    cut_next("after")
    with pytest.raises(DatabaseUnavailableError):
        bench.writer.write_beside([bench.message(sample({"power_kw": 8.0}, 8))], lambda *_: None)
    assert bench.writer.write(messages).committed == 4
    assert bench.ledger()["stored"] == 6


@pytest.mark.parametrize("how", ["before", "after"])
def test_what_is_given_up_is_known_to_be_stored_or_not_and_keeps_no_replay_waiting(
    bench: Bench, cut_next: Callable[[str], None], how: str
) -> None:
    messages = batch(bench)
    cut_next(how)
    with pytest.raises(NotStoredError):
        bench.writer.write(messages)
    assert list(bench.writer.open()) == (messages if how == "after" else [])  # as the service does after an outage
    assert list(bench.writer.open()) == []
    assert bench.writer.write_beside([bench.message(sample({"power_kw": 8.0}, 8))], lambda *_: None).committed == 1


class Batches:
    """What the store sees of arrivals: batches that are there, and what was let go, in its order."""

    connection = None

    def __init__(self, *batches: list[Message]) -> None:
        self._batches = list(batches)
        self.released: list[Message] = []

    async def next_batch(self, _all_came: asyncio.Event) -> list[Message] | None:
        return self._batches.pop(0) if self._batches else None

    def release(self, messages: list[Message]) -> None:
        self.released += messages


async def store(batches: Batches, writer: Writer) -> None:
    async def sit_out(error: DatabaseUnavailableError) -> None:
        raise error

    storing = Storing(cast(Arrivals, batches), writer, Metrics(), Signals(), outage_s=60.0)
    await storing.run(sit_out)
    await storing.close()


@pytest.mark.parametrize("how", ["before", "after", "poison"])
def test_a_batch_planned_behind_one_that_fails_is_stored_once_and_acknowledged_after_it(
    bench: Bench, cut_next: Callable[[str], None], how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both bring new series and a value of the same key: the first received stays."""
    monkeypatch.setattr("ingest.storing.RETRY_S", 0.0)
    with psycopg.connect(bench.database.url) as connection:
        connection.execute("ALTER TABLE event ADD CHECK (key <> 'poison')")
    job = {"job": "poison"} if how == "poison" else {}
    one = [bench.message(sample({"power_kw": 1.0, f"a{n}_kw": 1.0, **(job if n == 2 else {})}, n)) for n in range(1, 4)]
    two = [bench.message(sample({"power_kw": 2.0, f"b{n}_kw": 1.0}, n)) for n in range(3, 6)]
    three = [bench.message(sample({"power_kw": 3.0}, n)) for n in range(6, 8)]
    ahead, write = list[bool](), bench.writer.write

    def noting(messages: list[Message], plan: Plan | None) -> Report:
        ahead.append(plan is not None)
        return write(messages, plan)

    monkeypatch.setattr(bench.writer, "write", noting)
    batches = Batches(one, two, three)
    if how != "poison":
        cut_next(how)
    asyncio.run(store(batches, bench.writer))
    assert batches.released == [*one, *two, *three]
    assert ahead == [True, False, True] if how == "poison" else [True, False, False, True]
    found = bench.rows("SELECT value FROM reading JOIN series USING (series_id) WHERE name = 'power_kw' ORDER BY ts")
    refused = len(job)  # the message of two values with it
    assert [value for (value,) in found] == [0.5, *[1.0] * (3 - refused), 2.0, 2.0, 3.0, 3.0]
    rows = 14 - 2 * refused
    assert bench.rows("SELECT count(*), count(DISTINCT (series_id, ts)) FROM reading") == [(rows, rows)]
    ledger = bench.ledger()
    assert (ledger["received"], ledger["processed"], ledger.get("rejected", 0)) == (9, 9 - refused, refused)
    assert (ledger["stored"], ledger["conflict"]) == (rows, 1)
