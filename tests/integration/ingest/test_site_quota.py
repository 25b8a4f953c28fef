"""Quotas: a site has its room and no more, others do not notice; broken series and clocks cannot fill the store."""

import json
from collections.abc import Iterator
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from typer.testing import CliRunner

from ingest.limits import DAY_US, Limits
from ingest.quota import KEPT_IN_A_MINUTE, SiteQuotas
from pilot.cli import app
from store.pool import connect
from store.registry import apply_site
from store.site_file import SiteFile
from store.site_quota import WINDOW_S
from tests.integration.ingest.registry import NOW_MS, Registry, registry_of
from tests.support.broker import Broker
from tests.support.database import TestDatabase
from tests.support.service import Services
from tests.support.waiting import wait_until

pytestmark = pytest.mark.needs_database
DETAILS = "SELECT reason, detail, whole FROM rejected_message ORDER BY rejected_message_id"
SERIES = "SELECT site.key, count(*)::int FROM series JOIN site USING (site_id) GROUP BY 1 ORDER BY 1"


@pytest.fixture
def registry(database: TestDatabase) -> Iterator[Registry]:
    with registry_of(database) as made:
        yield made


def apply(registry: Registry, **quota: int) -> dict[str, int]:
    site = {"key": "a", "name": "A", "timezone": "UTC"}
    with connect(registry.database.url) as connection:
        return apply_site(connection, SiteFile.model_validate({"site": site, "assets": [], "quota": quota}))


def test_a_site_has_its_quota_of_series_until_it_is_raised(registry: Registry) -> None:
    assert apply(registry, series=3)["quota"] == 1
    assert apply(registry, series=3)["quota"] == 0
    first, second = registry.worker(), registry.worker()
    many = {f"v{n}": 1.0 for n in range(5)}
    first.writer.write([first.message("a/m1", many), first.message("b/m1", many)])
    second.send("a/m1", many, 1)
    assert registry.rows(SERIES) == [("a", 3), ("b", 5)]
    sentence = "site a has its quota of 3 series: raise quota.series in its site file and apply it"
    assert set(registry.rows(DETAILS)) == {("too_many_series", sentence, False)}
    second.writer.write([second.message(f"a/n{n}", many) for n in range(5)])
    assert registry.rows("SELECT count(*)::int FROM device JOIN site USING (site_id) WHERE site.key = 'a'") == [(3,)]
    apply(registry, series=1000)
    first.look_again()
    first.send("a/m1", many, 2)
    assert registry.rows(SERIES) == [("a", 5), ("b", 5)]


def test_a_flood_over_the_quota_is_counted_exactly_and_hardly_kept(registry: Registry) -> None:
    apply(registry, values_per_s=1)
    worker = registry.worker()
    worker.send("a/m", {"x": 1.0})
    quotas: SiteQuotas = worker.writer.planner.site_quotas
    source = worker.router.source("haidang/v1/a/m/data")
    taken = 0
    while (why := quotas.refusal(source)) is None:
        quotas.spend(worker.message("a/m", {"x": 1.0}))
        taken += 1
    assert WINDOW_S <= taken < 2 * WINDOW_S
    for part in range(2):
        worker.writer.write([worker.refused("a/m", b"%d %d" % (part, n), why) for n in range(1_000)])
    kept, times, sentence = registry.rows("SELECT count(*)::int, sum(times)::int, min(detail) FROM rejected_message")[0]
    assert kept <= 2 * KEPT_IN_A_MINUTE  # the minute may end on the way
    assert times == 2_000
    assert "quota of 1 values in a second" in sentence
    assert registry.rows("SELECT sum(received)::int, sum(rejected)::int FROM ledger_now") == [(2_001, 2_000)]


def test_workers_spend_from_one_account(registry: Registry) -> None:
    apply(registry, values_per_s=100)
    workers = [registry.worker(), registry.worker()]
    for worker in workers:
        worker.send("a/m", {"x": 1.0})
        worker.writer.planner.site_quotas._synced_at = -10
    source = workers[0].router.source("haidang/v1/a/m/data")
    workers[0].writer.planner.site_quotas.spend(workers[0].message("a/m", {f"v{n}": 1.0 for n in range(10_000)}))
    assert workers[1].writer.planner.site_quotas.refusal(source) is None
    for worker in workers:
        worker.writer.planner.site_quotas.spend(worker.message("a/m", {"x": 1.0}))
        worker.send("b/m", {"x": 1.0})
    assert workers[1].writer.planner.site_quotas.refusal(source) is not None


def test_one_broken_series_cannot_fill_the_table_of_texts(registry: Registry) -> None:
    worker = registry.worker(Limits(texts_per_series=5))
    worker.writer.write([worker.message("a/m", {"state": f"serial {n}", "power_kw": 2.0}, n) for n in range(4)])
    worker.writer.write([worker.message("a/m", {"state": f"serial {n}", "power_kw": 2.0}, n) for n in range(4, 9)])
    other = registry.worker(Limits(texts_per_series=5))
    other.send("a/m", {"state": "serial 99", "power_kw": 2.0}, 9)
    other.send("b/m", {"state": "serial 99"})
    other.writer.write([other.message("a/m", {"state": f"serial {n}"}, 10 + n) for n in (0, 99)])
    assert registry.rows("SELECT count(*)::int FROM symbol") == [(6,)]
    assert [code for code, _, _ in registry.rows(DETAILS)] == ["too_many_texts"] * 5
    stored = "SELECT name, count(*)::int FROM reading JOIN series USING (series_id) GROUP BY name ORDER BY name"
    assert registry.rows(stored) == [("power_kw", 10), ("state", 8)]


def test_days_are_counted_over_restarts_and_workers(registry: Registry) -> None:
    def days(start: int, count: int) -> list[Any]:
        """One value on each of so many days of the past."""
        return [
            worker.message("a/m", {"x": 1.0}, -(start + n) * DAY_US // 1000)
            for worker in [current]
            for n in range(count)
        ]

    for start in (100, 200, 300):
        current = registry.worker(Limits(new_days_per_hour=5))
        current.writer.write(days(start, 2))
    assert registry.rows("SELECT count(*)::int FROM reading") == [(5,)]
    assert [code for code, _, _ in registry.rows(DETAILS)] == ["too_many_days"]
    current.writer.write(days(100, 2))  # they are there
    current.send("b/m", {"x": 1.0}, -500 * DAY_US // 1000)  # another device
    assert registry.rows("SELECT count(*)::int FROM reading") == [(6,)]


@pytest.mark.needs_broker
def test_a_flooding_site_does_not_disturb_another(registry: Registry, broker: Broker, services: Services) -> None:
    apply(registry, values_per_s=2)
    env = {"HAIDANG_DATABASE_URL": registry.database.url_for("haidang_ingest"), "HAIDANG_BROKER_URL": broker.url}
    service = services.start("ingest", env=env)
    wait_until(lambda: "broker_connected" in service.log(), what="ingest to connect")
    client = mqtt.Client(CallbackAPIVersion.VERSION2, "flood", protocol=MQTTProtocolVersion.MQTTv5)
    client.connect("127.0.0.1", int(broker.url.rpartition(":")[2]))
    client.loop_start()
    client.publish("haidang/v1/a/m/data", json.dumps({"ts": NOW_MS, "values": {"x": 0.0}}), qos=1).wait_for_publish(10)
    received = "SELECT coalesce(sum(received), 0)::int FROM ledger_now"
    wait_until(lambda: registry.rows(received) == [(1,)], what="the first message")
    for n in range(1, 2_001):
        site = "b" if n % 10 == 0 else "a"
        info = client.publish(f"haidang/v1/{site}/m/data", json.dumps({"ts": NOW_MS + n, "values": {"x": n}}), qos=1)
    info.wait_for_publish(20)
    wait_until(lambda: registry.rows(received) == [(2_001,)], what="all messages")
    client.disconnect()
    client.loop_stop()
    found = registry.rows(
        "SELECT key, sum(received)::int, sum(stored)::int, sum(rejected)::int "
        "FROM ledger_now JOIN site USING (site_id) GROUP BY 1 ORDER BY 1"
    )
    (_, received_a, stored_a, rejected_a), b = found
    assert b == ("b", 200, 200, 0)
    assert received_a == 1_801 == stored_a + rejected_a
    assert 2 * WINDOW_S <= stored_a < 2 * (WINDOW_S + 60)
    kept = registry.rows("SELECT sum(times)::int, count(*) < 50 FROM rejected_message WHERE reason = 'over_quota'")
    assert kept == [(rejected_a, True)]
    shown = CliRunner().invoke(app, ["site", "show", "a", "--database-url", registry.database.url])
    assert "of at most 2" in shown.output
    assert f"{rejected_a:,} messages were refused in the last day" in shown.output
