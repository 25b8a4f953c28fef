"""A real Mosquitto with our configuration, certificates of `deploy/make-env`, accounts as the registry has them."""

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

from ingest.mapping import Mapping
from pilot.broker_files import acl_text, hashed, password_text
from pilot.broker_topics import mapped_filters
from pilot.ports import answers, free_port
from store.broker import BrokerAccount
from tests.support.broker import mosquitto_path
from tests.support.deployed import DEPLOY, SITE_ACCOUNT, make_env, variables
from tests.support.required import missing
from tests.support.waiting import wait_until

pytestmark = pytest.mark.needs_broker

DEVICE = "demo-plant/filling/bottling-1/filler"
DEVICE_PASSWORD = "of-the-filler"
OWN_TOPIC = f"haidang/v1/{DEVICE}/data"
PATIENCE_S = 15.0
CERTIFIED = "demo-plant/moulding/press"
STRANGER = "demo-plant/not/in/the/registry"
NODE = "demo-plant/edge"
METER = Mapping.model_validate(
    {
        "topic": "meters/{line}/{unit}",
        "site": "demo-plant",
        "asset": "filling/{line}/{unit}",
        "format": "json",
        "time": {"from": "t"},
        "values": [{"from": "v", "name": "v", "quantity": "number"}],
    }
)
ACCOUNTS = [
    BrokerAccount("demo-plant", SITE_ACCOUNT, "", hashed("of-the-gateway")),
    BrokerAccount(
        "demo-plant", DEVICE, "filling/bottling-1/filler", hashed(DEVICE_PASSWORD), topics=("plc7/filler/#",)
    ),
    BrokerAccount("demo-plant", CERTIFIED, "moulding/press"),
    BrokerAccount("demo-plant", NODE, "edge", hashed("of-the-node"), sparkplug_node=NODE),
]


@dataclass
class Deployed:
    """The running broker: both listeners and the passwords."""

    folder: Path
    port: int
    tls_port: int
    certificate_port: int
    passwords: dict[str, str]

    @property
    def ca_file(self) -> Path:
        return self.folder / "deploy/secrets/mosquitto/ca.crt"


@dataclass
class Client:
    """A connected client that remembers what it received and which publish was refused."""

    paho: mqtt.Client
    received: list[str] = field(default_factory=list)

    def subscribe(self, topic: str) -> None:
        """Subscribe and wait for the answer; Mosquitto grants all and delivers what is allowed."""
        answered = Event()
        self.paho.on_subscribe = lambda *_: answered.set()
        self.paho.subscribe(topic, qos=1)
        assert answered.wait(PATIENCE_S)

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
    for name in (CERTIFIED, STRANGER):
        assert make_env(folder, "device-certificate", name).returncode == 0
    env = variables(folder / ".env")
    passwords = {
        "ingest": env["HAIDANG_BROKER_PASSWORD_INGEST"],
        "health": env["HAIDANG_BROKER_PASSWORD_HEALTH"],
        SITE_ACCOUNT: "of-the-gateway",
        DEVICE: DEVICE_PASSWORD,
        NODE: "of-the-node",
    }
    files = folder / "deploy/secrets/mosquitto"
    (files / "acl").write_text(acl_text(ACCOUNTS, {each.name: mapped_filters(each, [METER]) for each in ACCOUNTS}))
    own = {name: hashed(passwords[name]) for name in ("ingest", "health")}
    (files / "passwords").write_text(password_text(ACCOUNTS, own))
    broker = Deployed(folder, free_port(), free_port(), free_port(), passwords)
    with _running(path, broker):
        yield broker


@contextmanager
def _running(path: str, broker: Deployed) -> Iterator[None]:
    conf = broker.folder / "mosquitto.conf"
    conf.write_text(_here(broker))
    with (broker.folder / "log").open("wb") as log:
        process = subprocess.Popen([path, "-c", str(conf)], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        ports = (broker.port, broker.tls_port, broker.certificate_port)
        wait_until(lambda: all(map(answers, ports)), timeout_s=20, what="the broker")
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
        "/mosquitto/data/": f"{broker.folder / 'data'}/",
        "listener 1883": f"listener {broker.port} 127.0.0.1",
        "listener 8883": f"listener {broker.tls_port} 127.0.0.1",
        "listener 8884": f"listener {broker.certificate_port} 127.0.0.1",
    }.items():
        assert old in text
        text = text.replace(old, new)
    return f"{text}\nuser {getpass.getuser()}\n"


@contextmanager
def connected(broker: Deployed, name: str, password: str | None = None, *, tls: bool = True) -> Iterator[Client]:
    """A client under that account."""
    paho = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    paho.username_pw_set(name, broker.passwords[name] if password is None else password)
    if tls:
        paho.tls_set(ca_certs=str(broker.ca_file))
    with _connection(paho, broker.tls_port if tls else broker.port) as client:
        yield client


@contextmanager
def certified(broker: Deployed, name: str, claimed: str = "") -> Iterator[Client]:
    """A client with the certificate of that account; it may claim to be another one besides."""
    paho = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    file = broker.folder / "deploy/secrets/devices" / name.replace("/", "+")
    paho.tls_set(ca_certs=str(broker.ca_file), certfile=f"{file}.crt", keyfile=f"{file}.key")
    if claimed:
        paho.username_pw_set(claimed, "whatever")
    with _connection(paho, broker.certificate_port) as client:
        yield client


@contextmanager
def _connection(paho: mqtt.Client, port: int) -> Iterator[Client]:
    client = Client(paho)
    outcome: list[ReasonCode] = []
    paho.on_connect = lambda *found: outcome.append(found[3])
    paho.on_message = lambda _, __, message: client.received.append(message.topic)
    paho.connect("127.0.0.1", port)
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
    with connected(deployed, "ingest", tls=False) as client:
        client.subscribe("#")
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
    with connected(deployed, DEVICE) as device:
        device.subscribe("#")
        assert device.publish(OWN_TOPIC)
        wait_until(lambda: bool(ingest.received), timeout_s=PATIENCE_S, what="the message at ingest")
        assert device.received == []


def test_ingest_cannot_publish_readings_but_can_ask_for_a_rebirth(ingest: Client) -> None:
    assert not ingest.publish(OWN_TOPIC)
    assert ingest.publish("spBv1.0/demo-plant/NCMD/node")
    assert ingest.publish("spBv1.0/demo-plant/DCMD/node/device")
    assert ingest.publish("spBv1.0/STATE/haidang")
    assert not ingest.publish("spBv1.0/demo-plant/NDATA/node")


def test_topics_of_its_own_and_of_a_mapping_are_allowed_and_no_others(deployed: Deployed, ingest: Client) -> None:
    allowed = ["plc7/filler/raw", "meters/bottling-1/filler"]
    with connected(deployed, DEVICE) as device:
        assert [
            topic for topic in (*allowed, "plc7/capper/raw", "meters/bottling-1/capper") if device.publish(topic)
        ] == (allowed)
    wait_until(lambda: ingest.received == allowed, timeout_s=PATIENCE_S, what="both")


def test_a_certificate_is_an_identity_whatever_else_is_claimed(deployed: Deployed, ingest: Client) -> None:
    for claimed in ("", DEVICE):
        with certified(deployed, CERTIFIED, claimed) as machine:
            assert machine.publish(f"haidang/v1/{CERTIFIED}/data")
            assert not machine.publish(OWN_TOPIC)
    wait_until(lambda: len(ingest.received) == 2, timeout_s=PATIENCE_S, what="what is allowed")
    assert set(ingest.received) == {f"haidang/v1/{CERTIFIED}/data"}


def test_a_certificate_that_is_not_in_the_registry_gets_nothing(deployed: Deployed, ingest: Client) -> None:
    with certified(deployed, STRANGER) as stranger, connected(deployed, DEVICE) as device:
        stranger.subscribe("#")
        assert not stranger.publish(f"haidang/v1/{STRANGER}/data")
        assert device.publish(OWN_TOPIC)
        wait_until(lambda: ingest.received == [OWN_TOPIC], timeout_s=PATIENCE_S, what="the message at ingest")
        assert stranger.received == []


def test_a_sparkplug_node_speaks_for_itself_and_hears_its_commands(deployed: Deployed, ingest: Client) -> None:
    with connected(deployed, NODE) as node:
        node.subscribe("spBv1.0/#")
        assert node.publish("spBv1.0/demo-plant/NBIRTH/edge")
        assert node.publish("spBv1.0/demo-plant/DDATA/edge/press")
        for topic in ("NBIRTH/edge-2", "NCMD/edge", "NCMD/other", "DDATA/other/press"):
            assert not node.publish(f"spBv1.0/demo-plant/{topic}")
        assert not node.publish("spBv1.0/other-plant/NDATA/edge")
        assert not node.publish("spBv1.0/STATE/haidang")
        heard = ["spBv1.0/demo-plant/NCMD/edge", "spBv1.0/STATE/haidang"]
        for topic in ("spBv1.0/demo-plant/NCMD/other", *heard):
            assert ingest.publish(topic)
        wait_until(lambda: node.received == heard, timeout_s=PATIENCE_S, what="its command and the state of the host")


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


@pytest.mark.parametrize(("name", "topic"), [("health", "$SYS/broker/uptime"), ("ingest", "$SYS/broker/version")])
def test_an_account_may_ask_the_broker_whether_it_is_alive_or_what_it_is(
    deployed: Deployed, name: str, topic: str
) -> None:
    received = Event()
    with connected(deployed, name, tls=False) as client:
        client.paho.on_message = lambda *_: received.set()
        client.paho.subscribe(topic)
        assert received.wait(PATIENCE_S)
        assert not client.publish("haidang/v1/demo-plant/x")
