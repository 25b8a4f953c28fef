"""A packet that stands for several messages is stored or refused as one, in one transaction."""

import json
import time
from typing import Any

import psycopg
import pytest

from ingest.message import Message
from ingest.route import Router
from ingest.writer import Writer
from tests.support.database import TestDatabase

pytestmark = pytest.mark.needs_database


def test_a_refused_packet_takes_its_other_messages_with_it_and_keeps_the_session(database: TestDatabase) -> None:
    with psycopg.connect(database.url) as connection:
        connection.execute("INSERT INTO site (key, name, timezone) VALUES ('demo', 'Demo', 'UTC')")
        connection.execute("ALTER TABLE event ADD CHECK (key <> 'poison')")
    router = Router([])
    batch = [
        message(router, "a", power_kw=1.0),
        message(router, "b", job="poison"),
        message(router, "c", power_kw=2.0),
        message(router, "d", power_kw=3.0),
    ]
    batch[1].decoded.online = True
    batch[2].is_derived = True
    writer = Writer(database.url_for("haidang_ingest"))
    writer.write(batch)
    writer.close()
    with psycopg.connect(database.url) as connection:
        assert connection.execute("SELECT value FROM reading ORDER BY value").fetchall() == [(1.0,), (3.0,)]
        assert connection.execute("SELECT count(*)::int FROM device_session WHERE to_ts IS NULL").fetchone() == (1,)
        received = "SELECT sum(received)::int, sum(rejected)::int FROM ledger_now"
        assert connection.execute(received).fetchone() == (3, 1)


def message(router: Router, asset: str, **values: Any) -> Message:
    """A native message with one sample."""
    now_ms = time.time_ns() // 1_000_000
    source = router.source(f"haidang/v1/demo/{asset}/data")
    data = json.dumps({"ts": now_ms, "values": values}).encode()
    return Message(source, data, now_ms * 1000, source.decode(data))
