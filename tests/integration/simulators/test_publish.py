"""The simulators against a real broker: order, acknowledgement, one-line failures."""

import json
import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from pilot.ports import free_port
from simulators.errors import BrokerUnreachableError
from simulators.mapping_section import ReplaySection, TimeRule
from simulators.publish import Publisher
from simulators.replay import replay
from simulators.run import run
from simulators.settings import PlantSettings
from tests.support.broker import Broker
from tests.support.paths import ROOT
from tests.support.waiting import wait_until

pytestmark = pytest.mark.needs_broker

LINES = [f"2026-11-01T00:00:{number / 100:09.6f}Z|count|{number}" for number in range(3000)]
SHDR = ReplaySection(format="shdr", topic="test/shdr", time=TimeRule(field=0), lines_per_message=1)


@contextmanager
def listener(url: str, topic: str) -> Iterator[list[mqtt.MQTTMessage]]:
    """Collect what is published on a topic."""
    came: list[mqtt.MQTTMessage] = []
    ready = threading.Event()
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    client.on_message = lambda _client, _data, message: came.append(message)
    client.on_subscribe = lambda *_: ready.set()
    host, port = url.removeprefix("mqtt://").split(":")
    client.connect(host, int(port))
    client.subscribe(topic, qos=1)
    client.loop_start()
    assert ready.wait(10)
    yield came
    client.loop_stop()


def test_replay_arrives_complete_and_in_order(broker: Broker, tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("\n".join(LINES))
    with listener(broker.url, "test/#") as came:
        summary = replay(tmp_path / "x.txt", SHDR, broker.url)
        wait_until(lambda: len(came) >= len(LINES), what="all lines")
    assert [message.payload.decode() for message in came] == LINES
    assert summary.acknowledged == summary.messages == summary.rows == len(LINES)
    assert summary.complete


def test_paced_replay_takes_the_time_of_the_device(broker: Broker, tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("\n".join(LINES[:101]))  # one second of device time
    summary = replay(tmp_path / "x.txt", SHDR, broker.url, speed=2.0)
    assert 0.5 <= summary.seconds < 10


def test_replay_can_be_stopped(broker: Broker, tmp_path: Path) -> None:
    (tmp_path / "x.txt").write_text("\n".join(LINES))
    stop = threading.Event()
    summary = replay(tmp_path / "x.txt", SHDR, broker.url, speed=0.01, stop=stop, report=lambda _progress: stop.set())
    assert not summary.complete
    assert summary.acknowledged == summary.messages < len(LINES)


def test_plant_arrives_complete_with_its_truth(broker: Broker, tmp_path: Path) -> None:
    truth = tmp_path / "truth.jsonl"
    settings = PlantSettings(
        broker_url=broker.url,
        simulator_start=datetime(2026, 11, 1, 23, tzinfo=UTC),
        simulator_days=1,
        simulator_sample_period_s=60,
        simulator_faults="field",
        simulator_truth=truth,
    )
    numbers: dict[str, set[int]] = defaultdict(set)
    with listener(broker.url, "haidang/#") as came:
        summary = run(settings)
        wait_until(lambda: len(came) >= summary.published, what="all messages")
    for message in came:
        numbers[message.topic] |= {sample["seq"] for sample in json.loads(message.payload)}
    assert all(found == set(range(1, len(found) + 1)) for found in numbers.values())
    assert summary.acknowledged == summary.published == len(came)
    assert len(truth.read_text().splitlines()) == 3 * 6 + 3 * 4


def test_live_goes_on_until_stopped(broker: Broker) -> None:
    began = datetime.now(UTC)
    settings = PlantSettings(broker_url=broker.url, simulator_days=0, simulator_live=True, simulator_sample_period_s=1)
    stop = threading.Event()
    with listener(broker.url, "haidang/v1/demo-plant/filling/bottling-1/main-meter/data") as came:
        thread = threading.Thread(target=run, args=(settings,), kwargs={"stop": stop})
        thread.start()
        wait_until(lambda: len(came) >= 3, what="three readings in real time")
        stop.set()
        thread.join(20)
    assert not thread.is_alive()
    samples: list[dict[str, Any]] = [json.loads(message.payload) for message in came[1:]]
    times = [datetime.fromisoformat(sample["ts"]) for sample in samples]
    assert all(began - timedelta(seconds=2) <= at <= datetime.now(UTC) for at in times)


def test_what_was_in_flight_arrives_after_a_broker_restart(broker: Broker) -> None:
    with Publisher(broker.url, client_id="restart-test") as publisher:
        for number in range(100):
            publisher.publish("test/restart", b"%d" % number)
        broker.restart()
        for number in range(100, 200):
            publisher.publish("test/restart", b"%d" % number)
        publisher.drain()
        assert publisher.acknowledged == publisher.published == 200


def test_an_unreachable_broker_is_one_clear_line() -> None:
    place = f"mqtt://someone:secret@127.0.0.1:{free_port()}"
    with pytest.raises(BrokerUnreachableError) as caught, Publisher(place, client_id="x"):
        pass
    assert "secret" not in str(caught.value)
    assert "HAIDANG_BROKER_URL" in str(caught.value)


def test_the_program_says_so_and_fails() -> None:
    command = [sys.executable, "-m", "simulators", "--broker", f"mqtt://127.0.0.1:{free_port()}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("error: no connection to the MQTT broker")
    assert done.stderr.count("\n") == 1
