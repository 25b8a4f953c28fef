"""The README's commands do what it says, in its order."""

import re
import shlex
import shutil
import subprocess
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from secrets import token_hex

import pytest

from pilot.ports import free_port
from tests.support.broker import Broker
from tests.support.chain import Chain
from tests.support.database import TestDatabase
from tests.support.paths import ROOT
from tests.support.service import Service, Services
from tests.support.waiting import wait_until

FOREGROUND = {"ingest": "broker_connected", "api": "api_listening"}


def commands() -> list[str]:
    text = (ROOT / "README.md").read_text("utf-8")
    return [line for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL) for line in block.strip().splitlines()]


def recording(path: Path) -> None:
    start = datetime(2018, 1, 1)  # noqa: DTZ001 - the meter prints local wall time
    labels = ((start + timedelta(minutes=15 * (n + 1))).strftime("%d/%m/%Y %H:%M") for n in range(95))
    path.write_text("date,Usage_kWh\n" + "".join(f"{label},2.5\n" for label in labels), "utf-8")


def test_make_targets_exist() -> None:
    targets = [command.split()[1] for command in commands() if command.startswith("make ")]
    assert targets == ["demo", "test"]
    for target in targets:
        subprocess.run(["make", "--dry-run", target], cwd=ROOT, check=True, capture_output=True)


def test_the_way_of_a_meter(database: TestDatabase, broker: Broker, services: Services, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    recording(tmp_path / "recording.csv")
    chain = Chain(database, broker, services, folder=tmp_path)
    said: dict[str, str] = {}
    for command in commands():
        program, *arguments = shlex.split(command)
        if program != "haidang":
            continue
        if arguments[0] in FOREGROUND:
            env = {**chain.environment, "HAIDANG_API_PORT": str(free_port()), "HAIDANG_SESSION_SECRET": token_hex(32)}
            service = services.start("pilot.cli", *absolute(arguments), env=env)
            up = partial(is_up, service, FOREGROUND[arguments[0]])
            wait_until(up, timeout_s=30, what=f"{command} to be up")
            continue
        said[command] = chain.haidang(*arguments)
        if arguments[0] == "replay":
            chain.wait_for_messages(95)
    assert any("237.5" in text for command, text in said.items() if "--kpi energy" in command), said
    assert any("110.67" in text for command, text in said.items() if "co2e" in command), said


def is_up(service: Service, word: str) -> bool:
    return word in service.log().lower()


def absolute(arguments: list[str]) -> list[str]:
    return [str(ROOT / argument) if argument.startswith("examples/") else argument for argument in arguments]


def test_documents_that_the_readme_names_exist() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", (ROOT / "README.md").read_text("utf-8"))
    assert [link for link in links if not link.startswith("http") and not (ROOT / link).exists()] == []


@pytest.mark.parametrize("name", ["README.md", "CHANGELOG.md"])
def test_documents_have_no_machine_paths(name: str) -> None:
    assert not re.search(r"/(?:root|home|work|tmp)/", (ROOT / name).read_text("utf-8"))
