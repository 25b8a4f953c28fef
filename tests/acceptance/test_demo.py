"""`haidang demo --once` runs the chain by itself and says what each stage did."""

import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from maturity.notes import SigningKey
from pilot import services
from pilot.demo import Options, Stack, demo, watch
from pilot.errors import PilotError
from tests.support.paths import ROOT
from tests.support.service import environment
from tests.support.waiting import wait_until


def test_a_day_of_the_demo(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pilot.cli", "demo", "--once", "--days", "0.5", "--home", str(tmp_path)]
    env = {**environment({}), "COLUMNS": "160"}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    for stage in ("published", "received", "stored", "computed", "OEE"):
        assert re.search(rf"{stage} .* ok ", done.stdout), done.stdout
    assert re.search(r"filling/bottling-1 +│ [0-9.]+%", done.stdout), done.stdout
    assert "0 rejected" in done.stdout


def test_a_service_that_ends_by_itself_is_named_with_the_end_of_its_log(tmp_path: Path) -> None:
    with services.running(
        "ingest", {"HAIDANG_DATABASE_URL": "", "HAIDANG_BROKER_URL": "nonsense"}, tmp_path
    ) as service:
        service.process.wait(60)
        with pytest.raises(PilotError, match=r"ingest ended with exit code \d+; the end of .*ingest.log") as raised:
            services.require_running([service])
    assert "HAIDANG_DATABASE_URL" in str(raised.value) or "HAIDANG_BROKER_URL" in str(raised.value)


def test_without_a_broker_program_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pilot.broker.shutil.which", lambda *_, **__: None)
    monkeypatch.setattr("pilot.broker.importlib.util.find_spec", lambda _: None)
    with pytest.raises(PilotError, match="install Mosquitto"), demo(Options(once=True, home=tmp_path), lambda _: None):
        pass


def test_a_killed_service_is_started_again(tmp_path: Path) -> None:
    stop, said = threading.Event(), list[str]()
    with services.running("kpi", {"HAIDANG_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}, tmp_path) as service:
        stack = Stack("", "", "", "", "", SigningKey.generate("demo"), [service])
        watching = threading.Thread(target=watch, args=(stack, stop, said.append))
        watching.start()
        first = service.process.pid
        service.process.kill()
        wait_until(lambda: service.process.pid != first, timeout_s=20, what="a new process")
        stop.set()
        watching.join(20)
    assert said
    assert said[0] == "kpi ended with exit code -9: starting it again"
