"""Our package names are ours alone, and the wheel carries every file that the packages need."""

import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest

from tests.support.paths import ROOT


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


NAME: str = project()["project"]["name"]
PACKAGES: list[str] = project()["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]


@pytest.mark.parametrize("package", PACKAGES)
def test_no_other_distribution_owns_our_package_names(package: str) -> None:
    assert set(packages_distributions().get(package, [])) <= {NAME}


def test_every_folder_with_code_is_packaged() -> None:
    folders = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert folders - {"tests"} == set(PACKAGES)


def test_contracts_and_types_cover_every_package() -> None:
    tools = project()["tool"]
    assert tools["importlinter"]["root_packages"] == PACKAGES
    assert tools["mypy"]["files"] == [*PACKAGES, "tests"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> frozenset[str]:
    """Names of the files in a wheel built from the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("*.whl")
    return frozenset(zipfile.ZipFile(built).namelist())


def wanted(package: str) -> set[str]:
    """Files of a package on disk, without what Python leaves behind."""
    return {
        path.relative_to(ROOT).as_posix()
        for path in Path(ROOT, package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


@pytest.mark.parametrize("package", PACKAGES)
def test_the_wheel_has_every_file_of_the_package(package: str, wheel: frozenset[str]) -> None:
    assert wanted(package) <= wheel
    assert f"{package}/py.typed" in wheel


def test_the_wheel_has_the_files_that_are_not_python(wheel: frozenset[str]) -> None:
    suffixes = {Path(name).suffix for name in wheel}
    assert {".sql", ".yaml", ".html"} <= suffixes


def test_the_wheel_has_nothing_but_the_packages(wheel: frozenset[str]) -> None:
    tops = {name.split("/", 1)[0] for name in wheel}
    assert {top for top in tops if not top.endswith(".dist-info")} == set(PACKAGES)


def test_pins_are_plain_versions() -> None:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    assert lines
    assert [line for line in lines if line.count("==") != 1 or "/" in line or " " in line] == []
