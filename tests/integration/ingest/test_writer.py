"""The writer on a real database, as the role it has in production."""

import json
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from secrets import token_hex
from typing import Any

import msgspec
import psycopg
import pytest

from ingest.decode.result import Decoded, Rejection
from ingest.limits import DAY_US, Limits
from ingest.mapping import Mapping
from ingest.message import Message
from ingest.route import Router
from ingest.writer import NotStoredError, Report, Writer
from model.ledger import MESSAGE_ACCOUNT, VALUE_ACCOUNT
from store import raw
from store.errors import DatabaseUnavailableError
from store.pool import Connection, connect
from tests.support.database import TestDatabase
from tests.support.waiting import wait_until

pytestmark = pytest.mark.needs_database
TOPIC = "haidang/v1/demo/packing/line1/filler/data"
NOW_MS = time.time_ns() // 1_000_000


class Bench:
    """A writer, and what the owner of the database sees."""

    def __init__(self, database: TestDatabase) -> None:
        self.database = database
        self.router = Router([PERSONS])
        with psycopg.connect(database.url) as connection:
            connection.execute(
                "INSERT INTO site (key, name, timezone, person_key) VALUES ('demo', 'Demo', 'Asia/Ho_Chi_Minh', 'k')"
            )
        self.writer = self.new_writer()

    def new_writer(self, limits: Limits | None = None) -> Writer:
        return Writer(self.database.url_for("haidang_ingest"), limits)

    def message(self, payload: Any, topic: str = TOPIC, *, dup: bool = False) -> Message:
        data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        source = self.router.source(topic)
        return Message(source, data, time.time_ns() // 1000, source.decode(data), dup, 1)

    def write(self, *payloads: Any, topic: str = TOPIC, dup: bool = False) -> Report:
        return self.writer.write([self.message(payload, topic, dup=dup) for payload in payloads])

    def rows(self, statement: str) -> list[Any]:
        with psycopg.connect(self.database.url) as connection:
            return connection.execute(statement).fetchall()

    def ledger(self) -> dict[str, int]:
        names = [*MESSAGE_ACCOUNT, *VALUE_ACCOUNT]
        sums = ", ".join(f"coalesce(sum({name}), 0)::int" for name in names)
        found = dict(zip(names, self.rows(f"SELECT {sums} FROM ledger_now")[0], strict=True))
        assert found["received"] == found["processed"] + found["rejected"] + found["redelivered"]
        others = found["stored"] + found["duplicate"] + found["conflict"] + found["rejected_value"]
        assert found["decoded"] == others
        return {name: count for name, count in found.items() if count}


PERSONS = Mapping.model_validate(
    {
        "topic": "gw/{machine}",
        "site": "demo",
        "asset": "hall/{machine}",
        "format": "json",
        "time": {"from": "t", "format": "unix_ms"},
        "values": [
            {"from": "who", "name": "operator", "quantity": "text", "person": True},
            {"from": "kwh", "name": "kwh", "quantity": "active_energy", "unit": "MWh", "kind": "delta",
             "interval_s": 900, "interval_label": "end"},
        ],
        "events": [{"kind": "job_change", "key": "{job}", "texts": {"job": "job"}, "numbers": {"good": "good"}}],
    }
)  # fmt: skip


@pytest.fixture
def bench(database: TestDatabase) -> Iterator[Bench]:
    made = Bench(database)
    yield made
    made.writer.close()


def sample(values: dict[str, Any], after_ms: int = 0, **more: Any) -> dict[str, Any]:
    return {"ts": NOW_MS + after_ms, "values": values, **more}


def test_new_names_are_proposed_with_their_parents(bench: Bench) -> None:
    bench.write(sample({"state": "EXECUTE", "good_count": 5, "power_kw": 1.5, "reject_count_scratch": 1, "x": True}))
    assert bench.rows("SELECT key, level, status FROM asset ORDER BY key") == [
        ("", "site", "proposed"),
        ("packing", "area", "proposed"),
        ("packing/line1", "line", "proposed"),
        ("packing/line1/filler", "unit", "proposed"),
    ]
    assert bench.rows("SELECT name, quantity, qualifier, unit, kind, status FROM series ORDER BY name") == [
        ("good_count", "good_count", "", "piece", "counter", "proposed"),
        ("power_kw", "active_power", "", "kW", "gauge", "proposed"),
        ("reject_count_scratch", "reject_count", "scratch", "piece", "counter", "proposed"),
        ("state", "state", "", "", "state", "proposed"),
        ("x", "number", "", "", "gauge", "proposed"),
    ]
    texts = (
        "SELECT text FROM reading JOIN symbol ON symbol_id = value JOIN series USING (series_id) WHERE name = 'state'"
    )
    assert bench.rows(texts) == [("EXECUTE",)]


def test_a_repeat_is_counted_and_not_stored_and_another_value_is_kept_beside(bench: Bench) -> None:
    first = sample({"power_kw": 1.5, "state": None})
    assert bench.write(first).staged == 0
    assert bench.write(first, dup=True).staged == 1
    assert bench.write(sample({"power_kw": 2.5}), sample({"power_kw": 3.5}, 1)).staged == 1
    assert bench.ledger() == {
        "received": 4,
        "processed": 3,
        "redelivered": 1,
        "decoded": 6,
        "stored": 3,
        "duplicate": 2,
        "conflict": 1,
    }
    assert bench.rows("SELECT value, quality FROM reading ORDER BY ts, quality") == [(1.5, 0), (None, 3), (3.5, 0)]
    stored = bench.rows("SELECT stored, received FROM reading_conflict")
    assert stored == [({"value": 1.5, "quality": 0}, {"value": 2.5, "quality": 0})]


def test_a_conflict_that_comes_again_is_counted_and_neither_kept_nor_marked_twice(bench: Bench) -> None:
    event = {"t": NOW_MS, "job": "J", "who": "x"}
    bench.write(sample({"power_kw": 1.5, "state": "RUN"}))
    bench.write({**event, "good": 1}, topic="gw/m1")
    bench.write(sample({"power_kw": 2.5, "state": None}))
    bench.write({**event, "good": 2}, topic="gw/m1")
    counts = "SELECT (SELECT count(*) FROM reading_conflict), (SELECT count(*) FROM dirty_mark)"
    before = bench.rows(counts)
    assert before == [(3, 4)]
    bench.write(sample({"power_kw": 2.5, "state": None}), sample({"power_kw": 2.5}), dup=True)
    bench.write({**event, "good": 2}, topic="gw/m1", dup=True)
    assert bench.rows(counts) == before
    ledger = bench.ledger()
    assert (ledger["conflict"], ledger["redelivered"]) == (6, 3)
    bench.write(sample({"power_kw": 3.5}))
    assert bench.rows(counts) == [(4, 5)]


def test_events_are_counted_like_values(bench: Bench) -> None:
    bench.write(sample({"product": "A", "job": "J"}))
    bench.write(sample({"product": "A"}), sample({"product": "A"}), dup=True)
    assert bench.ledger() == {
        "received": 3,
        "processed": 1,
        "redelivered": 2,
        "decoded": 4,
        "stored": 2,
        "duplicate": 2,
    }
    assert bench.rows("SELECT kind, key, payload FROM event ORDER BY kind") == [
        ("job_change", "J", {"job": "J"}),
        ("product_change", "A", {"product": "A"}),
    ]


def test_a_refused_message_is_kept_once_and_counted(bench: Bench) -> None:
    bench.write(b"garbage", b"garbage")
    bench.write(b"garbage", sample({"power_kw": "much", "good_count": 1}))
    rows = bench.rows("SELECT reason, whole, times, payload FROM rejected_message ORDER BY rejected_message_id")
    assert rows[0] == ("undecodable", True, 3, b"garbage")
    assert rows[1][:3] == ("wrong_type", False, 1)
    assert bench.ledger() == {
        "received": 4,
        "processed": 1,
        "rejected": 3,
        "decoded": 2,
        "stored": 1,
        "rejected_value": 1,
    }


def test_poison_that_only_the_database_sees_costs_one_message(bench: Bench) -> None:
    bench.write(sample({"power_kw": 0.0}))
    with psycopg.connect(bench.database.url) as connection:
        connection.execute("ALTER TABLE event ADD CHECK (key <> 'poison')")
    report = bench.write(*(sample({"power_kw": 1.0, "job": "poison" if n == 5 else f"J{n}"}, n + 1) for n in range(12)))
    assert report.bisected > 0
    assert bench.rows("SELECT count(*) FROM reading")[0][0] == 12
    ((reason, detail),) = bench.rows("SELECT reason, detail FROM rejected_message")
    assert reason == "database"
    assert "violates check constraint" in detail
    assert bench.ledger() == {"received": 13, "processed": 12, "rejected": 1, "decoded": 23, "stored": 23}


def test_what_no_index_has_room_for_costs_one_message(bench: Bench) -> None:
    messages = [bench.message(sample({"power_kw": 1.0}, n)) for n in range(4)]
    messages[2].source = msgspec.structs.replace(messages[2].source, device=token_hex(4000))
    report = bench.writer.write(messages)
    assert report.bisected > 0
    assert bench.rows("SELECT count(*) FROM reading") == [(3,)]
    ((reason, detail),) = bench.rows("SELECT reason, detail FROM rejected_message")
    assert (reason, "index row" in detail) == ("database", True)
    assert bench.ledger() == {"received": 4, "processed": 3, "rejected": 1, "decoded": 3, "stored": 3}


@pytest.mark.parametrize("character", ["\x00", "\ud800"])
def test_a_refusal_with_characters_that_cannot_be_stored_is_kept(bench: Bench, character: str) -> None:
    bad = bench.message(sample({"power_kw": 1.0}))
    bad.decoded = Decoded(whole=Rejection("wrong_shape", f"the name a{character}b", 0))
    bench.writer.write([bad, bench.message(sample({"power_kw": 2.0}, 1))])
    escaped = character.encode("unicode_escape").decode()
    assert bench.rows("SELECT reason, detail FROM rejected_message") == [("wrong_shape", f"the name a{escaped}b")]
    assert bench.ledger() == {"received": 2, "processed": 1, "rejected": 1, "decoded": 1, "stored": 1}


@pytest.mark.parametrize("character", ["\x00", "\ud800"])
def test_poison_that_only_the_driver_sees_costs_one_message(
    bench: Bench, character: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.plan.text_problem", lambda _text, _limits: None)
    monkeypatch.setattr("ingest.plan.symbol_id", len)
    bench.write(*(sample({"state": f"S{character}" if n == 2 else "RUN"}, n) for n in range(5)))
    assert bench.rows("SELECT count(*) FROM reading") == [(4,)]
    assert bench.rows("SELECT reason FROM rejected_message") == [("database",)]


def test_units_follow_the_registry_and_a_wrong_one_is_refused(bench: Bench) -> None:
    bench.write(sample({"oil": 20.0}, units={"oil": "bar"}), sample({"oil": 1000.0}, 1, units={"oil": "kPa"}))
    bench.write(sample({"oil": 1.0}, 2, units={"oil": "psi2"}), sample({"oil": 1.0}, 3, units={"oil": "kg"}))
    assert bench.rows("SELECT quantity, unit FROM series") == [("pressure", "bar")]
    assert bench.rows("SELECT value FROM reading ORDER BY ts") == [(20.0,), (10.0,)]
    details = bench.rows("SELECT reason, detail FROM rejected_message ORDER BY reason")
    assert details == [
        ("unknown_unit", "oil: unit 'psi2' is not known for pressure"),
        ("wrong_unit", "oil: unit 'kg' does not measure pressure (stored in bar)"),
    ]


def test_a_site_that_appears_is_seen_without_restart(bench: Bench) -> None:
    topic = "haidang/v1/later/area/data"
    bench.write(sample({"power_kw": 1.0}), topic=topic)
    assert bench.rows("SELECT reason FROM rejected_message") == [("unknown_site",)]
    with psycopg.connect(bench.database.url) as connection:
        connection.execute("INSERT INTO site (key, name, timezone) VALUES ('later', 'Later', 'Asia/Ho_Chi_Minh')")
    bench.writer.planner.resolver._read_at -= 2  # two seconds later
    bench.write(sample({"power_kw": 1.0}, 1), topic=topic)
    assert bench.rows("SELECT count(*) FROM reading") == [(1,)]


def test_a_series_that_changes_is_seen_without_restart(bench: Bench) -> None:
    bench.write(sample({"power_kw": 1.0}))
    with psycopg.connect(bench.database.url) as connection:
        connection.execute("UPDATE series SET unit = 'W', status = 'active'")
    bench.writer.planner.resolver._read_at -= 10
    bench.write(sample({"power_kw": 1.0}, 1))
    assert bench.rows("SELECT value FROM reading ORDER BY ts") == [(1.0,), (1000.0,)]


def test_persons_leave_no_trace_but_their_pseudonym(bench: Bench) -> None:
    bench.write(
        {"t": NOW_MS, "who": "Nguyễn Văn An", "kwh": "x"}, {"t": NOW_MS + 1, "who": "Nguyễn Văn An"}, topic="gw/m1"
    )
    assert len(bench.rows("SELECT text FROM symbol WHERE text LIKE 'p-%'")) == 1
    everything = str(bench.rows("SELECT payload, detail FROM rejected_message")) + str(
        bench.rows("SELECT text FROM symbol")
    )
    assert "An" not in everything


def test_an_interval_reading_marks_the_time_before_its_label(bench: Bench) -> None:
    bench.write({"t": NOW_MS // 900_000 * 900_000, "kwh": 0.5, "who": "x"}, topic="gw/m1")
    found = bench.rows(
        "SELECT value, kind, interval_us, interval_label FROM reading JOIN series USING (series_id) WHERE name = 'kwh'"
    )
    assert found == [(500.0, "delta", 900_000_000, "end")]
    ((start, end),) = bench.rows("SELECT min(from_ts), max(to_ts) FROM dirty_mark")
    assert round((end - start).total_seconds() * 1_000_000) == 900_000_001


def test_old_days_get_their_partitions_and_too_many_are_refused(bench: Bench) -> None:
    bench.writer = bench.new_writer(Limits(new_days_per_hour=3))
    day_ms = DAY_US // 1000
    bench.write([sample({"power_kw": 1.0}, -day * 40 * day_ms) for day in range(5)])
    assert bench.rows("SELECT count(*) FROM reading") == [(3,)]
    assert bench.rows("SELECT reason, whole FROM rejected_message") == [("too_many_days", False)]


def test_names_without_end_are_forgotten_and_good_ones_go_on(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.resolve.MOST_REFS", 10)
    for n in range(30):
        bench.write(sample({"power_kw": float(n), f"bad name {n}": 1.0, "state": "RUN"}, n))
    assert len(bench.writer.planner.resolver.table.refs) <= 10 + 3
    assert len(bench.writer.planner.resolver.table.refusals) <= 10 + 3
    assert len(bench.router.source(TOPIC).refs) <= 10 + 3
    for n in range(8):
        bench.write(sample({"power_kw": 1.0}), topic=f"haidang/v1/demo/other{n}/data")
    bench.write(sample({"power_kw": 2.0}, 1), topic="haidang/v1/demo/other0/data")
    counts = (
        "SELECT asset.key, series.name, count(*)::int FROM reading JOIN series USING (series_id) "
        "JOIN asset USING (asset_id) GROUP BY 1, 2 ORDER BY 1, 2"
    )
    filler = [("packing/line1/filler", "power_kw", 30), ("packing/line1/filler", "state", 30)]
    others = [(f"other{n}", "power_kw", 2 if n == 0 else 1) for n in range(8)]
    assert bench.rows(counts) == [*others, *filler]
    assert bench.ledger()["rejected_value"] == 30


def test_an_asset_has_so_many_names_and_no_more(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.resolve.MOST_SERIES_PER_ASSET", 2)
    bench.write(sample({"bad name": 1.0, "a_kw": 1.0, "b_kw": 1.0, "c_kw": 1.0}))
    assert bench.rows("SELECT name FROM series ORDER BY 1") == [("a_kw",), ("b_kw",)]
    bench.writer.close()
    bench.writer, bench.router = bench.new_writer(), Router()
    bench.write(sample({"d_kw": 1.0, "a_kw": 2.0}, 1))
    assert bench.rows("SELECT name FROM series ORDER BY 1") == [("a_kw",), ("b_kw",)]
    assert bench.rows("SELECT reason FROM rejected_message ORDER BY 1") == [("bad_name",), ("too_many_series",)]


PARTITIONS = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'reading'::regclass ORDER BY 1"


def need_partitions(bench: Bench) -> None:
    if bench.rows("SELECT relkind::text FROM pg_class WHERE oid = 'reading'::regclass") != [("p",)]:
        pytest.skip("chunks appear by themselves here")


def test_days_are_prepared_ahead(bench: Bench) -> None:
    need_partitions(bench)
    bench.writer.prepare_days()
    bench.writer.prepare_days()
    today = datetime.fromtimestamp(NOW_MS / 1000, UTC).date()
    assert bench.rows(PARTITIONS) == [(f"reading_{today + timedelta(days=n):%Y%m%d}",) for n in range(3)]


def test_preparing_days_does_not_wait_behind_a_long_read(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    need_partitions(bench)
    monkeypatch.setattr("ingest.writer.LOCK_TIMEOUT_S", 0.05)
    with psycopg.connect(bench.database.url) as reader:
        reader.execute("SELECT count(*) FROM reading")
        with pytest.raises(DatabaseUnavailableError, match="lock timeout"):
            bench.writer.prepare_days()
    bench.writer.prepare_days()
    assert len(bench.rows(PARTITIONS)) == 3
    with psycopg.connect(bench.database.url) as reader:
        reader.execute("SELECT count(*) FROM reading")
        bench.write(sample({"power_kw": 1.0}))
    assert bench.rows("SELECT count(*) FROM reading") == [(1,)]


def test_statuses_open_and_close_sessions(bench: Bench) -> None:
    topic = TOPIC.replace("/data", "/status")
    for status in (b"online", b"online", b"offline", b"offline", b"online"):
        bench.write(status, topic=topic)
    sessions = bench.rows("SELECT to_ts IS NULL, how FROM device_session ORDER BY from_ts")
    assert sessions == [(False, "offline"), (True, "online")]


def test_folding_keeps_every_count(bench: Bench) -> None:
    bench.write(sample({"power_kw": 1.0}), b"x")
    before = bench.ledger()
    assert bench.writer.fold_ledger() > 0
    assert bench.ledger() == before
    assert bench.rows("SELECT count(*) FROM ledger_delta") == [(0,)]


@pytest.mark.parametrize("times", [2, 3])
def test_what_the_server_undid_for_another_worker_is_tried_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    bench.write(sample({"power_kw": 1.0}))
    touch, left, seen = raw.touch_devices, [times], set()

    def undone(connection: Connection, devices: dict[int, int]) -> None:
        seen.add(connection.info.backend_pid)
        if left[0]:
            left[0] -= 1
            connection.execute("DO $$ BEGIN RAISE EXCEPTION 'deadlock' USING ERRCODE = '40P01'; END $$")
        touch(connection, devices)

    monkeypatch.setattr("store.raw.touch_devices", undone)
    messages = [bench.message(sample({"power_kw": 2.0}, 1))]
    if times == 3:
        with pytest.raises(NotStoredError, match="deadlock"):
            bench.writer.write(messages)
    bench.writer.write(messages)
    assert len(seen) == 1  # and the connection stays
    assert bench.ledger() == {"received": 2, "processed": 2, "decoded": 2, "stored": 2}


def test_devices_are_locked_in_the_order_of_their_numbers(bench: Bench) -> None:
    for name in ("a", "b", "c"):
        bench.write(sample({"power_kw": 1.0}), topic=f"haidang/v1/demo/{name}/data")
    devices = [number for (number,) in bench.rows("SELECT device_id FROM device ORDER BY device_id")]
    urls = bench.database.url, bench.database.url_for("haidang_ingest")
    with connect(urls[1]) as toucher, connect(urls[0], autocommit=True) as looker, connect(urls[0]) as holder:
        raw.touch_devices(toucher, {devices[0]: 1})
        toucher.commit()  # its row stands last in the table now
        holder.execute("SELECT FROM device WHERE device_id = %s FOR UPDATE", [devices[0]])
        waiting = threading.Thread(target=raw.touch_devices, args=(toucher, dict.fromkeys(devices, 2)))
        waiting.start()
        blocked = "SELECT cardinality(pg_blocking_pids(%s))"
        pid = [toucher.info.backend_pid]
        wait_until(lambda: looker.execute(blocked, pid).fetchone() == (1,), timeout_s=10, what="the lock is waited for")
        free = "SELECT device_id FROM device ORDER BY device_id FOR UPDATE SKIP LOCKED"
        assert [number for (number,) in looker.execute(free).fetchall()] == devices[1:]
        holder.commit()
        waiting.join(10)
        toucher.commit()


REFUSED_IDS = "SELECT array_agg(rejected_message_id ORDER BY rejected_message_id) FROM rejected_message"


def refused(bench: Bench) -> None:
    """Messages 1 to 6 of a site, 7 to 12 of nobody, each a day older than the one before; 1 to 4 are put aside."""
    for topic in (TOPIC, "haidang/v1/nobody/line/data"):
        bench.write(*(b"garbage " * 100 + b"%d" % number for number in range(6)), topic=topic)
    with psycopg.connect(bench.database.url) as connection:
        connection.execute(
            "UPDATE rejected_message SET last_at = now() - rejected_message_id * interval '1 day' + '1 h'"
        )
        connection.execute("UPDATE rejected_message SET status = 'dismissed' WHERE rejected_message_id <= 4")


def ask_for_replays(bench: Bench, *messages: int, done: bool) -> None:
    with psycopg.connect(bench.database.url) as connection:
        connection.execute(
            "INSERT INTO replay_request (rejected_message_id, done_at) SELECT m, CASE WHEN %s THEN now() END "
            "FROM unnest(%s::bigint[]) AS m",
            [done, list(messages)],
        )


def test_what_was_dealt_with_and_what_is_of_nobody_is_forgotten(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("store.raw._FORGOTTEN_AT_ONCE", 4)
    refused(bench)
    ask_for_replays(bench, 7, 3, done=False)
    ask_for_replays(bench, 12, 4, done=True)
    accounts = bench.ledger(), bench.rows("SELECT sum(rejected)::int FROM ledger_now")
    assert bench.writer.forget_rejected(0, 1 << 40) == 0
    assert bench.writer.forget_rejected(3, 1 << 40) == 6
    assert bench.rows(REFUSED_IDS) == [([1, 2, 3, 5, 6, 7],)]
    assert bench.rows("SELECT count(*) FROM replay_request") == [(2,)]
    assert (bench.ledger(), bench.rows("SELECT sum(rejected)::int FROM ledger_now")) == accounts


def test_of_nobody_the_newest_are_kept(bench: Bench) -> None:
    refused(bench)
    assert bench.writer.forget_rejected(0, 2_500) == 4
    assert bench.rows(REFUSED_IDS) == [([*range(1, 7), 7, 8],)]


def test_an_outage_stores_nothing_and_the_next_try_everything(bench: Bench) -> None:
    bench.write(sample({"power_kw": 1.0}))
    batch = [bench.message(sample({"power_kw": 2.0}, 1))]
    with psycopg.connect(bench.database.url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'haidang-ingest' AND datname = current_database()"
        )
    with pytest.raises(NotStoredError) as caught:
        bench.writer.write(batch)
    assert caught.value.committed == 0
    bench.writer.write(batch)
    assert bench.ledger() == {"received": 2, "processed": 2, "decoded": 2, "stored": 2}


def test_two_workers_that_store_the_same_keep_it_once(bench: Bench) -> None:
    other = bench.new_writer()
    batch = [sample({"power_kw": float(n)}, n) for n in range(50)]
    bench.write(*batch)
    bench.router = Router()  # the other process knows nothing yet
    other.write([bench.message(payload) for payload in batch])
    other.close()
    assert bench.rows("SELECT count(*) FROM reading") == [(50,)]
    assert bench.ledger()["duplicate"] == 50


@pytest.mark.parametrize(("later_s", "series"), [(0.0, None), (2.0, "power_kw")])
def test_a_plan_made_ahead_is_made_anew_when_the_registry_changed(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, later_s: float, series: str | None
) -> None:
    """What is younger than a second counts as it was when it was looked at, like everything of the registry."""
    bench.write(sample({"power_kw": 1.0}))
    messages = [bench.message(sample({"power_kw": 2.0}, 1)), bench.message(b"garbage")]
    planner = bench.writer.planner
    made_at = time.monotonic()
    monkeypatch.setattr(planner.resolver, "clock", lambda: made_at)
    plan = planner.plan_ahead(messages)
    with psycopg.connect(bench.database.url) as connection:
        connection.execute("DELETE FROM reading")
        connection.execute("DELETE FROM series")
    monkeypatch.setattr(planner.resolver, "clock", lambda: made_at + later_s)
    bench.writer.write(messages, plan)
    assert bench.rows("SELECT value, name FROM reading LEFT JOIN series USING (series_id)") == [(2.0, series)]
    assert (bench.ledger()["stored"], bench.ledger()["rejected"]) == (2, 1)
