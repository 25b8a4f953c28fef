"""Several workers as real processes: killed, added, taken away; every message is stored once, both accounts add up."""

import json
import os
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import paho.mqtt.client as mqtt
import psycopg
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from store.leases import Worker, workers
from tests.support.broker import Broker
from tests.support.database import TestDatabase
from tests.support.required import missing
from tests.support.service import Service, Services
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.needs_database, pytest.mark.needs_broker]

DEVICES = 6
BATCH = 60
ACCOUNTS = """
    SELECT sum(abs(received - processed - rejected - redelivered)),
           sum(abs(decoded - stored - duplicate - conflict - rejected_value)),
           sum(processed), sum(stored), sum(conflict), sum(rejected), sum(missing_seq)
    FROM ledger_now"""
START = datetime(2026, 11, 22, 1, tzinfo=UTC)


class Plant:
    """Devices that number their messages, and the ingest that is to store them."""

    def __init__(self, database: TestDatabase, broker: Broker, services: Services) -> None:
        self.database = database
        self._broker = broker
        self._services = services
        self.sent = 0
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, "plant", protocol=MQTTProtocolVersion.MQTTv5)
        self._client.connect("127.0.0.1", int(broker.url.rpartition(":")[2]))
        self._client.loop_start()
        with psycopg.connect(database.url) as connection:
            connection.execute("INSERT INTO site (key, name, timezone) VALUES ('plant', 'Plant', 'UTC')")

    def ingest(self, count: int, **more: str) -> Service:
        """Start ingest with so many workers, which share as it suits the broker."""
        env = {
            "HAIDANG_DATABASE_URL": self.database.url_for("haidang_ingest"),
            "HAIDANG_BROKER_URL": self._broker.url,
            "HAIDANG_INGEST_CLIENT_ID": "w",
            "HAIDANG_INGEST_WORKERS": str(count),
            "HAIDANG_INGEST_LEASE_S": "3",
        }
        return self._services.start("ingest", env={**env, **more})

    def publish(self, messages: int = BATCH) -> None:
        """Publish numbered messages, device by device; returns when the broker has acknowledged them."""
        sent = []
        for number in range(self.sent, self.sent + messages):
            ts = (START + timedelta(milliseconds=100 * number)).isoformat()
            payload = {"ts": ts, "seq": number // DEVICES, "values": {"power_kw": number, "good_count": number}}
            topic = f"haidang/v1/plant/hall/line/m{number % DEVICES}/data"
            sent.append(self._client.publish(topic, json.dumps(payload), qos=1))
        for info in sent:
            info.wait_for_publish(10)
        self.sent += messages

    def restart_broker(self) -> None:
        """Restart the broker in order; the plant is connected again."""
        self._broker.restart()
        wait_until(self._client.is_connected, what="the plant to be connected")

    def sessions(self) -> dict[str, Worker]:
        with psycopg.connect(self.database.url) as connection:
            return {row.session: row for row in workers(connection, "w")}

    def wait_connected(self, *sessions: str) -> None:
        """Wait until exactly these sessions read, and none of an earlier layout is left."""
        wait_until(lambda: set(self._connected()) == set(sessions), what=f"the workers {sessions}", timeout_s=60)

    def _connected(self) -> Iterator[str]:
        for row in self.sessions().values():
            if row.role != "supervisor" or row.subscriptions != []:
                yield row.session if row.state == "connected" and row.holder else f"{row.session} {row.state}"

    def stored(self) -> int:
        return int(self._one("SELECT count(*) FROM reading")[0])

    def wait_stored(self) -> None:
        wait_until(lambda: self.stored() >= 2 * self.sent, what="all values to be stored")

    def check(self) -> None:
        """Every value once, under its key; both accounts add up, and no copy counts as a message of its own."""
        assert self._one("SELECT count(*), count(DISTINCT (series_id, ts)), sum(value) FROM reading") == (
            2 * self.sent,
            2 * self.sent,
            2 * sum(range(self.sent)),
        )
        assert self._one(ACCOUNTS) == (0, 0, self.sent, 2 * self.sent, 0, 0, 0)

    def _one(self, query: str) -> tuple[int, ...]:
        with psycopg.connect(self.database.url) as connection:
            row = connection.execute(query).fetchone()
        assert row is not None
        return row

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture
def plant(database: TestDatabase, broker: Broker, services: Services) -> Iterator[Plant]:
    made = Plant(database, broker, services)
    yield made
    made.close()


def test_nothing_is_lost_while_workers_are_killed_added_and_taken_away(plant: Plant, broker: Broker) -> None:
    if not broker.keeps_sessions:
        missing("mosquitto", "rumqttd gives what waits in a session to others, and an old one is never emptied (0014)")
    two = plant.ingest(2, HAIDANG_INGEST_SHARING="broker")
    plant.wait_connected("w-0of2", "w-1of2")
    plant.publish()
    assert two.terminate() == 0
    plant.publish()  # waits in sessions among which the broker shares

    three = plant.ingest(3)
    plant.publish()
    plant.wait_connected("w-0of3-own", "w-1of3-own", "w-2of3-own")
    plant.publish()
    os.kill(plant.sessions()["w-1of3-own"].pid, signal.SIGKILL)
    plant.publish()
    assert three.terminate() == 0
    plant.publish()  # waits in the sessions of three workers, one of which did not come back
    plant.restart_broker()
    plant.publish()

    plant.ingest(1)
    plant.publish()
    plant.wait_connected("w")
    plant.publish()
    plant.wait_stored()
    plant.check()


def test_a_hung_worker_is_replaced_and_another_ingest_waits_for_its_turn(plant: Plant) -> None:
    two = plant.ingest(2, HAIDANG_INGEST_HANG_S="3", HAIDANG_INGEST_SHARING="broker")
    plant.wait_connected("w-0of2", "w-1of2")
    hung = plant.sessions()["w-0of2"].pid
    os.kill(hung, signal.SIGSTOP)
    plant.publish()
    wait_until(lambda: plant.sessions()["w-0of2"].pid != hung, what="the hung worker to be replaced")
    plant.wait_connected("w-0of2", "w-1of2")
    plant.wait_stored()

    other = plant.ingest(1)
    wait_until(lambda: "session_in_use" in other.log(), what="the other ingest to say why it waits")
    assert f"session w is held by process {two.pid}" in other.log()
    assert other.log().count("session_in_use") == 1
    assert two.terminate() == 0
    wait_until(lambda: plant.sessions()["w"].state == "connected", what="the other ingest to read")
    plant.publish()  # into its session and those of before, which are not emptied yet: one of both is a copy
    plant.wait_connected("w")
    plant.publish()
    plant.wait_stored()
    plant.check()


def test_workers_that_cannot_go_on_end_the_whole_with_one_line(plant: Plant, tmp_path: Path) -> None:
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text("topic: [1, 2", "utf-8")
    refused = plant.ingest(2, HAIDANG_MAPPING_PATH=str(mapping))
    assert refused.wait() == 1
    (line,) = [line for line in refused.log().splitlines() if line.startswith("haidang ingest:")]
    assert str(mapping) in line
    assert "Traceback" not in refused.log()
