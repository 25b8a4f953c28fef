"""The command line explains itself, and what goes wrong is one clear line."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.core import TyperGroup

from pilot.cli import app
from pilot.ports import free_port
from tests.support.paths import ROOT
from tests.support.service import environment

STABLE = {
    "demo",
    "config",
    "ingest",
    "api",
    "simulate",
    "replay",
    "map check",
    "map try",
    "db migrate",
    "db status",
    "kpi run",
    "kpi show",
    "kpi findings",
    "kpi explain",
    "kpi recompute",
    "stops annotate",
    "stops list",
    "stops revert",
    "stops split",
    "site apply",
    "bench ingest",
}


def commands(group: TyperGroup, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        path = f"{prefix} {name}".strip()
        if isinstance(command, TyperGroup):
            yield from commands(command, path)
        if not isinstance(command, TyperGroup) or command.invoke_without_command:
            yield path, command


def haidang(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pilot.cli", *arguments],
        cwd=ROOT,
        env={**environment(env), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_stable_commands_exist_and_every_command_has_help() -> None:
    root = typer.main.get_command(app)
    assert isinstance(root, TyperGroup)
    found = dict(commands(root))
    assert set(found) >= STABLE
    assert [name for name, command in found.items() if not (command.help or "").strip()] == []
    options = [
        (name, parameter.name)
        for name, command in found.items()
        for parameter in command.params
        if parameter.param_type_name == "option" and not parameter.help
    ]
    assert options == []


def test_help_loads_no_database_no_arrays_no_keys() -> None:
    heavy = {"adbc_driver_postgresql", "cryptography", "fastapi", "numpy", "polars", "psycopg", "pydantic", "structlog"}
    program = f"import sys, pilot.cli; print(*sorted({heavy!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


@pytest.mark.parametrize("arguments", [("db", "status"), ("kpi", "run"), ("site", "apply", "README.md")])
def test_without_an_address_it_says_which_variable_to_set(arguments: tuple[str, ...]) -> None:
    done = haidang(*arguments)
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1
    assert "HAIDANG_DATABASE_URL" in done.stderr or "README.md" in done.stderr


@pytest.mark.parametrize("arguments", [("db", "migrate"), ("db", "status"), ("kpi", "run")])
def test_a_database_that_does_not_answer_is_one_line_without_the_password(arguments: tuple[str, ...]) -> None:
    url = f"postgresql://someone:hidden@127.0.0.1:{free_port()}/none"
    done = haidang(*arguments, HAIDANG_DATABASE_URL=url)
    assert done.returncode == 1
    assert "does not answer" in done.stderr
    assert "hidden" not in done.stdout + done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_config_shows_where_values_come_from_and_no_secret() -> None:
    url = "postgresql://someone:hidden@db/haidang"
    done = haidang("config", "--json", HAIDANG_DATABASE_URL=url, HAIDANG_SESSION_SECRET="hidden" * 8)
    assert done.returncode == 0, done.stderr
    assert "hidden" not in done.stdout
    assert '"postgresql://someone:***@db/haidang"' in done.stdout
    assert '"(set)"' in done.stdout
    assert "HAIDANG_BROKER_URL" in done.stdout


def test_the_demo_refuses_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = haidang("demo", "--port", str(port), "--home", str(tmp_path))
    assert done.returncode == 1
    assert f"Port {port} is taken" in done.stderr
    assert list(tmp_path.iterdir()) == []
