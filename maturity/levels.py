"""From criteria to levels: cumulative, per capability area and per principle, never an average. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from maturity.evaluate import Outcome, all_of
from maturity.framework import Criterion, Framework

Outcomes = Mapping[str, Outcome]


@dataclass(frozen=True)
class LevelState:
    """One level of an area or principle: what its mandatory criteria say together, and which do not hold."""

    level: int
    outcome: Outcome
    open: tuple[str, ...]


@dataclass(frozen=True)
class Standing:
    """Where an area or principle stands: the highest level up to which everything holds, and each level's state."""

    key: str
    level: int
    states: tuple[LevelState, ...]

    @property
    def next(self) -> LevelState | None:
        """The first level that does not hold; null at the top."""
        return next((state for state in self.states if state.outcome is not Outcome.SUPPORTED), None)


def standings(framework: Framework, outcomes: Outcomes, excluded: frozenset[str] = frozenset()) -> dict[str, Standing]:
    """Stand of every area and principle, by its key; those of a principle count all criteria of its areas.

    Args:
        framework: the catalogue.
        outcomes: per criterion; one that is not there is not assessable.
        excluded: criteria that an assessor found not applicable.
    """
    areas = {area.key: [each for each in framework.criteria if each.area == area.key] for area in framework.areas}
    of_principle = {
        principle.key: [each for area in framework.areas if area.principle == principle.key for each in areas[area.key]]
        for principle in framework.principles
    }
    numbers = sorted(each.level for each in framework.levels)
    counted = _after_prerequisites(framework, outcomes, excluded)
    return {
        key: _standing(key, numbers, criteria, counted, excluded) for key, criteria in {**areas, **of_principle}.items()
    }


def _after_prerequisites(framework: Framework, outcomes: Outcomes, excluded: frozenset[str]) -> dict[str, Outcome]:
    """A supported criterion counts towards levels only where its prerequisites are supported or not applicable."""
    counted = dict(outcomes)
    changed = True
    while changed:
        changed = False
        for each in framework.criteria:
            lacks = any(counted.get(name) is not Outcome.SUPPORTED for name in set(each.prerequisites) - excluded)
            if lacks and counted.get(each.id) is Outcome.SUPPORTED:
                counted[each.id], changed = Outcome.NOT_ASSESSABLE, True
    return counted


def _standing(
    key: str, numbers: Iterable[int], criteria: list[Criterion], outcomes: Outcomes, excluded: frozenset[str]
) -> Standing:
    states = tuple(_state(number, criteria, outcomes, excluded) for number in numbers if number > 0)
    reached = 0
    for state in states:
        if state.outcome is not Outcome.SUPPORTED:
            break
        reached = state.level
    return Standing(key, reached, states)


def _state(level: int, criteria: list[Criterion], outcomes: Outcomes, excluded: frozenset[str]) -> LevelState:
    """A level without a criterion is not assessable, so that nothing above it is supported."""
    wanted = [each for each in criteria if each.level == level and each.mandatory and each.id not in excluded]
    if not wanted:
        return LevelState(level, Outcome.NOT_ASSESSABLE, ())
    found = {each.id: outcomes.get(each.id, Outcome.NOT_ASSESSABLE) for each in wanted}
    open_ = tuple(name for name, outcome in found.items() if outcome is not Outcome.SUPPORTED)
    return LevelState(level, all_of(list(found.values())), open_)
