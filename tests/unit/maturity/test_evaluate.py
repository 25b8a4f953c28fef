"""Rules of evaluation: gate, windows, baselines, alternatives; then levels and gaps."""

from datetime import date, timedelta

import pytest

from maturity.errors import UnknownMetricError
from maturity.evaluate import Baseline, Outcome, evaluate
from maturity.facts import Declared
from maturity.gaps import distance, gap_view
from maturity.levels import standings
from tests.unit.maturity.plain import LAST, SITE, Shelf, criterion, framework, parsed, values

DAYS = [LAST - timedelta(days=number) for number in range(60)]
GOOD, BAD, UNKNOWN = Outcome.SUPPORTED, Outcome.CONTRADICTED, Outcome.NOT_ASSESSABLE
TO_BASELINE = [
    {"metric": "kpi.oee", "scope": "critical_machines", "compare": {"operator": ">=", "baseline_factor": 1.1}}
]


def shelf(recent: float, earlier: float | None = None, **others: object) -> Shelf:
    """OEE of the last 30 days and of the 30 before them."""
    rows = dict.fromkeys(DAYS[:30], (recent * 10, 10.0))
    if earlier is not None:
        rows |= dict.fromkeys(DAYS[30:], (earlier * 10, 10.0))
    return Shelf(values(rows), **others)  # type: ignore[arg-type]


def test_a_ratio_over_the_window_is_sum_over_sum() -> None:
    rows = dict.fromkeys(DAYS[:30], (1.0, 1.0)) | {DAYS[0]: (0.0, 171.0)}
    result = evaluate(parsed(), Shelf(values(rows)), LAST)
    assert result.newest.conditions[0].value == pytest.approx(29 / 200)
    assert result.outcome is BAD


def test_what_passes_is_supported_and_says_on_what() -> None:
    result = evaluate(parsed(), shelf(0.6), LAST)
    (condition,) = result.newest.conditions
    assert (result.outcome, condition.assets, condition.threshold, condition.completeness) == (GOOD, ("l/b",), 0.5, 1.0)
    assert (result.newest.first, result.newest.last) == (date(2026, 10, 2), LAST)


def test_below_the_gate_nothing_is_failed() -> None:
    thin = Shelf(values(dict.fromkeys(DAYS[:30], (1.0, 10.0)), completeness=0.9))
    result = evaluate(parsed(), thin, LAST)
    assert result.outcome is UNKNOWN
    (reason,) = result.missing
    assert reason.en == "Only 90.0% of the data are there; 95% are needed: `haidang quality` names the gaps."
    few = Shelf(values(dict.fromkeys(DAYS[:20], (1.0, 10.0))))
    assert evaluate(parsed(), few, LAST).outcome is UNKNOWN


def test_a_window_from_before_the_first_day_is_not_judged() -> None:
    early = shelf(0.6, begins=DAYS[20])
    result = evaluate(parsed(), early, LAST)
    assert result.outcome is UNKNOWN
    assert "before the first day with data, 2026-10-11: assess a period that ends on 2026-11-09" in result.missing[0].en
    said = Declared("models_shared", 2.0, "two suppliers", None)
    asked = parsed(conditions=[{"metric": "declared.models_shared", "compare": {"operator": ">=", "value": 1}}])
    assert evaluate(asked, Shelf(declared={"models_shared": said}, begins=LAST), LAST).outcome is GOOD


def test_a_window_without_data_says_so() -> None:
    result = evaluate(parsed(), Shelf(), LAST)
    assert result.outcome is UNKNOWN
    assert "no stored values of oee" in result.missing[0].en


@pytest.mark.parametrize(
    ("recent", "earlier", "outcome"), [(0.6, 0.6, GOOD), (0.6, 0.5, BAD), (0.5, 0.6, BAD), (0.6, None, UNKNOWN)]
)
def test_an_improvement_must_hold_twice(recent: float, earlier: float | None, outcome: Outcome) -> None:
    first = Baseline(0.5, date(2026, 1, 1), date(2026, 1, 30))
    asked = parsed(conditions=TO_BASELINE, window={"consecutive": 2})
    result = evaluate(asked, shelf(recent, earlier, baselines={"kpi.oee": first}), LAST)
    assert result.outcome is outcome
    assert result.windows[0].last - result.windows[1].last == timedelta(days=30)


def test_without_a_baseline_nothing_is_compared() -> None:
    asked = parsed(conditions=TO_BASELINE)
    assert "no baseline yet" in evaluate(asked, shelf(0.9), LAST).missing[0].en
    within = Baseline(0.5, DAYS[20], DAYS[10])
    result = evaluate(asked, shelf(0.9, baselines={"kpi.oee": within}), LAST)
    assert result.outcome is UNKNOWN
    assert "overlaps the baseline" in result.missing[0].en
    assert f"ends on {DAYS[10] + timedelta(days=30)} or later" in result.missing[0].en


def test_one_alternative_is_enough() -> None:
    alternatives = [
        {"metric": "kpi.oee", "scope": "critical_machines", "compare": {"operator": ">=", "value": 0.75}},
        {"metric": "kpi.oee", "scope": "critical_machines", "compare": {"operator": ">=", "baseline_plus": 0.1}},
    ]
    asked = parsed(conditions=[{"any_of": alternatives}])
    first = {"kpi.oee": Baseline(0.5, date(2026, 1, 1), date(2026, 1, 30))}
    assert evaluate(asked, shelf(0.6, baselines=first), LAST).outcome is GOOD
    assert evaluate(asked, shelf(0.59, baselines=first), LAST).outcome is BAD
    assert evaluate(asked, shelf(0.59), LAST).outcome is UNKNOWN
    assert evaluate(asked, shelf(0.8), LAST).outcome is GOOD


def test_a_declared_value_stays_marked() -> None:
    asked = parsed(conditions=[{"metric": "declared.models_shared", "compare": {"operator": ">=", "value": 1}}])
    assert "declare" in evaluate(asked, Shelf(), LAST).missing[0].en
    said = Declared("models_shared", 2.0, "two suppliers", "ab" * 32)
    result = evaluate(asked, Shelf(declared={"models_shared": said}), LAST)
    assert (result.outcome, result.declared) == (GOOD, True)


def test_an_unknown_metric_is_refused() -> None:
    asked = parsed(conditions=[{"metric": "kpi.luck", "compare": {"operator": ">=", "value": 1}}])
    with pytest.raises(UnknownMetricError, match=r"kpi\.luck"):
        evaluate(asked, Shelf(), LAST)


def test_scopes_name_machines_not_meters() -> None:
    facts = Shelf().facts(LAST, LAST)
    assert facts is not None
    assert facts.assets_of("machines") == ("l/a", "l/b")
    assert facts.assets_of("critical_machines") == ("l/b",)
    assert facts.assets_of("constraints") == ("l/b",)
    assert {each.key for each in SITE.assets} >= set(facts.assets_of("lines"))


def test_levels_are_cumulative_and_never_an_average() -> None:
    made = framework(criterion("AA-1.1", 1), criterion("AA-2.1", 2), criterion("AA-2.2", 2), criterion("AA-3.1", 3))
    outcomes = {"AA-1.1": GOOD, "AA-2.1": GOOD, "AA-2.2": UNKNOWN, "AA-3.1": GOOD}
    stand = standings(made, outcomes)["p"]
    assert (stand.level, stand.next and stand.next.open) == (1, ("AA-2.2",))
    assert standings(made, {**outcomes, "AA-2.2": GOOD})["p"].level == 3
    assert standings(made, outcomes, frozenset({"AA-2.2"}))["work"].level == 3
    assert standings(made, {**outcomes, "AA-1.1": BAD})["p"].level == 0


def test_a_criterion_counts_only_where_its_prerequisites_hold() -> None:
    made = framework(
        criterion(), criterion("AA-1.2", prerequisites=["AA-1.3"]), criterion("AA-1.3", prerequisites=["AA-1.4"]),
        criterion("AA-1.4", mandatory=False),
    )  # fmt: skip
    good = dict.fromkeys(("AA-1.1", "AA-1.2", "AA-1.3", "AA-1.4"), GOOD)
    assert standings(made, good)["p"].level == 1
    lacking = standings(made, {**good, "AA-1.4": BAD})["p"]
    assert (lacking.level, lacking.states[0].open) == (0, ("AA-1.2", "AA-1.3"))
    assert standings(made, {**good, "AA-1.4": BAD}, frozenset({"AA-1.4"}))["p"].level == 1


def test_a_level_without_criteria_ends_an_area() -> None:
    made = framework(criterion("AA-1.1", 1), criterion("AA-3.1", 3), criterion("AA-2.1", 2, mandatory=False))
    stand = standings(made, {"AA-1.1": GOOD, "AA-3.1": GOOD, "AA-2.1": GOOD})["work"]
    assert stand.level == 1
    assert [state.outcome for state in stand.states] == [GOOD, UNKNOWN, GOOD]


def test_the_gap_view_ranks_groups_by_what_they_open() -> None:
    made = framework(
        criterion("AA-1.1", 1, technology={"all_of": ["T0"]}),
        criterion("AA-2.1", 2, technology={"all_of": ["T0", "T1"]}, conditions=[
            {"metric": "kpi.oee", "scope": "critical_machines", "compare": {"operator": ">=", "value": 0.8}}]),
        criterion("AA-2.2", 2, technology={"all_of": ["T1", "T2"]}),
        criterion("AA-3.1", 3, technology={"all_of": ["T2"]}),
    )  # fmt: skip
    results = {each.id: evaluate(each, shelf(0.6), LAST) for each in made.criteria if each.id != "AA-2.2"}
    stands = standings(made, {name: result.outcome for name, result in results.items()})
    view = gap_view(made, stands, results)
    assert [each.id for each in view.open] == ["AA-2.1", "AA-2.2"]
    assert view.open[0].distance == pytest.approx(0.25)
    assert "T0" in view.shown
    assert next((each.group, each.opens, each.helps) for each in view.unlocks) == ("T1", ("AA-2.1", "AA-2.2"), ())


def test_the_distance_is_that_of_the_nearest_alternative_in_the_worst_window() -> None:
    first = {"kpi.oee": Baseline(0.5, date(2026, 1, 1), date(2026, 1, 30))}
    alternatives = [{**TO_BASELINE[0], "compare": compare} for compare in (
        {"operator": ">=", "value": 0.75}, {"operator": ">=", "baseline_plus": 0.3})]  # fmt: skip
    asked = parsed(conditions=[{"any_of": alternatives}], window={"consecutive": 2})
    found = evaluate(asked, shelf(0.8, 0.6, baselines=first), LAST)
    assert distance(found, asked) == pytest.approx(0.15 / 0.75)  # the newest window holds, the one before does not
    one_holds = evaluate(asked, shelf(0.75, 0.75, baselines=first), LAST)
    assert (one_holds.outcome, distance(one_holds, asked)) == (GOOD, None)
