"""The description of a package is an RO-Crate to others: to a reader and to the validator of the community.

The validator wants other libraries than ours, so `uv` makes an environment of its own for it.
"""

import json
import shutil
import subprocess
import sys
import zipfile
from datetime import date
from pathlib import Path

import pytest
from rocrate.rocrate import ROCrate

from maturity.package import layout
from maturity.package.content import Manifest
from maturity.package.crate import crate
from tests.support.paths import ROOT
from tests.support.required import missing

VALIDATOR = ("roc-validator==0.13.0", "rocrate==0.13.0")
SCRIPT = ROOT / "tests" / "support" / "community_validator.py"
WEB_PAGE_OF_ORGANISATION = "ro-crate-1.1_31.2"  # recommended; a site has none that we know of
NAMES = (
    "README.txt",
    "manifest.json",
    layout.readings_of(date(2026, 3, 2)),
    "log/checkpoint.note",
    "log/records.jsonl",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    manifest = Manifest("plant", date(2026, 3, 2), date(2026, 3, 8), "haidang 0", ())
    for name in (*NAMES, layout.STATEMENT):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    (tmp_path / layout.CRATE).write_bytes(crate(manifest, NAMES))
    return tmp_path


def test_every_member_is_described(folder: Path) -> None:
    graph = {each["@id"]: each for each in json.loads((folder / layout.CRATE).read_bytes())["@graph"]}
    assert {each["@id"] for each in graph["./"]["hasPart"]} == {*NAMES, layout.STATEMENT}
    assert all(graph[name]["@type"] == "File" for name in (*NAMES, layout.STATEMENT))
    assert graph[layout.CRATE]["about"] == {"@id": "./"}


def test_the_reader_of_the_community_reads_it(folder: Path) -> None:
    read = ROCrate(folder)
    assert {each.id for each in read.data_entities} == {*NAMES, layout.STATEMENT}
    assert read.name == "Evidence package of plant, 2026-03-02 to 2026-03-08"


def test_the_validator_of_the_community_finds_nothing(package: Path, tmp_path: Path) -> None:
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
    if uv is None:
        missing("rocrate-validator", "uv, which makes its environment, is not installed")
    with zipfile.ZipFile(package) as archive:
        archive.extractall(tmp_path / "crate")
    of_its_own = ["run", "--quiet", "--no-project", "--isolated", "--python", sys.executable]
    command = [uv, *of_its_own, *(word for name in VALIDATOR for word in ("--with", name)), "python"]
    probe = subprocess.run([*command, "-c", "import rocrate_validator"], capture_output=True, text=True, check=False)
    if probe.returncode:
        missing("rocrate-validator", probe.stderr.strip()[-300:])
    options = ["-p", "ro-crate-1.1", "-l", "recommended", "-s", WEB_PAGE_OF_ORGANISATION, "-f", "json"]
    done = subprocess.run(
        [*command, str(SCRIPT), str(tmp_path / "cache"), str(tmp_path / "crate"), *options],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    said = json.loads(done.stdout)
    assert (said["passed"], said["issues"]) == (True, [])
    assert said["statistics"]["total_passed_checks"] >= 60
