"""`haidang broker`: accounts in the registry, files for the broker, and what the running broker makes of them."""

import getpass
import signal
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import paho.mqtt.client as mqtt
import psycopg
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode
from typer.testing import CliRunner

from pilot.commands.broker import app
from pilot.errors import PilotError
from pilot.ports import LOCALHOST, answers, free_port
from store.errors import InvalidConfigurationError
from tests.support.broker import mosquitto_path
from tests.support.database import TestDatabase
from tests.support.required import missing
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.needs_database, pytest.mark.needs_broker]


def haidang(database: TestDatabase, *arguments: str, env: dict[str, str] | None = None) -> str:
    """What `haidang broker ...` writes to standard output; an error of ours is raised."""
    given = {"HAIDANG_DATABASE_URL": database.url, "COLUMNS": "200", **(env or {})}
    result = CliRunner().invoke(app, arguments, env=given, catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout


@contextmanager
def mosquitto(folder: Path) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    path = mosquitto_path()
    if path is None:
        missing("mosquitto", "the files are for Mosquitto and nothing else")
    port = free_port()
    lines = [f"listener {port} {LOCALHOST}", "allow_anonymous false", f"user {getpass.getuser()}", "log_dest stderr"]
    lines += [f"password_file {folder}/passwords", f"acl_file {folder}/acl"]
    (folder / "mosquitto.conf").write_text("\n".join(lines) + "\n")
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen([path, "-c", str(folder / "mosquitto.conf")], stdout=log, stderr=log)
    try:
        wait_until(lambda: answers(port), timeout_s=20, what="the broker")
        yield port, process
    finally:
        process.terminate()
        process.wait(20)


def comes_in(port: int, name: str, password: str) -> bool:
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    client.username_pw_set(name, password)
    outcome: list[ReasonCode] = []
    client.on_connect = lambda *found: outcome.append(found[3])
    client.connect(LOCALHOST, port)
    client.loop_start()
    try:
        wait_until(lambda: bool(outcome), timeout_s=15, what="an answer to CONNECT")
        return not outcome[0].is_failure
    finally:
        client.disconnect()
        client.loop_stop()


@pytest.fixture
def registry(database: TestDatabase) -> TestDatabase:
    with psycopg.connect(database.url) as connection:
        connection.execute("INSERT INTO site (key, name, timezone) VALUES ('plant', 'P', 'UTC'), ('other', 'O', 'UTC')")
        connection.execute(
            "INSERT INTO asset (site_id, key, level, name) SELECT site_id, 'line/press', 'unit', 'x' FROM site"
        )
        connection.execute("INSERT INTO device (site_id, asset_id, key) SELECT site_id, asset_id, key FROM asset")
    return database


def test_from_the_registry_to_the_broker_and_out_again(registry: TestDatabase, tmp_path: Path) -> None:
    folder = tmp_path / "broker"
    added = haidang(registry, "account", "add", "plant/line/press")
    password = added.strip()
    assert len(password) == 32
    ingest = {"HAIDANG_BROKER_PASSWORD_INGEST": "of-ingest-and-long"}
    haidang(registry, "acl", "--output", str(folder), env=ingest)
    assert {stat.S_IMODE((folder / name).stat().st_mode) for name in ("acl", "passwords")} == {0o600}
    assert password not in (folder / "passwords").read_text()
    with mosquitto(folder) as (port, process):
        assert comes_in(port, "plant/line/press", password)
        assert comes_in(port, "ingest", "of-ingest-and-long")
        assert not comes_in(port, "plant/line/press", "wrong")
        rotated = haidang(registry, "account", "rotate", "plant/line/press").strip()
        haidang(registry, "acl", "--output", str(folder))
        process.send_signal(signal.SIGHUP)
        wait_until(lambda: comes_in(port, "plant/line/press", rotated), timeout_s=15, what="the new password")
        assert not comes_in(port, "plant/line/press", password)
        haidang(registry, "account", "remove", "plant/line/press")
        haidang(registry, "acl", "--output", str(folder))
        process.send_signal(signal.SIGHUP)
        wait_until(lambda: not comes_in(port, "plant/line/press", rotated), timeout_s=15, what="its end")
        assert comes_in(port, "ingest", "of-ingest-and-long")  # kept from the file before


def test_devices_name_the_account_that_speaks_for_them(registry: TestDatabase) -> None:
    def credentials() -> dict[str, str | None]:
        with psycopg.connect(registry.url) as connection:
            rows = "SELECT s.key, d.credential_ref FROM device d JOIN site s USING (site_id)"
            return dict(connection.execute(rows).fetchall())

    haidang(registry, "account", "add", "plant")
    assert credentials() == {"plant": "plant", "other": None}
    haidang(registry, "account", "add", "press-7", "--site", "plant", "--asset", "line/press", "--certificate")
    assert credentials() == {"plant": "press-7", "other": None}
    shown = haidang(registry, "account", "list")
    assert "certificate" in shown
    assert "$7$" not in shown
    haidang(registry, "account", "remove", "press-7")
    assert credentials() == {"plant": "plant", "other": None}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("account", "add", "nowhere/x"), "Site 'nowhere' is not known"),
        (("account", "add", "ingest"), "account of our own services"),
        (("account", "add", "plant/#"), "cannot be an account"),
        (("account", "add", "plant/e", "--sparkplug", "other/e"), "other is another site"),
        (("account", "add", "plant/e", "--topic", "haidang/v1/other/#"), "is not given by hand"),
        (("account", "add", "plant/e", "--password-env", "NOT_THERE"), "holds no password"),
        (("account", "remove", "plant/e"), "There is no account"),
        (("account", "rotate", "plant/e"), "There is no account"),
    ],
)
def test_what_is_refused_is_one_line(registry: TestDatabase, arguments: tuple[str, ...], sentence: str) -> None:
    with pytest.raises((PilotError, InvalidConfigurationError), match=sentence):
        haidang(registry, *arguments)


def test_an_account_that_cannot_be_replaced_stays(registry: TestDatabase) -> None:
    before = haidang(registry, "account", "add", "plant/b").strip()
    with pytest.raises(InvalidConfigurationError, match="Site 'nowhere' is not known"):
        haidang(registry, "account", "add", "plant/b", "--site", "nowhere", "--replace")
    assert "plant/b" in haidang(registry, "account", "list")
    assert haidang(registry, "account", "add", "plant/b", "--replace").strip() != before


def test_one_account_that_speaks_for_another_place_does_not_keep_the_others_out(
    registry: TestDatabase, tmp_path: Path
) -> None:
    haidang(registry, "account", "add", "plant/a")
    haidang(registry, "account", "add", "plant/b", "--topic", "m/other/raw")
    mapping = tmp_path / "m.yaml"
    mapping.write_text(
        "topic: m/{n}/raw\nsite: plant\nasset: '{n}'\nformat: json\ntime: {from: t}\n"
        "values: [{from: v, name: v, quantity: number}]\n"
    )
    arguments = ["acl", "--output", str(tmp_path), "--mapping", str(mapping), "--strict"]
    result = CliRunner().invoke(app, arguments, env={"HAIDANG_DATABASE_URL": registry.url})
    assert result.exit_code == 1
    assert "Left out: plant/b" in result.stderr
    haidang(registry, *arguments[:-1])
    for name in ("acl", "passwords"):
        assert "plant/a" in (tmp_path / name).read_text()
        assert "plant/b" not in (tmp_path / name).read_text()


def test_a_password_that_somebody_chose_has_many_rounds(registry: TestDatabase) -> None:
    chosen = {"CHOSEN": "somebody-chose-this"}
    haidang(registry, "account", "add", "plant/a", "--password-env", "CHOSEN", env=chosen)
    haidang(registry, "account", "add", "plant/b")
    with psycopg.connect(registry.url) as connection:
        rows = "SELECT name, split_part(password_hash, '$', 3)::int FROM broker_account"
        assert dict(connection.execute(rows).fetchall()) == {"plant/a": 50_000, "plant/b": 101}
        haidang(registry, "account", "rotate", "plant/b", "--password-env", "CHOSEN", env=chosen)
        assert dict(connection.execute(rows).fetchall()) == {"plant/a": 50_000, "plant/b": 50_000}


def test_services_cannot_read_the_accounts(registry: TestDatabase) -> None:
    for role in ("haidang_ingest", "haidang_api", "haidang_kpi", "haidang_evidence", "haidang_grafana"):
        with (
            psycopg.connect(registry.url_for(role)) as connection,
            pytest.raises(psycopg.errors.InsufficientPrivilege),
        ):
            connection.execute("SELECT * FROM broker_account")
