"""What is wrong with a catalogue as a whole: names that nothing bears, circles, levels that nobody can reach. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from kpi.catalogue import CATALOGUE
from maturity.errors import CatalogueError
from maturity.explaining import Mistake
from maturity.facts import SCOPES
from maturity.framework import Condition, Criterion, Framework, Operator, Sourced
from maturity.metrics import METRICS
from maturity.metrics.measured import Metric
from model.record_sets import RECORD_SETS

_FEW = 12  # names that are all listed
_LEAST_WINDOWS = 2  # for an improvement
_MOST_RATIO = 10.0  # of a KPI without a unit; ratios to an expected value may be above 1
_TEXTS: Mapping[str, frozenset[str]] = {
    "kpi": frozenset(CATALOGUE),
    "grain": frozenset({"hour", "shift", "day", "job", "product"}),
    "variant": frozenset(),
}


def lint(framework: Framework) -> list[Mistake]:
    """Find the mistakes of a catalogue whose form is right."""
    return [
        *_twice(framework),
        *_levels(framework),
        *_unknown_parts(framework),
        *(mistake for each in framework.criteria for mistake in _of_criterion(each, framework)),
        *_circles(framework),
    ]


def require_sound(framework: Framework) -> None:
    """Refuse a catalogue that contradicts itself, before anything is judged by it.

    Raises:
        CatalogueError: names the first mistake and how to see them all.
    """
    mistakes = lint(framework)
    if mistakes:
        more = f" ({len(mistakes) - 1} more: `haidang maturity lint FILE`)" if len(mistakes) > 1 else ""
        raise CatalogueError(f"{framework.key} cannot be assessed: {mistakes[0]}{more}")


def gaps(framework: Framework) -> list[Mistake]:
    """Levels of an area that have no criterion: nothing above them is ever supported. Allowed, but worth knowing."""
    top = max(each.level for each in framework.levels)
    found = []
    for area in framework.areas:
        mandatory = {each.level for each in framework.criteria_of(area.key) if each.mandatory}
        first = next((level for level in range(1, top + 1) if level not in mandatory), None)
        if first is not None:
            what = f"level {first} has no mandatory criterion, so the area ends at level {first - 1}"
            found.append(Mistake(f"area {area.key}", what))
    return found


def advice(framework: Framework) -> list[Mistake]:
    """What is allowed, but hardly meant: records that are read and not named, texts that are not translated."""
    found = []
    levels = {each.id: each.level for each in framework.criteria}
    for each in framework.criteria:
        where = f"criterion {each.id}"
        reads = {kind for part in each.every_condition for kind in METRICS[part.metric].requires}
        if reads - set(each.requires):
            found.append(Mistake(where, f"its metrics read records: requires: [{', '.join(sorted(reads))}] says so"))
        later = sorted({name for name in each.prerequisites if levels.get(name, 0) > each.level})
        if later:
            found.append(
                Mistake(where, f"its prerequisite {', '.join(later)} is of a higher level, which builds on this")
            )
        if each.text.vi == each.text.en and len(each.text.en.split()) > 1:
            found.append(Mistake(where, "its text is the same in Vietnamese and English: translate it"))
        found += [Mistake(where, said) for part in each.every_condition for said in _may_worsen(part)]
    principles = {each.principle for each in framework.areas}
    empty = [each.key for each in framework.principles if each.key not in principles]
    return found + [Mistake(f"principle {key}", "it has no area, so it never has a level") for key in empty]


def _may_worsen(condition: Condition) -> Iterator[str]:
    factor, operator = condition.compare.baseline_factor, condition.compare.operator
    if factor is not None and (factor < 1) == (operator in (Operator.AT_LEAST, Operator.ABOVE)) and factor != 1:
        yield f"{condition.metric} {operator.value} {factor:g} × baseline lets it get worse: is the operator right?"


def _levels(framework: Framework) -> Iterator[Mistake]:
    """Levels without a gap, beginning at 0 or 1; criteria at all, and none of level 0."""
    numbers = sorted({each.level for each in framework.levels})
    if numbers[0] > 1:
        yield Mistake("levels", f"they begin at {numbers[0]}; the first one is 0 or 1")
    lacking = sorted(set(range(numbers[0], numbers[-1])) - set(numbers))
    if lacking:
        said = ", ".join(map(str, lacking))
        yield Mistake("levels", f"level {said} is missing between {numbers[0]} and {numbers[-1]}: each builds on it")
    if not framework.criteria:
        yield Mistake("criteria", "there are none, so nothing can be assessed")
    for each in framework.criteria:
        if each.level == 0:
            yield Mistake(f"criterion {each.id}", "level 0 is where everybody stands; criteria begin at level 1")


def _twice(framework: Framework) -> Iterator[Mistake]:
    names = [
        ("criterion", [each.id for each in framework.criteria]),
        ("level", [str(each.level) for each in framework.levels]),
        ("area", [*(each.key for each in framework.principles), *(each.key for each in framework.areas)]),
        ("technology group", [each.key for each in framework.technology_groups]),
    ]
    for what, found in names:
        for name, times in Counter(found).items():
            if times > 1:
                yield Mistake(f"{what} {name}", "it comes twice: give each one of its own")


def _unknown_parts(framework: Framework) -> Iterator[Mistake]:
    principles = {each.key for each in framework.principles}
    for area in framework.areas:
        if area.principle not in principles:
            yield Mistake(f"area {area.key}", _unknown("principle", area.principle, principles))
    names = [(each, name) for each in framework.principles for name in each.level_names]
    levels = {each.level for each in framework.levels}
    for principle, name in names:
        if name.level not in levels:
            yield Mistake(
                f"principle {principle.key}", f"it names level {name.level}, which the framework does not have"
            )
    parts: list[Sourced] = [*framework.levels, *framework.principles, *(name for _, name in names)]
    parts += [*framework.areas, *framework.criteria, framework]
    for part in parts:
        for source in (part.source_ref or "").replace(",", " ").split():
            if source not in framework.sources:
                known = ", ".join(framework.sources) or "none yet"
                said = f"there is no source {source!r} in `sources` ({known}): add it there with its address"
                yield Mistake(f"{_KINDS.get(type(part).__name__, 'part')} {_name(part)}", said)


_KINDS = {
    "Level": "level",
    "LevelName": "level name",
    "Principle": "principle",
    "Area": "area",
    "Criterion": "criterion",
    "Framework": "catalogue",
}


def _unknown(what: str, name: str, known: Iterable[str]) -> str:
    """There is none of that name; the nearest one, or all of a few."""
    names = sorted(known)
    near = get_close_matches(name, names, 1)
    if near:
        return f"there is no {what} {name!r}; did you mean {near[0]!r}?"
    return f"there is no {what} {name!r}" + (f"; there are {', '.join(names)}" if len(names) <= _FEW else "")


def _name(part: object) -> str:
    return str(getattr(part, "id", None) or getattr(part, "key", None) or getattr(part, "level", ""))


def _of_criterion(criterion: Criterion, framework: Framework) -> Iterator[Mistake]:
    where = f"criterion {criterion.id}"
    areas = {each.key for each in framework.areas}
    if criterion.area not in areas:
        yield Mistake(where, _unknown("area", criterion.area, areas))
    levels = [str(each.level) for each in framework.levels]
    if str(criterion.level) not in levels:
        yield Mistake(where, f"there is no level {criterion.level}; there are {', '.join(levels)}")
    groups = {each.key for each in framework.technology_groups}
    for name in criterion.technology.named:
        if name not in groups:
            yield Mistake(where, f"there is no technology group {name}; there are {', '.join(sorted(groups))}")
    ids = {each.id for each in framework.criteria}
    for name in criterion.prerequisites:
        if name not in ids:
            near = get_close_matches(name, sorted(ids), 1)
            hint = f"; did you mean {near[0]}?" if near and near[0] != criterion.id else ""
            yield Mistake(where, f"its prerequisite {name} is no criterion{hint}")
    for kind in sorted(set(criterion.requires) - set(RECORD_SETS)):
        yield Mistake(where, f"{_unknown('kind of record', kind, RECORD_SETS)} `haidang records kinds` lists all")
    yield from (Mistake(where, said) for each in criterion.every_condition for said in _of_condition(each))
    yield from _of_improvement(where, criterion)


def _of_improvement(where: str, criterion: Criterion) -> Iterator[Mistake]:
    if criterion.window.consecutive < _LEAST_WINDOWS and any(
        condition.compare.needs_baseline for condition in criterion.every_condition
    ):
        yield Mistake(
            where,
            "an improvement over the baseline must hold in two consecutive windows at least: "
            "window: {days: 30, consecutive: 2}",
        )


def _of_condition(condition: Condition) -> Iterator[str]:
    if condition.scope not in SCOPES:
        yield f"there is no scope {condition.scope!r}; choose one of {', '.join(SCOPES)}"
    known = METRICS.get(condition.metric)
    if known is None:
        yield f"{_unknown('metric', condition.metric, METRICS)} `haidang maturity metrics` lists all"
        return
    yield from _of_threshold(known, condition.compare.value)
    for name, value in condition.parameters.items():
        if name in known.parameters:
            yield from _of_parameter(name, value)
        else:
            yield f"{known.name} has no parameter {name!r}; it takes {', '.join(known.parameters) or 'none'}"


def _of_threshold(metric: Metric, value: float | None) -> Iterator[str]:
    """Shares written as per cent: nothing is more than the whole."""
    most = 1.0 if metric.is_share else _MOST_RATIO if metric.unit == "1" and metric.name.startswith("kpi.") else None
    if most is not None and value is not None and value > most:
        yield f"{metric.name} is a fraction: {value:g} per cent is written {value / 100:g}"


def _of_parameter(name: str, value: Any) -> Iterator[str]:
    if name in _TEXTS:
        known = _TEXTS[name]
        if not isinstance(value, str) or (known and value not in known):
            yield _unknown(name, str(value), known)
    elif isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        yield f"the parameter {name} is {value!r}; a number from 0 on is wanted"


def _circles(framework: Framework) -> Iterator[Mistake]:
    needs = {each.id: each.prerequisites for each in framework.criteria}
    done: set[str] = set()
    for start in needs:
        circle = _circle_from(start, needs, done)
        if circle:
            yield Mistake(f"criterion {start}", f"its prerequisites go in a circle: {' → '.join(circle)}")
            return


def _circle_from(start: str, needs: dict[str, tuple[str, ...]], done: set[str]) -> list[str]:
    path: list[str] = [start]
    left = [iter(needs[start])]
    while left:
        following = next(left[-1], None)
        if following is None:
            done.add(path.pop())
            left.pop()
        elif following in path:
            return [*path[path.index(following) :], following]
        elif following in needs and following not in done:
            path.append(following)
            left.append(iter(needs[following]))
    return []
