"""`deploy/make-env`: secrets, accounts and certificate, made once and kept."""

import re
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from tests.support import compose
from tests.support.deployed import make_env, variables


@pytest.fixture(scope="module")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    done = make_env(folder)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def made(made_once: Path, tmp_path: Path) -> Path:
    """A copy of what was made, of this test's own."""
    return shutil.copytree(made_once, tmp_path, dirs_exist_ok=True)


def _mode(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


def test_compose_has_all_it_needs(made: Path) -> None:
    compose.load(variables(made / ".env"))


def test_secrets_are_random_and_can_stand_in_an_address(made: Path) -> None:
    env = variables(made / ".env")
    secrets = [value for name, value in env.items() if "PASSWORD" in name or "SECRET" in name]
    assert len(secrets) >= 10
    assert len(set(secrets)) == len(secrets)
    assert all(re.fullmatch(r"[0-9a-f]{64}", secret) for secret in secrets)


def test_only_the_owner_can_read_them(made: Path) -> None:
    secret = [
        ".env",
        "deploy/secrets/ca.key",
        "deploy/secrets/mosquitto/server.key",
    ]
    assert {_mode(made / name) for name in secret} == {0o600}
    assert _mode(made / "deploy/secrets") == 0o700


def test_no_secret_is_shown(tmp_path: Path) -> None:
    done = make_env(tmp_path)
    shown = done.stdout + done.stderr
    assert not [value for value in variables(tmp_path / ".env").values() if len(value) > 20 and value in shown]


def test_again_keeps_everything(made: Path) -> None:
    kept = [".env", "deploy/secrets/ca.key", "deploy/secrets/mosquitto/server.crt"]
    before = [(made / name).read_bytes() for name in kept]
    assert make_env(made).returncode == 0
    assert [(made / name).read_bytes() for name in kept] == before


def test_a_value_of_ones_own_stays_and_a_new_variable_is_added(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("HAIDANG_DB_PASSWORD_OWNER=mine\nHAIDANG_API_PORT=9000\n", "utf-8")
    assert make_env(tmp_path).returncode == 0
    env = variables(tmp_path / ".env")
    assert (env["HAIDANG_DB_PASSWORD_OWNER"], env["HAIDANG_API_PORT"]) == ("mine", "9000")
    compose.load({**env, "HAIDANG_API_PORT": "9000"})


def test_a_device_gets_a_certificate_of_its_name_once(made: Path) -> None:
    assert make_env(made, "device-certificate", "plant/a/b/c").returncode == 0
    file = made / "deploy/secrets/devices/plant+a+b+c"
    key = file.with_name(f"{file.name}.key")
    assert _mode(key) == 0o600
    shown = ["openssl", "x509", "-in", f"{file}.crt", "-noout", "-subject", "-nameopt", "RFC2253"]
    subject = subprocess.run(shown, check=True, capture_output=True, text=True, timeout=20).stdout
    assert subject.strip() == "subject=CN=plant/a/b/c"
    verify = ["openssl", "verify", "-purpose", "sslclient", "-CAfile", str(made / "deploy/secrets/mosquitto/ca.crt")]
    subprocess.run([*verify, f"{file}.crt"], check=True, capture_output=True, timeout=20)
    before = key.read_bytes()
    assert make_env(made, "device-certificate", "plant/a/b/c").returncode == 1
    assert key.read_bytes() == before


@pytest.mark.parametrize(
    "name", ["", "a b", "plant/#", "plant/+", "a:b", "a\nb", "ingest", "ingest/x", "health", "a" * 65]
)
def test_a_name_that_would_reach_too_far_is_refused(made: Path, name: str) -> None:
    assert make_env(made, "device-certificate", name).returncode == 1
    assert not (made / "deploy/secrets/devices").exists()


def test_a_broker_certificate_that_is_replaced_stays_beside_the_new_one(made: Path) -> None:
    folder = made / "deploy/secrets/mosquitto"
    before = (folder / "server.key").read_bytes()
    assert make_env(made, "certificate", "10.1.2.3").returncode == 0
    (kept,) = folder.glob("server.key.before-*")
    assert kept.read_bytes() == before


def test_the_certificate_holds_for_the_names_asked_for(made: Path) -> None:
    assert make_env(made, "certificate", "broker.plant.local", "10.1.2.3").returncode == 0
    folder = made / "deploy/secrets/mosquitto"
    check = ["openssl", "verify", "-CAfile", str(folder / "ca.crt")]
    for name in (
        ["-verify_hostname", "broker.plant.local"],
        ["-verify_ip", "10.1.2.3"],
        ["-verify_hostname", "mosquitto"],
    ):
        subprocess.run([*check, *name, str(folder / "server.crt")], check=True, capture_output=True, timeout=20)
    other = [*check, "-verify_hostname", "elsewhere", str(folder / "server.crt")]
    assert subprocess.run(other, check=False, capture_output=True, timeout=20).returncode != 0


def test_an_unknown_word_explains_itself(tmp_path: Path) -> None:
    done = make_env(tmp_path, "hlep")
    assert done.returncode == 2
    assert "deploy/make-env device-certificate NAME" in done.stdout
