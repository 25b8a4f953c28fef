"""The image's recipe: what goes in, who runs."""

import tomllib
from pathlib import Path

from tests.support.deployed import DEPLOY, ROOT

RECIPE = DEPLOY / "images/haidang/Dockerfile"
LINES = [line for line in RECIPE.read_text("utf-8").splitlines() if line and not line.startswith("#")]


def _project() -> dict[str, list[str]]:
    wheel: dict[str, list[str]] = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"][
        "targets"
    ]["wheel"]
    return wheel


def test_it_runs_as_a_numbered_user_and_starts_the_command() -> None:
    last = LINES[LINES.index([line for line in LINES if line.startswith("FROM")][-1]) :]
    assert "USER 10001:10001" in last
    assert 'ENTRYPOINT ["haidang"]' in last


def test_both_stages_stand_on_the_same_pinned_python() -> None:
    bases = {line.split()[1] for line in LINES if line.startswith("FROM")}
    (base,) = bases
    assert base.startswith("python:3.11.")


def test_the_build_gets_every_package_and_nothing_secret() -> None:
    allowed = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    let_in = {line.removeprefix("!") for line in allowed if line.startswith("!")}
    assert "*" in allowed
    assert set(_project()["packages"]) <= let_in
    assert let_in - set(_project()["packages"]) == {"pyproject.toml", "constraints.txt", "README.md", "LICENSE"}


def test_what_the_recipe_copies_exists() -> None:
    named = [part for line in LINES if line.startswith("COPY") and "--from" not in line for part in line.split()[1:-1]]
    assert named
    assert all((ROOT / Path(name)).exists() for name in named)
