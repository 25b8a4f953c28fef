"""The description of a package is an RO-Crate to others: a reader of the community, its validator where it is had.

The validator wants older libraries than ours, so it lives in an environment of its own:
`uv tool install roc-validator`, or its path in HAIDANG_TEST_ROCRATE_VALIDATOR. It fetches from w3id.org.
"""

import json
import os
import shutil
import subprocess
from datetime import date
from pathlib import Path

import pytest
from rocrate.rocrate import ROCrate

from maturity.package import layout
from maturity.package.content import Manifest
from maturity.package.crate import crate

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


def test_the_validator_of_the_community_finds_nothing(folder: Path) -> None:
    program = os.environ.get("HAIDANG_TEST_ROCRATE_VALIDATOR") or shutil.which("rocrate-validator")
    if not program:
        pytest.skip("no rocrate-validator: `uv tool install roc-validator`")
    options = ["-y", "validate", "--no-paging", "-p", "ro-crate-1.1", "-l", "required", "-f", "json"]
    done = subprocess.run([program, *options, str(folder)], capture_output=True, text=True, timeout=120, check=False)
    said = done.stdout + done.stderr
    if "w3id.org" in said or "urlopen error" in said:
        pytest.skip("the validator cannot fetch the context of RO-Crate: there is no network")
    assert done.returncode == 0, said
