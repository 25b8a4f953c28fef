"""Numbers that others published: the product's own functions must give them. Kinds outside the catalogue are listed."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from kpi.errors import ExampleFileError
from kpi.worked import ADAPTORS, check, check_example
from pilot.commands.kpi import app
from tests.support.paths import ROOT

GOLDEN = ROOT / "tests" / "golden" / "worked"


def test_own_examples() -> None:
    """Further examples of every kind, published ones and ones computed by hand: `source` says which."""
    results = check(GOLDEN)
    assert [result for result in results if result.outcome != "pass" or result.uncovered] == []
    assert {result.kind for result in results} == set(ADAPTORS)


def test_public_examples(shared_data: Path) -> None:
    path = shared_data.parent / "reference" / "worked-examples-public.json"
    if not path.is_file():
        pytest.skip(f"the public examples are not at {path}")
    results = check(path)
    assert [result for result in results if result.outcome != "pass" or result.uncovered] == []
    assert len(results) > 40


def test_a_wrong_number_fails() -> None:
    example = {
        "id": "wrong",
        "kind": "load_factor",
        "inputs": {"energy_kwh": 1200.0, "peak_kw": 80.0, "hours": 24.0},
        "expected": {"load_factor": 0.626},
        "tolerance": {"load_factor": 0.0005},
    }
    assert check_example(example).outcome == "fail"
    assert check_example({**example, "tolerance": {"load_factor": 0.0011}}).outcome == "pass"


def test_the_command_lists_outcomes_and_fails_with_them(tmp_path: Path) -> None:
    file = tmp_path / "examples.json"
    good = {"id": "good", "kind": "sec", "inputs": {"energy": 10, "output": 4}, "expected": {"sec": 2.5}}
    bad = {**good, "id": "bad", "expected": {"sec": 2.6}}
    odd = {**good, "id": "odd", "kind": "astrology"}
    file.write_text(json.dumps([good, odd]), "utf-8")
    passed = CliRunner().invoke(app, ["check-examples", str(file)])
    assert passed.exit_code == 0
    assert "1 pass, 0 fail, 1 unsupported" in passed.output
    file.write_text(json.dumps([good, bad]), "utf-8")
    failed = CliRunner().invoke(app, ["check-examples", str(file), "--json"])
    assert failed.exit_code == 1
    assert [each["outcome"] for each in json.loads(failed.output)] == ["pass", "fail"]


@pytest.mark.parametrize(("text", "sentence"), [("{", "cannot be read"), ('[{"id": "x"}]', "has no kind, inputs")])
def test_a_file_of_another_form_is_refused(tmp_path: Path, text: str, sentence: str) -> None:
    file = tmp_path / "examples.json"
    file.write_text(text, "utf-8")
    with pytest.raises(ExampleFileError, match=sentence):
        check(file)
