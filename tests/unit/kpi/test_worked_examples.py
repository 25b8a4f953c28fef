"""Numbers that others published: the product's own functions must give them. Kinds outside the catalogue are listed."""

from pathlib import Path

import pytest

from kpi.worked import Result, check, check_example
from tests.support.paths import ROOT

GOLDEN = ROOT / "tests" / "golden" / "worked"
# Kinds of the public file that need KPIs which the catalogue does not have yet.
NOT_YET = {
    "capability",
    "energy_baseline",
    "enpi_cusum",
    "fpy",
    "gwp_blend",
    "iso22400_time_class",
    "maintenance_ratio",
    "pact_required",
    "pcf",
    "power_factor_surcharge",
    "ppm",
    "rty",
    "scope1_fuel",
    "scope2",
    "semi_e10_map",
    "tou_bill",
    "tou_period",
}


@pytest.mark.parametrize("result", check(GOLDEN), ids=lambda result: result.id)
def test_own_examples(result: Result) -> None:
    assert result.outcome == "pass", result.details


def test_public_examples(shared_data: Path) -> None:
    path = shared_data.parent / "reference" / "worked-examples-public.json"
    if not path.is_file():
        pytest.skip(f"the public examples are not at {path}")
    results = check(path)
    assert [result for result in results if result.outcome == "fail"] == []
    assert {result.kind for result in results if result.outcome == "unsupported"} == NOT_YET


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
