"""Sparkplug B through a real broker and the real ingest process: what is stored, said, kept over a restart."""

import csv
import json
import time
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import psycopg
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from ingest.sparkplug.sparkplug_b_pb2 import Metric, Payload
from store.registry import apply_site
from store.site_file import read_site_file
from tests.support.broker import Broker
from tests.support.database import TestDatabase
from tests.support.paths import ROOT
from tests.support.service import Service, Services
from tests.support.sparkplug_reading import Packet, recording
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.needs_database, pytest.mark.needs_broker]

EXAMPLE = ROOT / "examples" / "packing-lines"
# Metrics of the example's mapping, as the recording calls them.
MAPPED = {
    "Status/StateCurrentStr": "state",
    "Status/UnitModeCurrentStr": "mode",
    "Admin/ProdProcessedCount/0/AccCount": "good_count",
    "Admin/ProdDefectiveCount/0/AccCount": "reject_count",
    "Admin/ProdConsumedCount/0/AccCount": "total_count",
    "Status/CurMachSpeed": "speed",
    "Admin/MachDesignSpeed": "design_speed",
}
MESSAGES = """
    SELECT coalesce(sum(received), 0)::int, coalesce(sum(rejected), 0)::int, coalesce(sum(missing_seq), 0)::int,
           coalesce(sum(abs(received - processed - rejected - redelivered)), 0)::int,
           coalesce(sum(abs(decoded - stored - duplicate - conflict - rejected_value)), 0)::int FROM ledger_now"""


class Plant:
    """A broker, a database and ingest between them; what the host says is heard."""

    def __init__(self, database: TestDatabase, broker: Broker, services: Services) -> None:
        self.database = database
        self._broker = broker
        self._services = services
        self.port = int(broker.url.rpartition(":")[2])
        self.heard: list[tuple[str, bytes, bool]] = []
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, "node", protocol=MQTTProtocolVersion.MQTTv5)
        self._client.max_inflight_messages_set(200)
        self._client.on_message = lambda _c, _u, m: self.heard.append((m.topic, bytes(m.payload), m.retain))
        self._client.connect("127.0.0.1", self.port)
        self._client.subscribe([("spBv1.0/STATE/#", 1), ("spBv1.0/+/NCMD/+", 1)])
        self._client.loop_start()

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def ingest(self, **more: str) -> Service:
        """Start ingest and wait until it reads."""
        before = len(self.states())
        service = self.standby(**more)
        wait_until(lambda: len(self.states()) > before, what="STATE of the host")
        return service

    def standby(self, **more: str) -> Service:
        """Start ingest and do not wait."""
        env = {"HAIDANG_DATABASE_URL": self.database.url_for("haidang_ingest"), "HAIDANG_BROKER_URL": self._broker.url}
        return self._services.start("ingest", env={**env, **more})

    def site(self, key: str = "demo-plant") -> None:
        with psycopg.connect(self.database.url) as connection:
            connection.execute("INSERT INTO site (key, name, timezone) VALUES (%s, 'Plant', 'UTC')", [key])

    def publish(self, topic: str, payload: bytes, qos: int = 1) -> mqtt.MQTTMessageInfo:
        return self._client.publish(topic, payload, qos=qos)

    def say(self, topic: str, seq: int, *metrics: Metric, at: int = 0) -> None:
        payload = Payload(timestamp=at or now_ms(), seq=seq, metrics=metrics)
        self.publish(f"spBv1.0/demo-plant/{topic}", payload.SerializeToString()).wait_for_publish(10)

    def born(self, bd_seq: int, *metrics: Metric) -> None:
        self.say("NBIRTH/gw", 0, Metric(name="bdSeq", datatype=8, long_value=bd_seq))
        self.say("DBIRTH/gw/press", 1, *metrics)

    def states(self) -> list[dict[str, Any]]:
        found = [(payload, retain) for topic, payload, retain in self.heard if topic == "spBv1.0/STATE/haidang"]
        return [json.loads(payload) for payload, _ in found]

    def commands(self) -> list[str]:
        return [topic for topic, _, _ in self.heard if "/NCMD/" in topic]

    def rows(self, query: str, *parameters: Any) -> list[Any]:
        with psycopg.connect(self.database.url) as connection:
            return connection.execute(query.encode(), parameters).fetchall()

    def wait_received(self, count: int, timeout_s: float = 60) -> None:
        wait_until(lambda: self.rows(MESSAGES)[0][0] >= count, timeout_s=timeout_s, what=f"{count} messages")

    def readings(self, name: str) -> list[tuple[float | str | None, int]]:
        """Values of a series of the press in order of time, texts as texts, with their quality."""
        query = """
            SELECT coalesce(y.text, r.value::text), r.quality FROM reading r JOIN series s USING (series_id)
            LEFT JOIN symbol y ON s.kind = 'state' AND y.symbol_id = r.value WHERE s.name = %s ORDER BY r.ts"""
        return [(value, quality) for value, quality in self.rows(query, name)]


def now_ms() -> int:
    """A time that no other message of this run has: two values of one millisecond would contradict each other."""
    return next(_INSTANTS)


def _instants() -> Iterator[int]:
    last = 0
    while True:
        last = max(last + 1, time.time_ns() // 1_000_000)
        yield last


_INSTANTS = _instants()


@pytest.fixture
def plant(database: TestDatabase, broker: Broker, tmp_path: Path) -> Iterator[Plant]:
    services = Services(tmp_path)
    plant = Plant(database, broker, services)
    try:
        yield plant
    finally:
        services.end_all()
        plant.close()
        for topic, payload in (("spBv1.0/STATE/haidang", b""),):
            client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
            client.connect("127.0.0.1", plant.port)
            client.loop_start()
            client.publish(topic, payload, qos=1, retain=True).wait_for_publish(10)
            client.disconnect()
            client.loop_stop()


TEMPERATURE = Metric(name="temperature_c", alias=1, datatype=10, double_value=20.5)
STATE = Metric(name="state", alias=2, datatype=12, string_value="EXECUTE")


def test_a_recorded_plant_is_stored_value_by_value(plant: Plant, shared_data: Path) -> None:
    packets = recording(shared_data / "packml-sparkplug-planta" / "planta.jsonl.gz")
    with psycopg.connect(plant.database.url) as connection:
        apply_site(connection, read_site_file(EXAMPLE / "site.yaml"))
    plant.ingest(HAIDANG_MAPPING_PATH=str(EXAMPLE))
    for info in [plant.publish(packet.topic, packet.payload) for packet in packets]:
        info.wait_for_publish(30)
    own = [packet for packet in packets if not packet.kind.endswith("CMD")]
    plant.wait_received(len(own))
    expected, conflicts = said(own)
    stored = plant.rows("""
        SELECT a.key, s.name, r.value, y.text, (extract(epoch FROM r.ts) * 1000)::bigint, r.quality
        FROM reading r JOIN series s USING (series_id) JOIN asset a USING (asset_id)
        LEFT JOIN symbol y ON s.kind = 'state' AND y.symbol_id = r.value WHERE a.key LIKE 'packing/%%'""")
    by_key = {(key, name, ms): number if text is None else text for key, name, number, text, ms, quality in stored}
    assert {key: by_key.get(key) for key in expected} == expected
    deaths = Counter(key for key, name, _, _, _, quality in stored if name == "state" and quality == 3)
    first_birth_says_nothing = 1
    assert deaths == {
        "packing/Line1": 1 + first_birth_says_nothing,
        "packing/Line2": 2 + 2 * first_birth_says_nothing,
        "packing/Line3": 1 + first_birth_says_nothing,
    }
    received, rejected, missing, messages_off, values_off = plant.rows(MESSAGES)[0]
    assert (received, rejected, missing, messages_off, values_off) == (len(own), 0, 0, 0, 0)
    assert plant.rows("SELECT count(*)::int FROM reading_conflict")[0][0] == conflicts
    sessions = plant.rows("SELECT count(*)::int, count(to_ts)::int FROM device_session")
    assert sessions[0] == (8, 8)  # three nodes with a device each, one of them twice
    assert plant.commands() == ["spBv1.0/PlantA/NCMD/Filling-Line3"]  # the recorded one


def said(packets: list[Packet]) -> tuple[dict[tuple[str, str, int], float | str | None], int]:
    """What the recording says of the mapped metrics, the first for each key, and how often it contradicts itself."""
    first: dict[tuple[str, str, int], float | str | None] = {}
    others: set[tuple[Any, ...]] = set()
    for packet in packets:
        for metric in packet.metrics:
            name = MAPPED.get(metric.get("name", ""))
            if name is None or not packet.kind.startswith("D"):
                continue
            number = next((metric[kind] for kind in ("float", "double", "int", "long") if kind in metric), None)
            value = metric["string"] or None if "string" in metric else number
            key = ("packing/" + packet.device.split("/")[1], name, metric.get("timestamp", packet.timestamp))
            if key in first and first[key] != value:
                others.add((*key, value))
            first.setdefault(key, value)
    return first, len(others)


def test_the_sequence_of_a_real_installation_has_the_gaps_that_it_shows(plant: Plant, shared_data: Path) -> None:
    lines = (shared_data / "sparkplug-seq-capture" / "sequence_capture.csv").read_text("utf-8").splitlines()
    rows = list(csv.DictReader(line for line in lines if line and not line.startswith("#")))
    plant.site("org_a")
    plant.ingest()
    decoded = [row for row in rows if row["payload_timestamp"]]  # the others its publisher could not decode either
    # What is left out in the encoding is 0.
    seqs = [int(row["seq"] or 0) for row in decoded if row["edge_node_id"] == "702"]
    missing = sum((after - before - 1) % 256 for before, after in pairwise(seqs))
    for row in decoded:
        metrics = [Metric(alias=n + 1, double_value=1.0) for n in range(int(row["metric_count"]))]
        payload = Payload(timestamp=int(row["payload_timestamp"]), metrics=metrics)
        if row["seq"]:
            payload.seq = int(row["seq"])
        plant.publish(row["topic"], payload.SerializeToString())
    plant.wait_received(len(decoded))
    assert plant.rows(MESSAGES)[0][2:] == (missing, 0, 0)
    assert missing == 16
    nodes = {row["edge_node_id"] for row in decoded}
    asked = sorted(topic.rpartition("/")[2] for topic in plant.commands())
    assert asked == sorted(nodes), "each node is asked once in half a minute, whatever is missing"
    assert {row[0] for row in plant.rows("SELECT DISTINCT reason FROM rejected_message")} == {"unknown_alias"}


def test_the_host_says_when_it_is_there_and_when_it_goes(plant: Plant) -> None:
    plant.site()
    service = plant.ingest()
    online = plant.states()[-1]
    assert online["online"] is True
    service.kill_9()
    wait_until(lambda: plant.states()[-1]["online"] is False, what="the will")
    assert plant.states()[-1]["timestamp"] == online["timestamp"], "the will is that of this connection"
    again = plant.ingest()
    wait_until(lambda: plant.states()[-1]["online"] is True, what="the next connection")
    assert plant.states()[-1]["timestamp"] > online["timestamp"]
    assert again.terminate() == 0
    wait_until(lambda: plant.states()[-1]["online"] is False, what="a goodbye")
    assert plant.states()[-1]["timestamp"] > online["timestamp"]


def test_another_listener_says_nothing(plant: Plant) -> None:
    plant.site()
    plant.ingest()
    said_before = len(plant.states())
    second = plant._services.start(
        "ingest",
        env={
            "HAIDANG_DATABASE_URL": plant.database.url_for("haidang_ingest"),
            "HAIDANG_BROKER_URL": plant._broker.url,
            "HAIDANG_INGEST_CLIENT_ID": "second",
            "HAIDANG_SPARKPLUG": "secondary",
        },
    )
    wait_until(lambda: "broker_connected" in second.log(), what="the second listener")
    second.terminate()
    assert len(plant.states()) == said_before


def test_aliases_and_the_place_in_the_sequence_outlast_the_process(plant: Plant) -> None:
    plant.site()
    service = plant.ingest()
    plant.born(1, TEMPERATURE, STATE)
    plant.wait_received(2)
    service.kill_9()
    plant.say("DDATA/gw/press", 2, Metric(alias=1, double_value=21.0), Metric(alias=2, string_value="HELD"))
    plant.ingest()
    plant.say("DDATA/gw/press", 3, Metric(alias=1, double_value=22.0))
    plant.wait_received(4)
    assert plant.readings("temperature_c") == [("20.5", 0), ("21", 0), ("22", 0)]
    assert plant.readings("state") == [("EXECUTE", 0), ("HELD", 0)]
    assert plant.rows(MESSAGES)[0][1:] == (0, 0, 0, 0)
    assert plant.commands() == []


def test_a_birth_that_was_missed_gives_no_value_a_wrong_name(plant: Plant) -> None:
    """Births are QoS 0: what a node says of itself while ingest is away is not kept by the broker, its data are."""
    plant.site()
    service = plant.ingest()
    plant.born(1, TEMPERATURE, STATE)
    plant.wait_received(2)
    service.kill_9()
    other = Metric(name="power_kw", alias=1, datatype=10, double_value=3.0)
    for seq, topic in ((0, "NBIRTH/gw"), (1, "DBIRTH/gw/press")):
        payload = Payload(timestamp=now_ms(), seq=seq, metrics=[other] if seq else [])
        plant.publish(f"spBv1.0/demo-plant/{topic}", payload.SerializeToString(), qos=0)
    plant.say("DDATA/gw/press", 9, Metric(alias=1, double_value=7.0))
    plant.ingest()
    wait_until(lambda: bool(plant.commands()), what="the node is asked for a rebirth")
    plant.born(2, other)
    plant.say("DDATA/gw/press", 2, Metric(alias=1, double_value=8.0))
    wait_until(
        lambda: plant.readings("power_kw") == [("3", 0), ("8", 0)], what="values of the birth that was asked for"
    )
    assert plant.readings("temperature_c") == [("20.5", 0)]
    assert plant.rows("SELECT reason FROM rejected_message") == [("unknown_alias",)]


def test_a_death_ends_sessions_and_states_and_a_birth_restores_them(plant: Plant) -> None:
    plant.site()
    plant.ingest()
    born_ms = now_ms() - 60_000
    state = Metric(name="state", alias=2, datatype=12, timestamp=born_ms, string_value="EXECUTE")
    plant.born(1, TEMPERATURE, state)
    death = Payload(metrics=[Metric(name="bdSeq", datatype=8, long_value=1)]).SerializeToString()
    plant.publish("spBv1.0/demo-plant/NDEATH/gw", death)
    plant.publish("spBv1.0/demo-plant/NDEATH/gw", death)
    plant.wait_received(4)
    open_ = "SELECT count(*)::int, count(*) FILTER (WHERE to_ts IS NULL)::int FROM device_session"
    assert plant.rows(open_) == [(2, 0)]
    assert plant.readings("state") == [("EXECUTE", 0), (None, 3)]
    plant.born(2, TEMPERATURE, state)
    plant.wait_received(6)
    assert plant.rows(open_) == [(4, 2)]
    assert plant.readings("state") == [("EXECUTE", 0), (None, 3), ("EXECUTE", 0)]
    plant.publish("spBv1.0/demo-plant/NDEATH/gw", death)  # of the first session: stale
    plant.wait_received(7)
    assert plant.rows(open_) == [(4, 2)]


def test_what_nodes_send_once_outlasts_an_outage_of_the_database(plant: Plant, database: TestDatabase) -> None:
    plant.site()
    plant.ingest(HAIDANG_INGEST_OUTAGE_S="0.5")
    plant.born(1, TEMPERATURE, STATE)
    plant.wait_received(2)
    with psycopg.connect(database.url, autocommit=True) as connection:
        lock = psycopg.connect(database.url)
        lock.execute("LOCK TABLE sparkplug_node IN EXCLUSIVE MODE")  # the next batch waits, then its connection is cut
        for seq in (2, 3):
            metric = Metric(alias=1, double_value=float(seq))
            payload = Payload(timestamp=now_ms() + seq, seq=seq, metrics=[metric]).SerializeToString()
            plant.publish("spBv1.0/demo-plant/DDATA/gw/press", payload, qos=0)
        cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        wait_until(
            lambda: connection.execute(cut.encode()).fetchone() and plant.states()[-1]["online"] is False,
            what="the host leaves",
        )
        lock.rollback()
        lock.close()
    wait_until(lambda: plant.states()[-1]["online"] is True, what="the host comes back")
    plant.wait_received(4)
    assert plant.readings("temperature_c") == [("20.5", 0), ("2", 0), ("3", 0)]
    assert plant.rows(MESSAGES)[0][1:] == (0, 0, 0, 0)
