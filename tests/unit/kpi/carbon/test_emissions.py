"""Greenhouse gases: shipped potentials, blends, and the fields of a footprint."""

import pytest

from kpi.carbon import pact
from kpi.carbon.warming import NoFactorError, gwp


@pytest.mark.parametrize("name", ["R-404A", "R404A", "r404a"])
def test_blends_are_made_by_mass_share(name: str) -> None:
    assert gwp(name, "AR6") == pytest.approx(0.44 * 3740 + 0.52 * 5810 + 0.04 * 1530)


def test_spellings_of_a_gas() -> None:
    assert gwp("HFC-134a", "AR5") == gwp("R-134A", "ar5") == gwp("R134a", "AR5") == 1300
    assert gwp("HCFC-22", "AR4") == 1810


@pytest.mark.parametrize(("gas", "assessment"), [("R999", "AR5"), ("CH4", "AR3")])
def test_an_unknown_factor_is_never_replaced(gas: str, assessment: str) -> None:
    with pytest.raises(NoFactorError):
        gwp(gas, assessment)


def test_what_a_footprint_lacks_is_named() -> None:
    whole = dict.fromkeys(pact.REQUIRED["3"]["footprint"], "x")
    inner = dict.fromkeys(pact.REQUIRED["3"]["pcf"], "1")
    assert pact.missing({**whole, "pcf": inner}) == []
    assert pact.missing({**whole, "pcf": {**inner, "fossilGhgEmissions": ""}}) == ["pcf.fossilGhgEmissions"]
    assert "pcf.declaredUnitAmount" in pact.missing({**whole, "pcf": None})
