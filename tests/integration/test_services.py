"""The services that all other tests stand on: separate, restartable, and what they claim to be."""

import paho.mqtt.client as mqtt
import psycopg
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from playwright.sync_api import Page

from tests.support.broker import Broker
from tests.support.database import Databases, TestDatabase
from tests.support.service import Services
from tests.support.waiting import wait_until

TOPIC = "haidang/v1/test"


def test_each_database_is_migrated_and_separate(databases: Databases) -> None:
    with databases.clone() as one, databases.clone() as other:
        with psycopg.connect(one.url) as connection:
            connection.execute("CREATE TABLE only_here ()")
        with psycopg.connect(other.url) as connection:
            row = connection.execute("SELECT to_regclass('reading'), to_regclass('only_here')").fetchone()
    assert row == ("reading", None)


def test_service_roles_can_log_in(database: TestDatabase) -> None:
    with psycopg.connect(database.url_for("haidang_ingest")) as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("haidang_ingest",)


@pytest.mark.parametrize("way", ["stop", "kill"])
def test_committed_rows_survive_the_server(database: TestDatabase, way: str) -> None:
    with psycopg.connect(database.url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
    getattr(database.server, way)()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(database.url, connect_timeout=2)
    database.server.start()
    with psycopg.connect(database.url) as connection:
        assert connection.execute("SELECT one FROM kept").fetchone() == (1,)


class Client:
    """An MQTT 5 client with a session that outlives its connection."""

    def __init__(self, port: int, client_id: str) -> None:
        self.received: list[bytes] = []
        self.subscribed = False
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id, protocol=MQTTProtocolVersion.MQTTv5)
        self.client.on_message = self._on_message
        self.client.on_subscribe = self._on_subscribe
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.SessionExpiryInterval = 600
        self.client.connect("127.0.0.1", port, clean_start=False, properties=properties)
        self.client.loop_start()
        wait_until(self.client.is_connected, timeout_s=10, what="the client to connect")

    def subscribe(self) -> None:
        self.client.subscribe(f"{TOPIC}/#", qos=1)
        wait_until(lambda: self.subscribed, timeout_s=10, what="the subscription")

    def publish(self, payload: bytes) -> None:
        self.client.publish(TOPIC, payload, qos=1).wait_for_publish(10)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()

    def _on_message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        self.received.append(bytes(message.payload))

    def _on_subscribe(self, *_: object) -> None:
        self.subscribed = True


def port_of(broker: Broker) -> int:
    return int(broker.url.rpartition(":")[2])


def test_broker_keeps_messages_for_a_client_that_is_away(broker: Broker) -> None:
    away = Client(port_of(broker), "away")
    away.subscribe()
    away.close()
    publisher = Client(port_of(broker), "publisher")
    publisher.publish(b"while away")
    if broker.keeps_sessions:
        broker.restart()
    publisher.close()
    back = Client(port_of(broker), "away")
    wait_until(lambda: back.received, timeout_s=10, what="the kept message")
    back.close()
    assert back.received == [b"while away"]


def test_broker_answers_again_after_a_kill(broker: Broker) -> None:
    broker.kill()
    with pytest.raises(OSError, match="refused"):
        Client(port_of(broker), "early")
    broker.start()
    Client(port_of(broker), "late").close()


def test_a_service_can_be_killed_and_its_log_is_kept(services: Services) -> None:
    server = services.start("http.server", "0", "--bind", "127.0.0.1", env={})
    wait_until(lambda: "Serving HTTP" in server.log(), what="the server's first line")
    server.kill_9()
    assert not server.is_running
    server.start()
    wait_until(lambda: server.log().count("Serving HTTP") == 2, what="its second life")
    assert server.terminate() != 0


def test_browser_draws_a_page(page: Page) -> None:
    page.set_content("<h1>Hải Đăng</h1>")
    assert page.locator("h1").inner_text() == "Hải Đăng"
