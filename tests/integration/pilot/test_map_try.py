"""`haidang map try` on a real broker: what it shows, how it ends, what it says when nothing is there."""

import base64
import gzip
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
import structlog
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from typer.testing import CliRunner, Result

from ingest.errors import MappingError
from ingest.mapping import load_all
from pilot.cli import app
from pilot.errors import PilotError
from pilot.ports import free_port
from tests.support.broker import Broker
from tests.support.paths import ROOT
from tests.support.service import environment

HAIDANG = [sys.executable, "-m", "pilot.cli", "map", "try"]
MAPPING = """
topic: gw/{machine}
site: plant
asset: hall/{machine}
format: json
time: {from: t, format: unix_ms}
values:
  - {from: P, name: power_kw, quantity: active_power, unit: W}
"""
SENT: list[tuple[str, Any]] = [
    ("gw/m1", {"t": 1_763_798_400_000, "P": 1500, "oil_temperature_c": 61}),
    ("haidang/v1/plant/a/b/c/data", {"ts": 1_763_798_400_000, "values": {"power_kw": 2}}),
    ("hall/7/env", {"ts": "2025-11-22T08:00:00Z", "temperature_c": 22}),
]


@pytest.fixture(autouse=True)
def usual_log() -> Iterator[None]:
    """The command quietens the log of its process, which here is that of all tests."""
    yield
    structlog.reset_defaults()


@contextmanager
def publishing(broker: Broker, every_s: float = 0.2) -> Iterator[None]:
    """Publish the messages again and again."""
    ended = threading.Event()
    client = mqtt.Client(CallbackAPIVersion.VERSION2, "machines", protocol=MQTTProtocolVersion.MQTTv5)
    client.connect("127.0.0.1", int(broker.url.rpartition(":")[2]))
    client.loop_start()

    def run() -> None:
        while not ended.wait(every_s):
            for topic, payload in SENT:
                client.publish(topic, json.dumps(payload))

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        client.disconnect()
        client.loop_stop()


def map_try(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["map", "try", *arguments], env={"COLUMNS": "160"})


@pytest.mark.needs_broker
def test_live_traffic_is_shown_by_rule_and_by_topic(broker: Broker, tmp_path: Path) -> None:
    file = tmp_path / "mapping.yaml"
    file.write_text(MAPPING, "utf-8")
    with publishing(broker):
        done = subprocess.run(
            [*HAIDANG, "--mapping", file, "--broker", broker.url, "--messages", "9", "--topic", "#", "--json"],
            cwd=ROOT,
            env=environment({}),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    topics = {each["topic"]: each for each in found["topics"]}
    (series,) = topics["gw/m1"]["series"]
    assert (series["rule"], series["last"], series["unit"]) == ("P", 1.5, "kW")
    assert topics["haidang/v1/plant/a/b/c/data"]["read_by"] == "native"
    assert found["rules"][0]["count"] >= 1
    assert "oil_temperature_c" in found["more_rules"][str(file)]
    assert "topic: hall/7/env" in found["new_mappings"][0]


@pytest.mark.needs_broker
def test_no_traffic_fails_with_what_to_look_at(broker: Broker) -> None:
    done = map_try("--broker", broker.url, "--seconds", "0.5")
    assert done.exit_code == 1
    assert "No message came" in done.stdout
    assert "mosquitto_sub" in done.stdout


@pytest.mark.parametrize("url", ["mqtt://:x", "mqtt://host:many", "http://host", "host:1883"])
def test_an_address_that_is_none_is_said_so(url: str) -> None:
    assert "must be of the form" in str(map_try("--broker", url).exception)


def test_a_broker_that_is_not_there_is_named_without_the_password() -> None:
    done = map_try("--broker", f"mqtt://somebody:hidden@127.0.0.1:{free_port()}")
    assert isinstance(done.exception, PilotError)
    assert "cannot be reached" in str(done.exception)
    assert "hidden" not in str(done.exception) + done.output


def test_a_file_is_tried_without_a_broker_and_a_silent_rule_fails_it(tmp_path: Path) -> None:
    (tmp_path / "mapping.yaml").write_text(MAPPING + "  - {from: Q, name: q, quantity: number}\n", "utf-8")
    lines = [json.dumps({"topic": topic, "payload": payload}) for topic, payload in SENT]
    (tmp_path / "sent.jsonl").write_text("\n".join(lines), "utf-8")
    done = map_try("--mapping", str(tmp_path), "--file", str(tmp_path / "sent.jsonl"))
    assert done.exit_code == 1
    assert "the rule `from: Q` (q) matched no value" in done.stdout
    assert "gw/m1" in done.stdout


def test_exported_rejections_are_tried_as_they_were_received(tmp_path: Path) -> None:
    (tmp_path / "mapping.yaml").write_text(MAPPING, "utf-8")
    payload = base64.b64encode(json.dumps({"t": 1_763_798_400_000, "P": 1500}).encode()).decode()
    row = {"topic": "gw/m1", "payload": payload, "replayable": True, "last_at": "2025-11-22T07:00:00Z"}
    (tmp_path / "rejected.ndjson").write_text(json.dumps(row), "utf-8")
    done = map_try("--mapping", str(tmp_path), "--file", str(tmp_path / "rejected.ndjson"), "--json")
    assert [each["reason"] for each in json.loads(done.stdout)["topics"][0]["refused"]] == ["in_future"]


def test_a_recording_may_be_compressed_whatever_its_name_is(tmp_path: Path) -> None:
    (tmp_path / "mapping.yaml").write_text(MAPPING, "utf-8")
    packed = gzip.compress("\n".join(json.dumps({"topic": topic, "payload": sent}) for topic, sent in SENT).encode())
    (tmp_path / "sent").write_bytes(packed)
    done = map_try("--mapping", str(tmp_path), "--file", str(tmp_path / "sent"), "--json")
    assert json.loads(done.stdout)["messages"] == 3
    (tmp_path / "cut").write_bytes(packed[:-20])
    assert "cannot be read beyond line" in str(map_try("--file", str(tmp_path / "cut")).exception)


def test_messages_that_nothing_reads_are_no_success(tmp_path: Path) -> None:
    (tmp_path / "sent").write_text('{"topic": "other/1", "payload": "5"}', "utf-8")
    done = map_try("--file", str(tmp_path / "sent"))
    assert done.exit_code == 1
    assert "None of these messages is read" in done.stdout
    assert "Nothing is wrong" not in done.stdout


def test_a_folder_without_mapping_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "press.yaml").write_text(MAPPING, "utf-8")
    for command in (["try", "--mapping", str(tmp_path)], ["check", str(tmp_path)]):
        done = CliRunner().invoke(app, ["map", *command])
        assert isinstance(done.exception, MappingError)
        assert "mapping*.yaml; there is only press.yaml" in str(done.exception)
    with pytest.raises(MappingError, match="no mapping file in"):
        load_all([tmp_path])


def test_no_name_is_cut_where_the_page_is_narrow(tmp_path: Path) -> None:
    name = "a_rather_long_name_of_a_temperature_of_the_third_zone_of_the_oven_c"
    rules = MAPPING + f"  - {{from: {name}_sent, name: {name}, quantity: temperature, unit: °C}}\n"
    (tmp_path / "mapping.yaml").write_text(rules, "utf-8")
    sent = {"topic": "gw/m1", "payload": {"t": 1_763_798_400_000, "P": 1500, f"{name}_sent": 5}}
    (tmp_path / "sent").write_text(json.dumps(sent), "utf-8")
    arguments = ["map", "try", "--mapping", str(tmp_path), "--file", str(tmp_path / "sent")]
    done = CliRunner().invoke(app, arguments, env={"COLUMNS": "80"})
    assert done.exit_code == 0, done.stdout
    assert "…" not in done.stdout
