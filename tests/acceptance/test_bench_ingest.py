"""The ingest benchmark measures what it says, on a small load."""

import json

import psycopg
import pytest

from ingest.message import Message
from ingest.route import Router
from ingest.writer import Writer
from pilot import bench_ingest
from pilot.bench_publisher import Load, packets
from tests.support.database import TestDatabase


@pytest.mark.timeout(180)
def test_everything_that_the_benchmark_sends_is_stored(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench_ingest.main(bench_ingest.Options(3, messages=700), as_json=True) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["complete"]
    assert [run["name"] for run in shown["runs"]] == ["draining a full queue", "publishers live"]
    for run in shown["runs"]:
        assert run["sent_values"] == run["stored_values"] == 2100
        assert run["lost"] == run["doubled"] == 0
        assert run["values_per_s"] > 0
    assert shown["copy_rows_per_s"] > 0


@pytest.mark.needs_database
def test_lost_and_doubled_values_are_told_apart(database: TestDatabase) -> None:
    work, start_ms = Load(bench_ingest.SITE, messages=60, values_per_message=2), Load("", 60, 2).start_ms()
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute("INSERT INTO site (key, name, timezone) VALUES ('bench', 'Bench', 'Asia/Ho_Chi_Minh')")
        assert bench_ingest.difference(connection, work, start_ms) == (120, 0)
        store(database, work, start_ms)
        assert bench_ingest.difference(connection, work, start_ms) == (0, 0)
        connection.execute("DELETE FROM reading WHERE value = 0.7")
        assert bench_ingest.difference(connection, work, start_ms) == (1, 0)
        connection.execute("UPDATE reading SET ts = ts + interval '1 us' WHERE value = 1.4")
        connection.execute(
            "INSERT INTO reading SELECT ts + interval '1 us', series_id, value, quality FROM reading WHERE value = 2.1"
        )
        assert bench_ingest.difference(connection, work, start_ms) == (2, 2)


def store(database: TestDatabase, work: Load, start_ms: int) -> None:
    """Store a load as ingest does, without a broker."""
    router, writer = Router(), Writer(database.url_for("haidang_ingest"))
    messages = []
    for packet in packets(work, start_ms):
        topic_end = 4 + int.from_bytes(packet[2:4], "big")
        source, payload = router.source(packet[4:topic_end].decode()), packet[topic_end + 2 :]
        messages.append(Message(source, payload, start_ms * 1000, source.decode(payload)))
    writer.write(messages)
    writer.close()
