"""What is wrong with a catalogue as a whole: names that nothing bears, circles, levels that nobody can reach. Pure."""

from collections import Counter
from collections.abc import Iterable, Iterator

from maturity.errors import CatalogueError
from maturity.facts import SCOPES
from maturity.framework import Criterion, Framework, Sourced
from maturity.loading import Mistake
from maturity.metrics import METRICS


def lint(framework: Framework) -> list[Mistake]:
    """Find the mistakes of a catalogue whose form is right."""
    return [
        *_twice(framework),
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


def _twice(framework: Framework) -> Iterator[Mistake]:
    names = [
        ("criterion", [each.id for each in framework.criteria]),
        ("level", [str(each.level) for each in framework.levels]),
        ("key", [*(each.key for each in framework.principles), *(each.key for each in framework.areas)]),
        ("technology group", [each.key for each in framework.technology_groups]),
    ]
    for what, found in names:
        yield from (Mistake(f"{what} {name}", "it comes twice") for name, times in Counter(found).items() if times > 1)


def _unknown_parts(framework: Framework) -> Iterator[Mistake]:
    principles = {each.key for each in framework.principles}
    for area in framework.areas:
        if area.principle not in principles:
            yield Mistake(f"area {area.key}", f"there is no principle {area.principle!r}")
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
                yield Mistake(f"{type(part).__name__} {_name(part)}", f"there is no source {source!r} in `sources`")


def _name(part: object) -> str:
    return str(getattr(part, "id", None) or getattr(part, "key", None) or getattr(part, "level", ""))


def _of_criterion(criterion: Criterion, framework: Framework) -> Iterator[Mistake]:
    where = f"criterion {criterion.id}"
    if criterion.area not in {each.key for each in framework.areas}:
        yield Mistake(where, f"there is no area {criterion.area!r}")
    if criterion.level not in {each.level for each in framework.levels}:
        yield Mistake(where, f"there is no level {criterion.level}")
    groups = {each.key for each in framework.technology_groups}
    for name in criterion.technology.named:
        if name not in groups:
            yield Mistake(where, f"there is no technology group {name}")
    ids = {each.id for each in framework.criteria}
    for name in criterion.prerequisites:
        if name not in ids:
            yield Mistake(where, f"its prerequisite {name} is no criterion")
    for condition in criterion.every_condition:
        yield from _of_condition(where, condition.metric, condition.scope, condition.parameters)
    if any(condition.compare.needs_baseline for condition in criterion.every_condition):
        yield from _of_improvement(where, criterion)


def _of_condition(where: str, metric: str, scope: str, parameters: Iterable[str]) -> Iterator[Mistake]:
    if scope not in SCOPES:
        yield Mistake(where, f"there is no scope {scope!r}; choose one of {', '.join(SCOPES)}")
    known = METRICS.get(metric)
    if known is None:
        yield Mistake(where, f"there is no metric {metric!r}; `haidang maturity metrics` lists all")
        return
    for name in parameters:
        if name not in known.parameters:
            allowed = ", ".join(known.parameters) or "none"
            yield Mistake(where, f"{metric} has no parameter {name!r}; it takes {allowed}")


def _of_improvement(where: str, criterion: Criterion) -> Iterator[Mistake]:
    if criterion.window.consecutive < 2 and all(
        condition.compare.needs_baseline for condition in criterion.every_condition
    ):
        yield Mistake(where, "an improvement over the baseline must hold in two consecutive windows at least")


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
