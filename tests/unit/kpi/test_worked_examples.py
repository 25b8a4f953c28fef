"""Numbers that others published: the product's own functions must give them. Kinds outside the catalogue are listed."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from kpi.errors import ExampleFileError
from kpi.worked import ADAPTORS, check, check_example
from kpi.worked.result import agree
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


SEC: dict[str, Any] = {
    "id": "a",
    "kind": "sec",
    "inputs": {"energy": 10, "output": 4},
    "expected": {"sec": 2.5},
}
REGISTER = {"readings": [9, 1], "mode": "rollover"}
BACKWARDS = {"threshold_s": 300, "segments": [{"state": "running", "duration_s": -5}]}
WITHOUT_WIDTH = {"USL": 9, "LSL": 9, "mean": 9, "s": 1}
INVARIANCE = {
    **dict.fromkeys(("micro_stop_s", "total_count"), 100),
    "PBT_s": 1000,
    "production_s": 700,
    "long_stop_s": 200,
    "ideal_cycle_time_s": 1,
    "good_count": 90,
}


@pytest.mark.parametrize(
    ("example", "outcome", "sentence"),
    [
        (42, "fail", "is no object"),
        ({"kind": "sec"}, "fail", "has no id, inputs, expected"),
        ({**SEC, "inputs": [1]}, "fail", "inputs must be an object"),
        ({**SEC, "expected": {}}, "fail", "expects nothing"),
        ({**SEC, "inputs": {"energy": 10}}, "fail", "'output' is missing"),
        ({**SEC, "inputs": {"energy": "ten", "output": 4}}, "fail", "energy 'ten'"),
        ({**SEC, "inputs": {"energy": float("nan"), "output": 4}}, "fail", "energy: not a finite number"),
        ({**SEC, "inputs": {"readings": [1, float("inf")]}}, "fail", "readings: not a finite number"),
        ({**SEC, "kind": "counter_delta", "inputs": REGISTER}, "fail", "'rollover' needs a modulus"),
        ({**SEC, "kind": "micro_stop", "inputs": BACKWARDS}, "fail", "cannot end before it begins"),
        ({**SEC, "kind": "capability", "inputs": WITHOUT_WIDTH}, "fail", "LSL 9 is not below USL 9"),
        ({**SEC, "kind": "linear_regression", "inputs": {"x": [1, 2], "y": [1]}}, "fail", "2 values of the driver"),
        ({**SEC, "tolerance": {"sec": "small"}}, "fail", "'small' is no number"),
        ({**SEC, "kind": "astrology"}, "unsupported", "astrology"),
        ({**SEC, "expected": {"sec": 2.5, "moon": 1}}, "unsupported", ""),
        ({**SEC, "kind": "pact_required", "inputs": {"version": "9"}}, "unsupported", "version 9"),
    ],
)
def test_a_bad_example_says_why(example: Any, outcome: str, sentence: str) -> None:
    found = check_example(example)
    assert found.outcome == outcome
    assert sentence in " ".join(found.details)


def test_the_rest_of_a_file_with_a_bad_example_is_checked(tmp_path: Path) -> None:
    file = tmp_path / "examples.json"
    file.write_text("\ufeff" + json.dumps({"examples": [7, {"id": "b"}, SEC]}), "utf-8")
    assert [(each.id, each.outcome) for each in check(file)] == [("#1", "fail"), ("b", "fail"), ("a", "pass")]


@pytest.mark.parametrize(
    ("found", "expected", "tolerance", "agrees"),
    [
        (1e9 + 0.5, 1e9, None, True),
        (1e9 + 2, 1e9, None, False),
        ([0.5, 1.04], [0.5, 1], [0, 0.05], True),
        ({"a": 0.71}, {"a": 0.7}, {"a": 0.02}, True),
        ({"a": 0.71}, {"a": 0.7}, {"b": 0.02}, False),
        (101, 100, {"rel": 0.01}, True),
        (102, 100, {"abs": 1, "rel": 0.01}, False),
        (None, [], None, False),
        ("1", 1, 1, False),
        (True, 1, 1, False),
        (None, 0, 1, False),
        (0.0, None, 1, False),
    ],
)
def test_what_agrees(found: Any, expected: Any, tolerance: Any, agrees: bool) -> None:
    assert agree(found, expected, tolerance) is agrees


def test_a_published_figure_without_tolerance_counts_with_its_digits_where_the_exact_one_is_given() -> None:
    example = {**SEC, "inputs": {"energy": 10, "output": 3}, "expected": {"sec": 3.33}}
    assert check_example(example).outcome == "fail"
    assert check_example({**example, "exact": {"sec": 3.3333333333}}).outcome == "pass"
    assert check_example({**example, "exact": {"sec": 3.3333333333}, "expected": {"sec": 3.34}}).outcome == "fail"
    assert check_example({**example, "exact": {"sec": 3.34}}).outcome == "fail"


def test_tolerances_of_nested_answers() -> None:
    iso = {"iso": {"availability": 0.71, "performance": 1 / 7}}
    example = {"id": "n", "kind": "oee_invariance", "inputs": INVARIANCE, "expected": iso}
    assert check_example(example).outcome == "fail"
    assert check_example({**example, "tolerance": {"iso": {"availability": 0.011}}}).outcome == "pass"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{", "cannot be read"),
        pytest.param("[" * 100_000, "cannot be read", id="deep"),
        ("[]", "has no examples"),
        ("42", "no list of worked examples"),
        ('[{"id": "x"}]', "has no kind, inputs"),
    ],
)
def test_a_file_of_another_form_is_refused(tmp_path: Path, text: str, sentence: str) -> None:
    file = tmp_path / "examples.json"
    file.write_text(text, "utf-8")
    with pytest.raises(ExampleFileError, match=sentence):
        check(file)
