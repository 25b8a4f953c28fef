"""A real Mosquitto with the files of `deploy/`, the accounts and the certificate of `deploy/make-env`."""

import getpass
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from pilot.ports import answers, free_port
from tests.support.broker import mosquitto_path
from tests.support.deployed import DEPLOY, SITE_ACCOUNT, make_env, variables
from tests.support.required import missing
from tests.support.waiting import wait_until

pytestmark = pytest.mark.needs_broker

DEVICE = "demo-plant/filling/bottling-1/filler"
DEVICE_PASSWORD = "of-the-filler"
OWN_TOPIC = f"haidang/v1/{DEVICE}/data"
PATIENCE_S = 15.0


@dataclass
class Deployed:
    """The running broker: both listeners and the passwords."""

    folder: Path
    port: int
    tls_port: int
    passwords: dict[str, str]

    @property
    def ca_file(self) -> Path:
        return self.folder / "deploy/secrets/mosquitto/ca.crt"


@dataclass
class Client:
    """A connected client that remembers what it received and which publish was refused."""

    paho: mqtt.Client
    received: list[str] = field(default_factory=list)

    def publish(self, topic: str) -> bool:
        """Whether the broker let it pass: MQTT 5 answers a refused publish with a reason code."""
        answered, refused = Event(), Event()

        def on_publish(_: object, __: object, ___: int, reason: ReasonCode, ____: object) -> None:
            if reason.is_failure:
                refused.set()
            answered.set()

        self.paho.on_publish = on_publish
        self.paho.publish(topic, b"{}", qos=1)
        assert answered.wait(PATIENCE_S), f"no answer to a publish on {topic}"
        return not refused.is_set()


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    path = mosquitto_path()
    if path is None:
        missing("mosquitto", "the deployment's files are for Mosquitto and nothing else")
    folder = tmp_path_factory.mktemp("deployed")
    assert make_env(folder).returncode == 0
    assert make_env(folder, "device", DEVICE, DEVICE_PASSWORD).returncode == 0
    env = variables(folder / ".env")
    passwords = {
        "ingest": env["HAIDANG_BROKER_PASSWORD_INGEST"],
        "health": env["HAIDANG_BROKER_PASSWORD_HEALTH"],
        SITE_ACCOUNT: env["HAIDANG_BROKER_PASSWORD_SIMULATOR"],
        DEVICE: DEVICE_PASSWORD,
    }
    broker = Deployed(folder, free_port(), free_port(), passwords)
    with _running(path, broker):
        yield broker


@contextmanager
def _running(path: str, broker: Deployed) -> Iterator[None]:
    conf = broker.folder / "mosquitto.conf"
    conf.write_text(_here(broker))
    with (broker.folder / "log").open("wb") as log:
        process = subprocess.Popen([path, "-c", str(conf)], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        wait_until(lambda: answers(broker.port) and answers(broker.tls_port), timeout_s=20, what="the broker")
        yield
    finally:
        process.terminate()
        process.wait(20)


def _here(broker: Deployed) -> str:
    """The deployed configuration with the container's paths and ports replaced by those of this test."""
    text = (DEPLOY / "mosquitto/mosquitto.conf").read_text("utf-8")
    (broker.folder / "data").mkdir()
    for old, new in {
        "/mosquitto/secrets": str(broker.folder / "deploy/secrets/mosquitto"),
        "/mosquitto/config/acl": str(DEPLOY / "mosquitto/acl"),
        "/mosquitto/data/": f"{broker.folder / 'data'}/",
        "listener 1883": f"listener {broker.port} 127.0.0.1",
        "listener 8883": f"listener {broker.tls_port} 127.0.0.1",
    }.items():
        assert old in text
        text = text.replace(old, new)
    return f"{text}\nuser {getpass.getuser()}\n"


@contextmanager
def connected(broker: Deployed, name: str, password: str | None = None, *, tls: bool = True) -> Iterator[Client]:
    """A client under that account."""
    paho = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    client = Client(paho)
    paho.username_pw_set(name, broker.passwords[name] if password is None else password)
    if tls:
        paho.tls_set(ca_certs=str(broker.ca_file))
    outcome: list[ReasonCode] = []
    paho.on_connect = lambda *found: outcome.append(found[3])
    paho.on_message = lambda _, __, message: client.received.append(message.topic)
    paho.connect("127.0.0.1", broker.tls_port if tls else broker.port)
    paho.loop_start()
    try:
        wait_until(lambda: bool(outcome), timeout_s=PATIENCE_S, what="an answer to CONNECT")
        if outcome[0].is_failure:
            raise PermissionError(str(outcome[0]))
        yield client
    finally:
        paho.disconnect()
        paho.loop_stop()


@pytest.fixture
def ingest(deployed: Deployed) -> Iterator[Client]:
    subscribed = Event()
    with connected(deployed, "ingest", tls=False) as client:
        client.paho.on_subscribe = lambda *_: subscribed.set()
        client.paho.subscribe("#", qos=1)
        assert subscribed.wait(PATIENCE_S)
        yield client


def test_a_machine_publishes_below_its_own_place_and_ingest_receives_it(deployed: Deployed, ingest: Client) -> None:
    with connected(deployed, DEVICE) as device:
        assert device.publish(OWN_TOPIC)
    wait_until(lambda: ingest.received == [OWN_TOPIC], timeout_s=PATIENCE_S, what="the message")


@pytest.mark.parametrize(
    "topic",
    [
        "haidang/v1/demo-plant/filling/bottling-1/capper/data",
        "haidang/v1/demo-plant/filling/bottling-1/filler-2/data",
        "haidang/v1/other-plant/filling/bottling-1/filler/data",
        "spBv1.0/demo-plant/DDATA/filler",
        "anything",
    ],
)
def test_a_machine_publishes_nowhere_else(deployed: Deployed, ingest: Client, topic: str) -> None:
    with connected(deployed, DEVICE) as device:
        assert not device.publish(topic)
        assert device.publish(OWN_TOPIC)
    wait_until(lambda: bool(ingest.received), timeout_s=PATIENCE_S, what="the message that is allowed")
    assert ingest.received == [OWN_TOPIC]


def test_a_gateway_speaks_for_its_site_and_not_for_another(deployed: Deployed) -> None:
    with connected(deployed, SITE_ACCOUNT) as gateway:
        assert gateway.publish("haidang/v1/demo-plant/moulding/cell-1/press/data")
        assert not gateway.publish("haidang/v1/demo-plant-2/moulding/cell-1/press/data")


def test_a_machine_reads_nothing(deployed: Deployed, ingest: Client) -> None:
    subscribed = Event()
    with connected(deployed, DEVICE) as device:
        device.paho.on_subscribe = lambda *_: subscribed.set()
        device.paho.subscribe("#", qos=1)
        assert subscribed.wait(PATIENCE_S)
        assert device.publish(OWN_TOPIC)
        wait_until(lambda: bool(ingest.received), timeout_s=PATIENCE_S, what="the message at ingest")
        assert device.received == []


def test_ingest_cannot_publish_readings_but_can_ask_for_a_rebirth(ingest: Client) -> None:
    assert not ingest.publish(OWN_TOPIC)
    assert ingest.publish("spBv1.0/demo-plant/NCMD/node")


@pytest.mark.parametrize(("name", "password"), [(DEVICE, "wrong"), ("nobody", ""), ("ingest", "")])
def test_without_the_right_password_nobody_comes_in(deployed: Deployed, name: str, password: str) -> None:
    with pytest.raises(PermissionError), connected(deployed, name, password):
        pass


def test_the_machines_listener_speaks_tls_only(deployed: Deployed) -> None:
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    client.username_pw_set(DEVICE, DEVICE_PASSWORD)
    ended = Event()
    client.on_disconnect = lambda *_: ended.set()
    client.connect("127.0.0.1", deployed.tls_port)
    client.loop_start()
    assert ended.wait(PATIENCE_S)
    assert not client.is_connected()
    client.loop_stop()


def test_the_health_account_sees_the_broker_alive(deployed: Deployed) -> None:
    received = Event()
    with connected(deployed, "health", tls=False) as client:
        client.paho.on_message = lambda *_: received.set()
        client.paho.subscribe("$SYS/broker/uptime")
        assert received.wait(PATIENCE_S)
        assert not client.publish("haidang/v1/demo-plant/x")
