"""Ingest as a real process between a real broker and a real database, and what may go wrong around it.

Nothing may be lost and nothing doubled, and nobody has to start anything again. Kills, restarts and broken lines, each
and together, are `test_bench_faults.py`.
"""

import json
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Self

import psycopg
import pytest

from model.ledger import MESSAGE_ACCOUNT, VALUE_ACCOUNT
from pilot.ports import free_port
from simulators.publish import Publisher
from tests.support.broker import Broker
from tests.support.database import Databases, TestDatabase
from tests.support.service import Service, Services
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.needs_database, pytest.mark.needs_broker]

TOPIC = "haidang/v1/demo/packing/line1/filler/data"
VALUES = 3
START_MS = time.time_ns() // 1_000_000


@dataclass
class Chain:
    """A broker, a database with the site `demo`, an ingest process."""

    broker: Broker
    database: TestDatabase
    services: Services
    ingest: Service = field(init=False)

    def prepare(self, **more: str) -> None:
        with psycopg.connect(self.database.url) as connection:
            connection.execute("INSERT INTO site (key, name, timezone) VALUES ('demo', 'Demo', 'Asia/Ho_Chi_Minh')")
        self.ingest = self.services.start("ingest", env=self.environment(**more))
        self.wait_connected(1)

    def environment(self, **more: str) -> dict[str, str]:
        return {
            "HAIDANG_DATABASE_URL": self.database.url_for("haidang_ingest"),
            "HAIDANG_BROKER_URL": self.broker.url,
            **more,
        }

    def wait_connected(self, times: int) -> None:
        def connected() -> bool:
            assert self.ingest.is_running, f"ingest ended:\n{self.ingest.tail()}"
            return self.ingest.log().count("broker_connected") >= times

        wait_until(connected, timeout_s=90, what=f"ingest to be connected ({times})")

    def one(self, statement: str) -> Any:
        with psycopg.connect(self.database.url) as connection:
            row = connection.execute(statement).fetchone()
        return row[0] if row else None

    def rejected(self) -> dict[str, str]:
        with psycopg.connect(self.database.url) as connection:
            return dict(connection.execute("SELECT reason, detail FROM rejected_message").fetchall())

    def stored(self) -> int:
        return int(self.one("SELECT count(*) FROM reading"))

    def check_accounts(self) -> dict[str, int]:
        names = [*MESSAGE_ACCOUNT, *VALUE_ACCOUNT]
        with psycopg.connect(self.database.url) as connection:
            sums = ", ".join(f"coalesce(sum({name}), 0)::int" for name in names)
            row = connection.execute(f"SELECT {sums} FROM ledger_now").fetchone()
        assert row is not None
        counts = dict(zip(names, row, strict=True))
        for first, *others in (MESSAGE_ACCOUNT, VALUE_ACCOUNT):
            assert counts[first] == sum(counts[name] for name in others)
        return counts


@pytest.fixture
def chain(broker: Broker, database: TestDatabase, services: Services) -> Iterator[Chain]:
    made = Chain(broker, database, services)
    made.prepare()
    yield made
    if made.ingest.is_running:
        assert made.ingest.terminate() == 0


class Stream:
    """Publishes samples of three values at a steady rate from a thread, over broker restarts too."""

    def __init__(self, url: str, rate_per_s: float = 400.0) -> None:
        self.sent = 0
        self._url = url
        self._wait_s = 20 / rate_per_s
        self._stop = threading.Event()
        self._error: Exception | None = None
        self._start_ms = time.time_ns() // 1_000_000 - 600_000
        self._thread = threading.Thread(target=self._work, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.finish()

    def finish(self) -> None:
        """Publish no more; everything is with the broker afterwards."""
        self._stop.set()
        self._thread.join(90)
        assert not self._thread.is_alive(), "the publisher hangs"
        if self._error is not None:
            raise self._error

    @property
    def values(self) -> int:
        return self.sent * VALUES

    def _work(self) -> None:
        try:
            with Publisher(self._url, client_id="stream") as publisher:
                while not self._stop.is_set():
                    for _ in range(20):
                        publisher.publish(TOPIC, self._sample())
                    publisher.tend(self._wait_s)
                publisher.drain()
        except Exception as error:  # noqa: BLE001 - raised by the thread that waits
            self._error = error

    def _sample(self) -> bytes:
        self.sent += 1
        n = self.sent
        return json.dumps(
            {"ts": self._start_ms + n, "seq": n, "values": {"good_count": n, "power_kw": n / 7, "state": f"S{n % 5}"}}
        ).encode()


def publish(url: str, *messages: tuple[str, bytes]) -> None:
    with Publisher(url, client_id="test") as publisher:
        for topic, payload in messages:
            publisher.publish(topic, payload)
        publisher.drain()


def sample(after_ms: int = 0, **values: Any) -> bytes:
    return json.dumps({"ts": START_MS + after_ms, "values": values}).encode()


BAD: list[tuple[str, str, bytes, str]] = [
    ("undecodable", TOPIC, b"\xff\x00garbage", "not UTF-8 text"),
    ("wrong_type", TOPIC, sample(power_kw="a lot"), "power_kw must be a number, not 'a lot'"),
    (
        "not_finite",
        TOPIC,
        b'{"ts": %d, "values": {"power_kw": NaN}}' % START_MS,
        "'power_kw' is NaN",
    ),
    ("too_large", TOPIC, b"x" * ((1 << 20) + 1), "1,048,577 bytes, 1,048,576 are allowed"),
    (
        "unknown_unit",
        TOPIC,
        json.dumps({"ts": START_MS, "values": {"oil_bar": 3}, "units": {"oil_bar": "psi2"}}).encode(),
        "unit 'psi2' is not known for pressure",
    ),
    (
        "wrong_unit",
        TOPIC,
        json.dumps({"ts": START_MS, "values": {"oil_bar": 3}, "units": {"oil_bar": "kg"}}).encode(),
        "unit 'kg' does not measure pressure",
    ),
    ("in_future", TOPIC, sample(10 * 86_400_000, power_kw=1), "10 days ahead of the receiver's clock"),
    ("unknown_site", "haidang/v1/nowhere/a/data", sample(power_kw=1), "site 'nowhere' is not known here"),
    ("unknown_topic", "haidang/v1/demo/whatever", sample(power_kw=1), "is none of ours"),
]


def test_bad_input_is_kept_with_a_reason_and_the_rest_goes_on(chain: Chain) -> None:
    messages = []
    for number, (_, topic, payload, _) in enumerate(BAD):
        messages += [(topic, payload), (TOPIC, sample(-1000 - number, good_count=number))]
    publish(chain.broker.url, *messages)
    wait_until(lambda: chain.stored() == len(BAD), what="every good value")
    wait_until(lambda: len(chain.rejected()) == len(BAD), what="every refusal")
    found = chain.rejected()
    for code, _, _, said in BAD:
        assert said in found[code]
    counts = chain.check_accounts()
    assert (counts["received"], counts["rejected"]) == (2 * len(BAD), len(BAD))
    assert chain.one("SELECT octet_length(payload) FROM rejected_message WHERE reason = 'too_large'") == 65_536


@pytest.mark.parametrize("character", [rb"\u0000", rb"\ud800"])
def test_names_and_texts_that_cannot_be_stored_end_nothing(chain: Chain, character: bytes) -> None:
    text = b"a" + character + b"b"
    payloads = [
        b'{"ts": %d, "values": {"%s": [1]}}' % (START_MS, text),
        b'{"ts": %d, "values": {"%s": NaN}}' % (START_MS, text),
        b'{"ts": %d, "values": {"%s": 1}}' % (START_MS, text),
        b'{"ts": %d, "values": {"state": "%s"}}' % (START_MS, text),
        b'{"ts": %d, "values": {"job": "%s"}}' % (START_MS, text),
        b'{"ts": %d, "values": {"x": 1}, "units": {"x": "%s"}}' % (START_MS, text),
        b'{"ts": %d, "asset": "%s", "values": {"x": 1}}' % (START_MS, text),
    ]
    publish(chain.broker.url, *((TOPIC, payload) for payload in payloads), (TOPIC, sample(good_count=1)))
    wait_until(lambda: chain.stored() == 1, what="the good value")
    assert chain.one("SELECT count(*) FROM rejected_message") == len(payloads)
    assert chain.one("SELECT count(*) FROM rejected_message WHERE reason = 'database'") == 0
    assert chain.ingest.is_running
    assert chain.check_accounts()["rejected"] == len(payloads)


def everything_is_there(chain: Chain, stream: Stream) -> None:
    wait_until(lambda: chain.stored() >= stream.values, timeout_s=60, what=f"{stream.values} values")
    assert chain.stored() == stream.values
    assert chain.one("SELECT count(*) FROM (SELECT DISTINCT series_id, ts FROM reading) AS keys") == stream.values
    assert (
        chain.one("SELECT count(DISTINCT value) FROM reading JOIN series USING (series_id) WHERE name = 'good_count'")
        == stream.sent
    )
    assert not chain.rejected()
    counts = chain.check_accounts()
    assert counts["stored"] == stream.values
    assert counts["conflict"] == 0
    # What was sent was received once; what is more was delivered again, by our broker or by the publisher to it.
    assert counts["processed"] == counts["received"] - counts["redelivered"]
    assert counts["duplicate"] == VALUES * (counts["received"] - stream.sent)
    assert counts["processed"] == stream.sent
    assert chain.one("SELECT sum(missing_seq)::int FROM ledger_now") == 0


def test_a_stopped_database_costs_nothing_and_needs_no_restart(
    broker: Broker, database: TestDatabase, services: Services
) -> None:
    chain = Chain(broker, database, services)
    chain.prepare(HAIDANG_INGEST_OUTAGE_S="1")
    with Stream(chain.broker.url) as stream:
        wait_until(lambda: chain.stored() > 100, what="the stream to flow")
        pid = chain.ingest.pid
        chain.database.server.stop()
        try:
            wait_until(lambda: "database_away" in chain.ingest.log(), timeout_s=60, what="ingest to leave the broker")
            away = stream.sent
            wait_until(lambda: stream.sent > away + 400, what="messages for an ingest that is away")
        finally:
            chain.database.server.start()
        chain.wait_connected(2)
        stream.finish()
    everything_is_there(chain, stream)
    assert chain.ingest.pid == pid
    assert "Traceback" not in chain.ingest.log()
    assert chain.ingest.terminate() == 0


def test_a_short_outage_is_met_without_leaving_the_broker(chain: Chain) -> None:
    with Stream(chain.broker.url) as stream:
        wait_until(lambda: chain.stored() > 100, what="the stream to flow")
        with psycopg.connect(chain.database.url, autocommit=True) as connection:
            for _ in range(3):
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE application_name = 'haidang-ingest' AND datname = current_database()"
                )
                before = chain.stored()
                wait_until(lambda before=before: chain.stored() > before, what="ingest to go on")  # type: ignore[misc]
        stream.finish()
    everything_is_there(chain, stream)
    assert chain.ingest.log().count("broker_connected") == 1


def test_a_stop_stores_and_acknowledges_what_is_held(chain: Chain) -> None:
    with Stream(chain.broker.url) as stream:
        wait_until(lambda: chain.stored() > 300, what="the stream to flow")
        assert chain.ingest.terminate() == 0
        chain.ingest.start()
        chain.wait_connected(2)
        stream.finish()
    everything_is_there(chain, stream)
    counts = chain.check_accounts()
    assert counts["redelivered"] == counts["duplicate"] == 0


def test_what_is_held_is_bounded(broker: Broker, database: TestDatabase, services: Services) -> None:
    chain = Chain(broker, database, services)
    chain.prepare()
    assert chain.ingest.terminate() == 0
    with Stream(broker.url, rate_per_s=8000) as stream:
        wait_until(lambda: stream.sent > 4000, what="a full queue")
        stream.finish()
    small = {
        "HAIDANG_INGEST_HELD_MESSAGES": "300",
        "HAIDANG_INGEST_RECEIVE_MAXIMUM": "500",
        "HAIDANG_INGEST_BATCH_VALUES": "600",
    }
    chain.ingest = services.start("ingest", env=chain.environment(**small))
    everything_is_there(chain, stream)
    assert chain.ingest.terminate() == 0
    most_held = int(chain.ingest.log().rpartition("most_held=")[2].split()[0])
    one_read = 65_536 // 150  # messages in what is read from the socket at once
    assert most_held <= 300 + one_read


# -- reasons not to start -----------------------------------------------------------------------------


def refusal(services: Services, environment: dict[str, str]) -> str:
    service = services.start("ingest", env=environment)
    assert service.wait(60) == 1
    lines = [line for line in service.log().splitlines() if line.startswith("haidang ingest:")]
    assert len(lines) == 1, service.log()
    assert "Traceback" not in service.log()
    return lines[0]


def test_a_missing_migration_is_one_line(databases: Databases, broker: Broker, services: Services) -> None:
    with databases.empty() as database:
        line = refusal(services, {"HAIDANG_DATABASE_URL": database.url, "HAIDANG_BROKER_URL": broker.url})
    assert "run `haidang db migrate`" in line


def test_a_taken_port_is_one_line(database: TestDatabase, broker: Broker, services: Services) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        environment = Chain(broker, database, services).environment(HAIDANG_INGEST_METRICS_PORT=port)
        line = refusal(services, environment)
    assert port in line
    assert "HAIDANG_INGEST_METRICS_PORT" in line


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"HAIDANG_BROKER_URL": "127.0.0.1:1883"}, "HAIDANG_BROKER_URL"),
        ({"HAIDANG_DATABASE_URL": ""}, "HAIDANG_DATABASE_URL"),
        ({"HAIDANG_MAPPING_PATH": "/nowhere/mapping.yaml"}, "cannot be read"),
    ],
)
def test_a_wrong_setting_is_one_line(services: Services, change: dict[str, str], said: str) -> None:
    environment = {"HAIDANG_DATABASE_URL": "postgresql://x@127.0.0.1:1/x", "HAIDANG_BROKER_URL": "mqtt://127.0.0.1:1"}
    assert said in refusal(services, {**environment, **change})


def test_what_is_unreachable_at_the_start_is_waited_for(
    broker: Broker, database: TestDatabase, services: Services
) -> None:
    chain = Chain(broker, database, services)
    chain.database.server.stop()
    chain.broker.stop()
    try:
        chain.ingest = services.start("ingest", env=chain.environment())
        wait_until(lambda: chain.ingest.log().count("database_unreachable") > 1, what="the line about the database")
    finally:
        chain.database.server.start()
    wait_until(lambda: "broker_unreachable" in chain.ingest.log(), timeout_s=60, what="the line about the broker")
    chain.broker.start()
    chain.wait_connected(1)
    assert chain.ingest.terminate() == 0


def test_the_next_days_have_their_place_before_a_reading_comes(chain: Chain) -> None:
    if chain.one("SELECT relkind::text FROM pg_class WHERE oid = 'reading'::regclass") != "p":
        pytest.skip("chunks appear by themselves here")
    assert chain.one("SELECT count(*) FROM pg_inherits WHERE inhparent = 'reading'::regclass") == 3


def test_metrics_show_what_was_stored(broker: Broker, database: TestDatabase, services: Services) -> None:
    chain = Chain(broker, database, services)
    port = free_port()
    chain.prepare()
    assert chain.ingest.terminate() == 0
    chain.ingest = services.start("ingest", env=chain.environment(HAIDANG_INGEST_METRICS_PORT=str(port)))
    chain.wait_connected(1)
    publish(broker.url, (TOPIC, sample(power_kw=1)), (TOPIC, b"garbage"))
    wait_until(lambda: len(chain.rejected()) == 1, what="the refusal")
    wait_until(lambda: 'values_total{outcome="stored"} 1.0' in scraped(port), what="the metrics")
    assert 'messages_total{outcome="rejected"} 1.0' in scraped(port)
    assert chain.ingest.terminate() == 0


def scraped(port: int) -> str:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        parts = []
        while part := connection.recv(65_536):
            parts.append(part)
    return b"".join(parts).decode()
