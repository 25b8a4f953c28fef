"""What cannot be is refused by the command line in one clear line, and with an exit code that scripts see."""

import io
import json
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from maturity.keys import write_key
from maturity.notes import SigningKey
from pilot.cli import main
from tests.integration.maturity.factory import KEY, Factory
from tests.unit.maturity.plain import catalogue, criterion

pytestmark = pytest.mark.needs_database
Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """The program as it is called: exit code, and all that it says."""

    def call(*words: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["haidang", *words])
        monkeypatch.setenv("COLUMNS", "300")
        try:
            main()
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
        said = capsys.readouterr()
        return code, f"{said.out}{said.err}".strip()

    return call


def other_zip(name: str, content: bytes = b"x", compress: int = zipfile.ZIP_STORED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", compress) as archive:
        archive.writestr(name, content)
    return made.getvalue()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is no package: it is too short"),
        (b"this is a text and no archive, whatever it is called", "was cut off, or is no package"),
        (None, "was cut off, or is no package"),
        (other_zip("notes.txt"), "the archive was not laid out by us"),
        (other_zip("../../etc/passwd"), "has a member '../../etc/passwd', no name of ours. Do not unpack it"),
        (
            other_zip("bomb", bytes(20_000_000), zipfile.ZIP_DEFLATED),
            "has compressed members; packages of ours have none",
        ),
    ],
    ids=["empty", "text", "truncated", "foreign", "traversal", "bomb"],
)
def test_what_is_no_package_is_refused(
    run: Run, package: Path, tmp_path: Path, content: bytes | None, sentence: str
) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(package.read_bytes()[:-1000] if content is None else content)
    code, said = run("evidence", "verify", str(path), "--key", str(KEY.public))
    assert code == 1
    assert said.startswith(f"Error: {path}")
    assert sentence in said
    assert "\n" not in said


def test_a_signature_by_an_unknown_key_and_what_is_no_key_are_refused(run: Run, package: Path, tmp_path: Path) -> None:
    stranger = SigningKey.generate(KEY.name)
    code, said = run("evidence", "verify", str(package), "--key", str(stranger.public))
    assert (code, said.splitlines()[-1]) == (1, "The package does not hold: see above.")
    assert f"{stranger.public} never signed this log" in said
    write_key(tmp_path / "mine", stranger)
    for given, sentence in (
        (str(tmp_path / "mine"), "is a signing key, which stays with its owner"),
        (stranger.secret, "This is a signing key, which stays with its owner"),
        (str(tmp_path / "nothing"), "cannot be read: No such file"),
        (f"{KEY.public}"[:-4], "Error: "),
    ):
        code, said = run("evidence", "verify", str(package), "--key", given)
        assert code == 1
        assert sentence in said
        assert stranger.secret not in said


def test_catalogues_that_make_no_sense_are_refused(run: Run, packed: Factory, tmp_path: Path) -> None:
    unknown = criterion("AA-1.1", conditions=[{"metric": "kpi.nonsense", "compare": {"operator": ">=", "value": 1}}])
    circle = [criterion("AA-1.1", prerequisites=["AA-1.2"]), criterion("AA-1.2", prerequisites=["AA-1.1"])]
    for given, sentence in (
        (catalogue(unknown), "there is no metric 'kpi.nonsense'"),
        (catalogue(*circle), "its prerequisites go in a circle: AA-1.1 → AA-1.2 → AA-1.1"),
    ):
        path = tmp_path / "own.yaml"
        path.write_text(yaml.safe_dump(given), "utf-8")
        url = packed[0].url_for("haidang_evidence")
        key = str(packed[1].parent / "key")
        of_site = ("--site", "plant", "--from", "2026-03-02", "--to", "2026-03-08")
        for words in (
            ("maturity", "lint", str(path)),
            (
                "maturity",
                "assess",
                "--site",
                "plant",
                "--framework",
                str(path),
                "--period",
                "2026-03",
                "--database-url",
                url,
            ),
            (
                "evidence",
                "export",
                *of_site,
                "--framework",
                str(path),
                "--key-file",
                key,
                "-o",
                str(tmp_path / "no.zip"),
                "--database-url",
                url,
            ),
        ):
            code, said = run(*words)
            assert code == 1, (words, said)
            assert sentence in said.replace("There", "there"), (words, said)
    assert not (tmp_path / "no.zip").exists()


def test_a_window_without_data_and_a_site_without_baseline_are_said(run: Run, packed: Factory, tmp_path: Path) -> None:
    on = ("--database-url", packed[0].url_for("haidang_evidence"), "--site")
    export = ("--key-file", str(packed[1].parent / "key"), "-o", str(tmp_path / "no.zip"), "--from")
    assess = ("maturity", "assess", *on, "plant", "--framework")
    for words, sentence in (
        ((*assess, "lighthouse-os", "--period", "2020-01"), "has no data in the period; its days are 2026-03-02 to"),
        (
            ("evidence", "export", *on, "plant", *export, "2020-01-01", "--to", "2020-01-31"),
            "no final values from 2020",
        ),
        (("evidence", "export", *on, "plant", *export, "2026-03-08", "--to", "2026-03-02"), "is before 2026-03-08"),
        (("evidence", "export", *on, "nowhere", *export, "2026-03-02", "--to", "2026-03-02"), "'nowhere' is not known"),
    ):
        code, said = run(*words)
        assert (code, sentence in said, said.count("\n")) == (1, True, 0), said
    better = {"metric": "kpi.availability", "scope": "machines", "compare": {"operator": ">=", "baseline_factor": 1.1}}
    twice: dict[str, Any] = {"window": {"days": 3, "consecutive": 2}, "data_gate": {"min_completeness": 0.999}}
    path = tmp_path / "better.yaml"
    path.write_text(yaml.safe_dump(catalogue(criterion("AA-1.1", conditions=[better], **twice))), "utf-8")
    code, said = run(*assess, str(path), "--period", "2026-03-02:2026-03-04", "--format", "json")
    found = json.loads(said)["criteria"][0]
    assert (code, found["outcome"]) == (0, "not_assessable")
    assert "There is no baseline yet" in said
