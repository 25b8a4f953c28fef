"""Secrets that a user gives us are in no output: not in logs, errors, metrics or settings, whatever goes wrong."""

import json
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from pilot.ports import free_port
from tests.support.broker import Broker
from tests.support.database import TestDatabase
from tests.support.paths import ROOT
from tests.support.service import Services, environment
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.needs_database, pytest.mark.needs_broker]

SECRET = "s3cr3t-Tr0ub4dor"
TRICKY = "s3cr3t%3A%40%2F-Tr0ub4dor"  # of a password with : @ and /
NOBODY = "127.0.0.1:1"


def run(*arguments: str, **env: str) -> str:
    """All output of a command."""
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=ROOT,
        env={**environment(env), "COLUMNS": "300"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return done.stdout + done.stderr


def assert_clean(text: str) -> None:
    lines = [line for line in text.splitlines() if "s3cr3t" in line or "Tr0ub4dor" in line]
    assert not lines, lines[:3]


def with_password(url: str, password: str, user: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{user}:{password}@{rest.rpartition('@')[2]}"


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_ingest_at_work_shows_none(database: TestDatabase, broker: Broker, services: Services, log_format: str) -> None:
    port = free_port()
    env = {
        "HAIDANG_DATABASE_URL": with_password(database.url, SECRET, "haidang_ingest"),
        "HAIDANG_BROKER_URL": with_password(broker.url, TRICKY, "ingest"),
        "HAIDANG_BROKER_KEY_PASSWORD": SECRET,
        "HAIDANG_INGEST_METRICS_PORT": str(port),
        "HAIDANG_LOG_FORMAT": log_format,
        "PYTHONASYNCIODEBUG": "1",
    }
    ingest = services.start("ingest", env=env)
    wait_until(lambda: "broker_connected" in ingest.log(), timeout_s=60, what="ingest to be connected")
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        assert_clean(answer.read().decode())
    broker.stop()
    wait_until(lambda: "broker_unreachable" in ingest.log(), timeout_s=60, what="ingest to miss the broker")
    ingest.terminate()
    assert_clean(ingest.log())


@pytest.mark.parametrize(
    ("module", "env"),
    [
        (
            "ingest",
            {"HAIDANG_DATABASE_URL": f"postgresql://u:{SECRET}@h/x", "HAIDANG_BROKER_URL": f"amqp://u:{SECRET}@h"},
        ),
        ("ingest", {"HAIDANG_DATABASE_URL": f"not an address {SECRET}", "HAIDANG_BROKER_URL": "mqtt://h"}),
        ("ingest", {"HAIDANG_DATABASE_URL": "postgresql://h/x", "HAIDANG_BROKER_URL": f"mqtt://u:{SECRET}@h:port"}),
        ("api", {"HAIDANG_DATABASE_URL": f"postgresql://u:{SECRET}@h:x/d", "HAIDANG_SESSION_SECRET": SECRET * 3}),
        ("api", {"HAIDANG_DATABASE_URL": "postgresql://h/d", "HAIDANG_SESSION_SECRET": SECRET}),
        ("simulators", {"HAIDANG_BROKER_URL": f"mqtt://u:{TRICKY}@{NOBODY}"}),
        ("simulators", {"HAIDANG_BROKER_URL": f"mqtt://u:{SECRET}@h:port"}),
    ],
)
def test_a_service_that_cannot_start_shows_none(module: str, env: dict[str, str]) -> None:
    shown = run(module, **env)
    assert shown.strip()
    assert_clean(shown)


@pytest.mark.parametrize(
    ("arguments", "url"),
    [
        (("db", "status"), f"postgresql://u:{SECRET}@{NOBODY}/x"),
        (("db", "status"), f"host=127.0.0.1 port=1 user=u password={SECRET}"),
        (("db", "migrate"), f"postgresql://{NOBODY}/x?password={SECRET}"),
        (("broker", "account", "list"), f"postgresql://u:{SECRET}@h:port/x"),
        (("key", "list"), f"no address {SECRET}"),
    ],
)
def test_a_command_that_cannot_connect_shows_none(arguments: tuple[str, ...], url: str) -> None:
    shown = run("pilot.cli", *arguments, HAIDANG_DATABASE_URL=url)
    assert "Error" in shown
    assert_clean(shown)


def test_the_settings_are_shown_without_them(tmp_path: Path) -> None:
    env = {
        "HAIDANG_DATABASE_URL": f"postgresql://u:{SECRET}@h/x",
        "HAIDANG_BROKER_URL": f"mqtts://u:{TRICKY}@h:8883",
        "HAIDANG_BROKER_KEY_FILE": str(tmp_path / "own.key"),
        "HAIDANG_BROKER_CERT_FILE": str(tmp_path / "own.crt"),
        "HAIDANG_BROKER_KEY_PASSWORD": SECRET,
        "HAIDANG_SESSION_SECRET": SECRET * 3,
    }
    assert_clean(run("pilot.cli", "config", **env))
    shown = run("pilot.cli", "config", "--json", **env)
    assert_clean(shown)
    found = {setting["variable"]: setting["shown"] for setting in json.loads(shown)}
    assert found["HAIDANG_BROKER_KEY_PASSWORD"] == "(set)"
    assert found["HAIDANG_BROKER_KEY_FILE"] == str(tmp_path / "own.key")
    assert found["HAIDANG_BROKER_URL"] == "mqtts://u:***@h:8883"
