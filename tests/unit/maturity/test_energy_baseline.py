"""A fit of energy at 0.6 shows that a baseline exists (EMS-2.2); what is expected by one keeps the gate of 0.75."""

import pytest
from msgspec.structs import replace

from kpi.rollup.rolling import rollup
from maturity.evaluate import Outcome, evaluate
from maturity.facts import Facts
from maturity.loading import framework
from tests.unit.kpi.energy.test_baselines import baseline, week
from tests.unit.kpi.making import rollup_inputs
from tests.unit.maturity.plain import LAST, SITE, Shelf

EMS = next(each for each in framework("lighthouse-os").criteria if each.id == "EMS-2.2")
CASES = [(0.59, False, False), (0.6, True, False), (0.7, True, False), (0.74, True, False), (0.75, True, True)]


@pytest.mark.parametrize(("r_squared", "exists", "judges"), CASES)
def test_a_weak_fit_shows_a_baseline_and_saves_nothing(r_squared: float, exists: bool, judges: bool) -> None:
    weak = baseline(r_squared=r_squared)

    class OfSite(Shelf):
        def facts(self, first: object, last: object) -> Facts:
            del first, last
            return Facts(site=replace(SITE, baselines=(weak,)), first=LAST, last=LAST)

    found = evaluate(EMS, OfSite(), LAST)
    fit = found.newest.conditions[0]
    assert (fit.value, fit.threshold, fit.outcome is Outcome.SUPPORTED) == (r_squared, 0.6, exists)
    # a documented reason is the other way, of which nothing is known here
    assert found.outcome is (Outcome.SUPPORTED if exists else Outcome.NOT_ASSESSABLE)
    of, atoms = week()
    values = rollup(rollup_inputs(replace(of, baselines=(weak,)), atoms)).filter(asset="m1", grain="month")
    normalised = values.filter(values["kpi"].is_in(["energy_performance", "energy_saving"]))["value"].drop_nulls()
    assert len(normalised) == (2 if judges else 0)


def test_where_the_newer_fit_is_weak_the_older_one_judges_on() -> None:
    of, atoms = week()
    both = (baseline(r_squared=0.9), baseline(version=2, intercept=0.0, r_squared=0.7))
    values = rollup(rollup_inputs(replace(of, baselines=both), atoms)).filter(asset="m1", kpi="energy_expected")
    assert values.filter(grain="day").sort("production_day")["value"][0] == 40 + 0.5 * 110
