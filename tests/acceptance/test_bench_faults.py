"""The fault harness on the services of the session: every fault once, nothing lost, nothing doubled; and that it would
see it if something were."""

import os
from collections import Counter

import psycopg
import pytest

from ingest.message import Message
from ingest.route import Router
from ingest.writer import Writer
from pilot.faults import truth
from pilot.faults.feed import Feed
from pilot.faults.kinds import KINDS
from pilot.faults.load import SITE, make_load
from pilot.faults.report import lines
from pilot.faults.run import Options, run
from pilot.faults.stack import Services
from tests.support.broker import mosquitto_path
from tests.support.database import TestDatabase
from tests.support.database_server import DatabaseServer

pytestmark = [pytest.mark.needs_database, pytest.mark.needs_broker]

QUICK = {"HAIDANG_INGEST_OUTAGE_S": "1"}  # leave the broker after a second without the database


@pytest.fixture
def services(database_server: DatabaseServer) -> Services:
    """The database server of the session, killed by its own command; a broker of the run's own."""
    broker = mosquitto_path() or "none"
    if "HAIDANG_TEST_DATABASE_URL" not in os.environ:
        return Services(mosquitto=broker)
    control = os.environ.get("HAIDANG_TEST_DATABASE_CONTROL", "")
    return Services(database_url=database_server.admin_url, database_control=control, mosquitto=broker)


@pytest.mark.timeout(240)
def test_every_fault_once_loses_and_doubles_nothing(services: Services) -> None:
    said: list[str] = []
    result = run(Options(minutes=0, rate=200, devices=12, services=services, settings=QUICK), said.append)
    report = "\n".join([*said, *lines(result)])
    assert result.is_good, report
    left_out = len(result.left_out)
    assert len(result.took_place) == len(KINDS) - left_out, report
    total = result.total
    assert total.sent == total.acknowledged == total.stored + total.rejected > 1000
    assert total.rejected > 0
    assert total.duplicate_values > 0
    assert min(result.sparkplug["messages"], result.sparkplug["births"]) > 10, report
    assert result.replays_stored > 0, report
    assert total.longest_stall_s > 0.3
    assert (result.beside is None) == bool(services.mosquitto == "none")
    if result.beside is not None:
        assert result.beside.doubled == 0


def stored(database: TestDatabase) -> truth.Sent:
    """What a publisher in disorder sends, stored without a broker."""
    with psycopg.connect(database.url) as connection:
        connection.execute("INSERT INTO site (key, name, timezone) VALUES (%s, 'Faults', 'Asia/Ho_Chi_Minh')", [SITE])
    load = make_load(devices=3, values=4)
    feed = Feed(load, list(range(load.devices)), seed=5, in_disorder=True)
    outgoing = [*(feed.take() for _ in range(400)), *feed.flush()]
    router, writer = Router(), Writer(database.url_for("haidang_ingest"))
    messages = []
    for one in outgoing:
        source = router.source(one.topic)
        messages.append(Message(source, one.payload, load.start_ms * 1000, source.decode(one.payload)))
    writer.write(messages)
    writer.close()
    spans = [truth.Span(0, device, 1, 50) for device in range(3)]
    spans += [truth.Span(1, device, 50, end) for device, end in feed.next_number.items()]
    return truth.Sent(load, spans, [(1, one) for one in feed.refusals])


def test_what_is_lost_or_doubled_is_seen(database: TestDatabase) -> None:
    sent = stored(database)
    assert len({one.whole for _, one in sent.refusals}) == 2
    assert truth.compare(database.url, sent) == truth.Found()
    assert truth.account_problems(database.url, sent) == []
    with psycopg.connect(database.url, autocommit=True) as connection:
        of = "series_id = (SELECT min(series_id) FROM series WHERE name = 'v01_kw')"
        second = f"(SELECT ts FROM reading WHERE {of} ORDER BY ts OFFSET 1 LIMIT 1)"
        connection.execute(f"DELETE FROM reading WHERE {of} AND ts = {second}")
        connection.execute(f"UPDATE reading SET value = 0 WHERE {of} AND ts = (SELECT max(ts) FROM reading WHERE {of})")
        connection.execute("DELETE FROM event WHERE ts = (SELECT min(ts) FROM event)")
        for change in ("DELETE FROM rejected_message", r"UPDATE rejected_message SET digest = '\x00'"):
            connection.execute(f"{change} WHERE digest = (SELECT digest FROM rejected_message ORDER BY 1 DESC LIMIT 1)")
    found = truth.compare(database.url, sent)
    assert found.lost_values == {0: 1, 1: 1 + sent.load.devices}  # every device has an event at that time
    assert found.lost_messages == {0: 1, 1: 1 + sent.load.devices}
    assert found.doubled[1] == 1
    assert found.doubled[truth.NOWHERE] == 1
    assert found.lost_refusals == Counter({1: 2})
    assert "the ledger says" in truth.account_problems(database.url, sent)[0]


def test_what_was_never_acknowledged_may_be_there_or_not(database: TestDatabase) -> None:
    sent = stored(database)
    unsure = [(0, 3, ""), (1, 4, "")]
    with psycopg.connect(database.url, autocommit=True) as connection:
        ts = [sent.load.start_ms + 3]
        connection.execute("DELETE FROM reading WHERE ts = to_timestamp(%s / 1000.0)", ts)
    found = truth.compare(database.url, truth.Sent(sent.load, sent.spans, sent.refusals, unsure))
    assert found.lost_messages == {0: 2}  # of the devices 1 and 2
    assert not found.doubled[0]
