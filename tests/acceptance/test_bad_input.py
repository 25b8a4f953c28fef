"""What cannot be used is never lost in silence: a person sees each bad message in the console, with its reason."""

import json
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
import psycopg
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from playwright.sync_api import Page, expect

from tests.support.broker import Broker
from tests.support.chain import Api, Chain
from tests.support.database import TestDatabase
from tests.support.paths import ROOT
from tests.support.service import Services
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.needs_database, pytest.mark.needs_broker, pytest.mark.needs_browser]

SITE = "demo-plant"
UNIT = "moulding/cell-1/imm-1"
TOPIC = f"haidang/v1/{SITE}/{UNIT}/data"
NOW_MS = time.time_ns() // 1_000_000 - 5_000
TEN_DAYS_MS = 10 * 86_400_000
GOOD_VALUE = 4711.0


def sample(after_ms: int = 0, units: dict[str, str] | None = None, **values: Any) -> bytes:
    """A message of the contract; NaN is written as Python and many devices write it."""
    return json.dumps({"ts": NOW_MS + after_ms, "values": values, **({"units": units} if units else {})}).encode()


@dataclass(frozen=True)
class Bad:
    """A message that cannot be used, and what a person must be able to read about it."""

    reason: str
    payload: bytes
    title: str
    sentence: str
    topic: str = TOPIC


BAD = (
    Bad("undecodable", b"\xff\xfe\x00garbage", "Payload cannot be decoded", "not UTF-8 text"),
    Bad("wrong_type", sample(power_kw="a lot"), "Value of the wrong type", "must be a number, not 'a lot'"),
    Bad("not_finite", sample(power_kw=float("nan")), "Not a number", "is NaN: not a finite number"),
    Bad("too_large", b"x" * ((1 << 20) + 1), "Payload too large", "1,048,577 bytes, 1,048,576 are allowed"),
    Bad(
        "wrong_unit",
        sample(units={"power_kw": "kg"}, power_kw=12.5),
        "Unit does not fit the quantity",
        "unit 'kg' does not measure active_power",
    ),
    Bad("in_future", sample(TEN_DAYS_MS, power_kw=12.5), "Time ahead of the clock", "10 days ahead of the receiver"),
    Bad(
        "unknown_site",
        sample(power_kw=12.5),
        "Site is not registered",
        "site 'nowhere' is not known here",
        topic=f"haidang/v1/nowhere/{UNIT}/data",
    ),
)


@pytest.fixture
def chain(database: TestDatabase, broker: Broker, services: Services) -> Chain:
    """The demo plant, its broker and a running ingest."""
    made = Chain(database, broker, services)
    made.haidang("site", "apply", str(ROOT / "pilot" / "data" / "demo_plant.yaml"))
    made.ingest()
    return made


def publish(url: str, *messages: tuple[str, bytes]) -> None:
    """Send as any device does, and wait until the broker has every message."""
    broker = urlsplit(url)
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="a-device", protocol=mqtt.MQTTv5)
    client.connect(broker.hostname or "", broker.port or 1883)
    client.loop_start()
    try:
        for topic, payload in messages:
            client.publish(topic, payload, qos=1).wait_for_publish(30)
    finally:
        client.disconnect()
        client.loop_stop()


def sign_in(page: Page, api: Api) -> None:
    """Type the key into the login page, as a person does."""
    url = str(api.client.base_url).rstrip("/")
    page.goto(f"{url}/login?lang=en")
    page.locator("input[name=key]").fill(api.client.headers["Authorization"].removeprefix("Bearer "))
    page.locator("form button[type=submit]").first.click()
    page.wait_for_url(f"{url}/")
    page.goto(f"{url}/?site={SITE}&lang=en")


def stored(database: TestDatabase) -> list[tuple[str, str, float]]:
    with psycopg.connect(database.url) as connection:
        return connection.execute(
            "SELECT a.key, s.name, r.value FROM reading AS r "
            "JOIN series AS s USING (series_id) JOIN asset AS a USING (asset_id)"
        ).fetchall()


def test_a_person_sees_each_bad_message_with_its_reason_and_the_good_one_is_stored(chain: Chain, page: Page) -> None:
    messages = [(bad.topic, bad.payload) for bad in BAD]
    messages.insert(3, (TOPIC, sample(good_count=GOOD_VALUE)))
    publish(chain.broker.url, *messages)
    wait_until(lambda: chain.accounted()[0] == len(messages), timeout_s=120, what="the ledger to account for all")
    assert stored(chain.database) == [(UNIT, "good_count", GOOD_VALUE)]
    with chain.api() as api:
        account = api.client.get("/v1/ledger").json()["total"]["messages"]
        assert account == {
            "received": len(messages),
            "processed": 1,
            "rejected": len(BAD),
            "redelivered": 0,
            "balanced": True,
        }
        listed = {row["reason"]: row for row in api.items("/v1/rejected")}
        sign_in(page, api)
        table = page.locator("#rejected-table tbody tr")
        expect(table).to_have_count(len(BAD))
        assert {row["topic"] for row in listed.values()} == {bad.topic for bad in BAD}
        for bad in BAD:
            row = page.locator(f"#rejected-table tr[data-reason={bad.reason}]")
            expect(row).to_have_attribute("data-rejected", str(listed[bad.reason]["id"]))
            expect(row).to_contain_text(bad.title)
            expect(row).to_contain_text(bad.sentence)
            assert bad.sentence in listed[bad.reason]["detail"]
    assert len(listed) == len(BAD)
