"""TLS towards a real Mosquitto: what works, what stops with a sentence, what is tried again."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import uvloop

from ingest.connection import BrokerConnection, BrokerUnreachableError
from ingest.errors import BrokerRefusedError, SettingsError
from ingest.settings import IngestSettings, read_settings
from pilot.ports import free_port
from simulators.errors import BrokerUnreachableError as PublisherUnreachableError
from simulators.errors import SettingsError as PublisherSettingsError
from simulators.publish import Publisher
from simulators.tls import BrokerTls
from tests.support.certificates import Pair
from tests.support.database import TestDatabase
from tests.support.service import Services
from tests.support.tls_broker import HERE, TlsBroker, running_tls_broker
from tests.support.waiting import wait_until

pytestmark = pytest.mark.needs_broker

TOPIC = "haidang/v1/demo/area/line/unit/data"
ACL = f"user ingest\ntopic read #\nuser demo/area/line/unit\ntopic write {TOPIC}\n"


@pytest.fixture(scope="module")
def tls_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsBroker]:
    with running_tls_broker(tmp_path_factory.mktemp("tls"), ACL) as broker:
        yield broker


@pytest.fixture(scope="module")
def device(tls_broker: TlsBroker) -> Pair:
    return tls_broker.authority.issue("device", common_name="demo/area/line/unit")


@pytest.fixture(scope="module")
def worker(tls_broker: TlsBroker) -> Pair:
    return tls_broker.authority.issue("worker", common_name="ingest")


def settings(broker: TlsBroker, url: str, pair: Pair | None = None, **more: object) -> IngestSettings:
    given: dict[str, object] = {"database_url": "postgresql://nobody", "broker_ca_file": broker.authority.file}
    if pair:
        given |= {"broker_cert_file": pair.cert, "broker_key_file": pair.key}
    return read_settings(**{**given, "broker_url": url, **more})


def open_and_close(given: IngestSettings) -> None:
    async def work() -> None:
        connection = BrokerConnection(given, lambda *_: None)
        await connection.open(["haidang/v1/#"])
        await connection.close()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:  # as ingest itself does
        runner.run(work())


@pytest.mark.parametrize("host", HERE)
def test_it_connects_to_a_name_and_an_address_that_the_certificate_holds(tls_broker: TlsBroker, host: str) -> None:
    open_and_close(settings(tls_broker, tls_broker.url("tls", host)))


def test_it_shows_its_own_certificate(tls_broker: TlsBroker, worker: Pair) -> None:
    open_and_close(settings(tls_broker, tls_broker.url("mtls"), worker))


def test_an_encrypted_key_is_opened_with_its_password(tls_broker: TlsBroker) -> None:
    pair = tls_broker.authority.issue("hidden", common_name="ingest", password=b"open sesame")
    open_and_close(settings(tls_broker, tls_broker.url("mtls"), pair, broker_key_password="open sesame"))
    with pytest.raises(SettingsError, match="HAIDANG_BROKER_KEY_PASSWORD is missing or wrong"):
        open_and_close(settings(tls_broker, tls_broker.url("mtls"), pair))


@pytest.mark.parametrize(
    ("kind", "sentence"),
    [
        ("expired", "has expired"),
        ("elsewhere", "is not for 127.0.0.1"),
        ("mtls", "wants a client certificate: set HAIDANG_BROKER_CERT_FILE"),
    ],
)
def test_what_only_people_can_repair_stops_it(tls_broker: TlsBroker, kind: str, sentence: str) -> None:
    with pytest.raises(BrokerRefusedError, match=sentence) as caught:
        open_and_close(settings(tls_broker, tls_broker.url(kind)))
    assert f":{tls_broker.ports[kind]}" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_another_authority_is_not_trusted_on_either_side(tls_broker: TlsBroker) -> None:
    with pytest.raises(BrokerRefusedError, match=r"not signed by an authority we trust.*HAIDANG_BROKER_CA_FILE"):
        open_and_close(settings(tls_broker, tls_broker.url("tls"), broker_ca_file=tls_broker.stranger.file))
    with pytest.raises(BrokerRefusedError, match="not signed by an authority we trust"):
        open_and_close(settings(tls_broker, tls_broker.url("tls"), broker_ca_file=None))
    pair = tls_broker.stranger.issue("intruder", common_name="ingest")
    with pytest.raises(BrokerRefusedError, match="does not accept our certificate"):
        open_and_close(settings(tls_broker, tls_broker.url("mtls"), pair))


def test_an_expired_certificate_of_ours_is_named(tls_broker: TlsBroker) -> None:
    pair = tls_broker.authority.issue("old", common_name="ingest", days=-1)
    with pytest.raises(BrokerRefusedError, match="HAIDANG_BROKER_CERT_FILE has expired"):
        open_and_close(settings(tls_broker, tls_broker.url("mtls"), pair))


def test_what_may_pass_is_tried_again(tls_broker: TlsBroker) -> None:
    with pytest.raises(BrokerUnreachableError, match="may be no TLS port"):
        open_and_close(settings(tls_broker, tls_broker.url("plain")))
    with pytest.raises(BrokerUnreachableError, match="TLS needs mqtts://"):
        open_and_close(settings(tls_broker, tls_broker.url("tls", scheme="mqtt")))
    with pytest.raises(BrokerUnreachableError):
        open_and_close(settings(tls_broker, f"mqtts://127.0.0.1:{free_port()}"))


def test_a_wrong_file_is_named(tls_broker: TlsBroker, worker: Pair, tmp_path: Path) -> None:
    other = tls_broker.authority.issue("other")
    rubbish = tmp_path / "rubbish.crt"
    rubbish.write_text("no certificate")
    wrong = {
        "is not the key of": {"broker_key_file": other.key},
        "HAIDANG_BROKER_KEY_FILE .* cannot be read: No such file": {"broker_key_file": tmp_path / "absent"},
        "HAIDANG_BROKER_CA_FILE .* cannot be used": {"broker_ca_file": rubbish},
        "cannot be used": {"broker_cert_file": rubbish},
    }
    for sentence, given in wrong.items():
        with pytest.raises(SettingsError, match=sentence):
            open_and_close(settings(tls_broker, tls_broker.url("mtls"), worker, **given))


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"broker_url": "mqtt://h", "broker_cert_file": "a", "broker_key_file": "b"}, "needs mqtts://"),
        ({"broker_url": "mqtts://h", "broker_cert_file": "a"}, "belong together"),
    ],
)
def test_half_a_configuration_is_refused(given: dict[str, object], sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        read_settings(database_url="postgresql://x", **given)


@pytest.mark.needs_database
def test_a_machine_and_ingest_with_certificates_only(
    tls_broker: TlsBroker, device: Pair, worker: Pair, database: TestDatabase, services: Services
) -> None:
    with psycopg.connect(database.url) as connection:
        connection.execute("INSERT INTO site (key, name, timezone) VALUES ('demo', 'Demo', 'UTC')")
    env = {
        "HAIDANG_DATABASE_URL": database.url_for("haidang_ingest"),
        "HAIDANG_BROKER_URL": tls_broker.url("mtls"),
        "HAIDANG_BROKER_CA_FILE": str(tls_broker.authority.file),
    }
    own = {"HAIDANG_BROKER_CERT_FILE": str(worker.cert), "HAIDANG_BROKER_KEY_FILE": str(worker.key)}
    refused = services.start("ingest", env=env)
    ingest = services.start("ingest", env={**env, **own})
    wait_until(lambda: "broker_connected" in ingest.log(), timeout_s=60, what="ingest to be connected")
    tls = BrokerTls(broker_ca_file=tls_broker.authority.file, broker_cert_file=device.cert, broker_key_file=device.key)
    with Publisher(tls_broker.url("mtls"), client_id="machine", tls=tls) as machine:
        machine.publish(TOPIC, b'{"ts": 1763280000000, "values": {"power_kw": 12.5}}')
        machine.publish("haidang/v1/demo/area/line/other/data", b'{"ts": 1763280000000, "values": {"power_kw": 1.0}}')
        with pytest.raises(Exception, match="refused"):
            machine.drain()

    def stored() -> list[tuple[str, float]]:
        with psycopg.connect(database.url) as connection:
            return connection.execute(
                "SELECT a.key, r.value FROM reading r JOIN series USING (series_id) JOIN asset a USING (asset_id)"
            ).fetchall()

    wait_until(lambda: stored() == [("area/line/unit", 12.5)], timeout_s=30, what="the one that is allowed")
    assert ingest.terminate() == 0
    assert refused.wait() == 1
    (line,) = [line for line in refused.log().splitlines() if line.startswith("haidang ingest:")]
    assert "wants a client certificate" in line
    assert "Traceback" not in refused.log()


def test_the_publisher_says_what_is_wrong_too(tls_broker: TlsBroker, worker: Pair) -> None:
    untrusted = BrokerTls(broker_ca_file=tls_broker.stranger.file)
    with (
        pytest.raises(PublisherUnreachableError, match="certificate verify failed"),
        Publisher(tls_broker.url("tls"), client_id="x", tls=untrusted),
    ):
        pass
    mixed = BrokerTls(broker_cert_file=worker.cert, broker_key_file=tls_broker.authority.issue("another").key)
    with pytest.raises(PublisherSettingsError, match="KEY_VALUES_MISMATCH"):
        Publisher(tls_broker.url("tls"), client_id="x", tls=mixed)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_key_that_may_not_be_read_is_named(tls_broker: TlsBroker) -> None:
    pair = tls_broker.authority.issue("closed")
    pair.key.chmod(0)
    with pytest.raises(SettingsError, match="Permission denied"):
        open_and_close(settings(tls_broker, tls_broker.url("mtls"), pair))
