"""One message of each format goes through the real broker and the real ingest, and its values stand in the database."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import paho.mqtt.client as mqtt
import psycopg
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from tests.support.broker import Broker
from tests.support.database import TestDatabase
from tests.support.service import Services
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.needs_database, pytest.mark.needs_broker]

TIME_MS = 1_763_798_400_000  # 2025-11-22 08:00 UTC
STAMP = "2025-11-22T08:00:00Z"
MAPPINGS = {
    "packml": """
topic: pack/{line}/{tag...}
site: plant
asset: pack/{line}
format: packml
time: receive
""",
    "meters": """
topic: meters/{meter}/{register}
site: plant
asset: meters/{meter}
format: number
tag: "{register}"
time: receive
values: [{from: e, name: energy_kwh, quantity: active_energy, unit: kWh}]
""",
    "gateway": """
topic: gw/{machine}
site: plant
asset: gw/{machine}
format: json
records: $.d
item: {name: n, value: v, unit: u}
time: {from: $$.t, format: unix_ms}
values: [{from: T, name: oil_temperature_c, quantity: temperature, unit: °C}]
""",
    "xml": """
topic: mt/{machine}/xml
site: plant
asset: mt/{machine}
format: mtconnect_xml
values: [{from: load, name: load_pct, quantity: ratio, unit: "%"}]
""",
    "shdr": """
topic: mt/{machine}/shdr
site: plant
asset: mt/{machine}
format: shdr
values: [{from: execution, name: state, quantity: state}]
""",
}
XML = f"""<MTConnectStreams><Streams><DeviceStream name="m1"><ComponentStream>
<Samples><Load name="load" timestamp="{STAMP}">12.5</Load></Samples>
</ComponentStream></DeviceStream></Streams></MTConnectStreams>"""
NATIVE = json.dumps({"ts": TIME_MS, "values": {"power_w": 1500}}).encode()
SENT: list[tuple[str, bytes]] = [
    ("haidang/v1/plant/a/native/data", NATIVE),
    ("haidang/v1/plant/a/packed/data", gzip.compress(NATIVE)),
    ("umh/v1/acme/Plant/hall/_historian/drive", json.dumps({"timestamp_ms": TIME_MS, "power_kw": 2.5}).encode()),
    ("umh/v1/acme/Plant/hall/_raw/drive/speed_rpm", json.dumps({"timestamp_ms": TIME_MS, "value": 900}).encode()),
    ("pack/l1/Status/StateCurrent", b"6"),
    ("meters/m1/e", b"23500 Wh"),
    ("gw/g1", json.dumps({"t": TIME_MS, "d": [{"n": "T", "v": 100, "u": "°F"}]}).encode()),
    ("mt/m1/xml", XML.encode()),
    ("mt/m1/shdr", f"{STAMP}|execution|ACTIVE".encode()),
    ("meters/m1/e", b"23.5 bar"),  # does not measure energy
    ("gw/g1", gzip.compress(b" " * (3 << 20))),  # too large when decompressed
]
STORED = """
    SELECT a.key || '/' || s.name, s.unit, coalesce(y.text, round(r.value::numeric, 4)::float8::text), d.protocol
    FROM reading r JOIN series s USING (series_id) JOIN asset a USING (asset_id) JOIN device d USING (device_id)
    LEFT JOIN symbol y ON s.kind = 'state' AND y.symbol_id = r.value::bigint"""
EXPECTED = {
    ("a/native/power_w", "kW", "1.5", "native"),
    ("a/packed/power_w", "kW", "1.5", "native"),
    ("hall/drive.power_kw", "kW", "2.5", "umh"),
    ("hall/drive.speed_rpm", "1/min", "900", "umh"),
    ("pack/l1/state", "", "EXECUTE", "packml"),
    ("meters/m1/energy_kwh", "kWh", "23.5", "number"),
    ("gw/g1/oil_temperature_c", "°C", "37.7778", "mapping"),
    ("mt/m1/load_pct", "1", "0.125", "mtconnect_xml"),
    ("mt/m1/state", "", "ACTIVE", "shdr"),
}


@pytest.fixture
def client(broker: Broker) -> Iterator[mqtt.Client]:
    made = mqtt.Client(CallbackAPIVersion.VERSION2, "machines", protocol=MQTTProtocolVersion.MQTTv5)
    made.connect("127.0.0.1", int(broker.url.rpartition(":")[2]))
    made.loop_start()
    yield made
    made.disconnect()
    made.loop_stop()


def test_each_format_arrives(
    database: TestDatabase, broker: Broker, services: Services, client: mqtt.Client, tmp_path: Path
) -> None:
    for name, text in MAPPINGS.items():
        (tmp_path / f"mapping-{name}.yaml").write_text(text, "utf-8")
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute("INSERT INTO site (key, name, timezone) VALUES ('plant', 'Plant', 'UTC')")
        env = {
            "HAIDANG_DATABASE_URL": database.url_for("haidang_ingest"),
            "HAIDANG_BROKER_URL": broker.url,
            "HAIDANG_MAPPING_PATH": str(tmp_path),
        }
        ingest = services.start("ingest", env=env)
        wait_until(lambda: "broker_connected" in ingest.log(), what="ingest to be connected")
        for info in [client.publish(topic, payload, qos=1) for topic, payload in SENT]:
            info.wait_for_publish(10)
        wait_until(lambda: accounted(connection) >= len(SENT), what="all messages to be accounted for")
        assert set(connection.execute(STORED).fetchall()) == EXPECTED
        refused = connection.execute("SELECT reason, octet_length(payload) FROM rejected_message").fetchall()
    sizes = {"wrong_unit": len(SENT[-2][1]), "too_large": len(SENT[-1][1])}
    assert dict(refused) == sizes  # kept as they came


def accounted(connection: psycopg.Connection) -> int:
    row = connection.execute("SELECT coalesce(sum(received), 0) FROM ledger_now").fetchone()
    assert row is not None
    return int(row[0])
