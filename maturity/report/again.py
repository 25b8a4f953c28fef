"""An assessment again from its plain data, as it is kept and as packages hold it: nothing is evaluated anew. Pure."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from maturity.assessing import Assessment
from maturity.errors import MaturityError
from maturity.evaluate import Baseline, ConditionResult, CriterionResult, Outcome, WindowResult
from maturity.framework import Framework
from maturity.gaps import GapView, OpenCriterion, Unlock
from maturity.levels import LevelState, Standing
from maturity.reasons import read_again


def assessment_of(plain: Mapping[str, Any], framework: Framework) -> Assessment:
    """Read `Assessment.plain()` back.

    Args:
        plain: the kept result.
        framework: the catalogue that it was made with.

    Raises:
        MaturityError: it is no such data, or of another catalogue.
    """
    try:
        results = {each["id"]: _result(each) for each in plain["criteria"]}
        stands = [*plain["principles"], *plain["areas"]]
        found = Assessment(
            site=plain["site"],
            framework=framework,
            first=date.fromisoformat(plain["period"]["first"]),
            last=date.fromisoformat(plain["period"]["last"]),
            results=results,
            stands={each["key"]: _standing(each) for each in stands},
            claimed={each["key"]: each["claimed"] for each in stands if each["claimed"] is not None},
            gaps=_gaps(plain["gaps"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise MaturityError(f"This is no assessment that can be read again: {error!r}.") from error
    if set(results) != {each.id for each in framework.criteria}:
        raise MaturityError(f"The assessment has other criteria than version {framework.version} of {framework.key}.")
    return found


def _result(plain: Mapping[str, Any]) -> CriterionResult:
    windows = tuple(
        WindowResult(
            first=date.fromisoformat(each["first"]),
            last=date.fromisoformat(each["last"]),
            outcome=Outcome(each["outcome"]),
            conditions=tuple(_condition(condition) for condition in each["conditions"]),
        )
        for each in plain["windows"]
    )
    outcome = Outcome(plain["outcome"])
    return CriterionResult(plain["id"], plain["version"], plain["area"], plain["level"], outcome, windows)


def _condition(plain: Mapping[str, Any]) -> ConditionResult:
    baseline = plain["baseline"]
    return ConditionResult(
        **{
            **plain,
            "outcome": Outcome(plain["outcome"]),
            "assets": tuple(plain["assets"]),
            "missing": None if plain["missing"] is None else read_again(plain["missing"]),
            "baseline": _baseline(baseline) if baseline else None,
        }
    )


def _baseline(plain: Mapping[str, Any]) -> Baseline:
    days = {name: date.fromisoformat(plain[name]) for name in ("first", "last")}
    return Baseline(**{**plain, **days})


def _standing(plain: Mapping[str, Any]) -> Standing:
    states = [LevelState(each["level"], Outcome(each["outcome"]), tuple(each["open"])) for each in plain["levels"]]
    return Standing(plain["key"], plain["supported"], tuple(states))


def _gaps(plain: Mapping[str, Any]) -> GapView:
    return GapView(
        open=tuple(
            OpenCriterion(
                **{
                    **each,
                    "outcome": Outcome(each["outcome"]),
                    "lacking": tuple(each["lacking"]),
                    "missing": tuple(read_again(said) for said in each["missing"]),
                }
            )
            for each in plain["open"]
        ),
        shown=tuple(plain["shown"]),
        unlocks=tuple(Unlock(each["group"], tuple(each["opens"]), tuple(each["helps"])) for each in plain["unlocks"]),
    )
