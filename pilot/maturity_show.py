"""An assessment for people at a terminal: levels, criteria with their numbers, what is missing for the next level."""

from collections import Counter

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from maturity.assessing import Assessment
from maturity.evaluate import ConditionResult, CriterionResult, Outcome
from maturity.framework import Basis, Criterion, Text
from maturity.reasons import Reason
from maturity.report.words import Words, load

_LOOK = {
    Outcome.SUPPORTED: ("green", "✓"),
    Outcome.CONTRADICTED: ("red", "✗"),
    Outcome.NOT_ASSESSABLE: ("dim", "?"),
}
_MOST_UNLOCKS = 5
_OFTEN = 3  # a reason that so many criteria share is a note under the table


def show(found: Assessment, language: str, console: Console, catalogue: str = "") -> None:
    """Print an assessment; `catalogue` is how the caller named the framework, its key or a file."""
    said, words = found.framework, load("vi" if language == "vi" else "en")
    console.print(f"[bold]{escape(found.site)}[/bold]: {text(said.name, language)}, {_days(found, words)}")
    console.print(f"[dim]{escape(text(said.disclaimer, language))}[/dim]")
    _levels(found, words, console)
    _criteria(found, words, console)
    _gaps(found, words, console)
    counts = found.counts()
    told = {name: counts[name] for name in ("supported", "contradicted")}
    console.print(words("table.counts", **told, unknown=counts["not_assessable"]))
    of = f"--site {found.site} --period {found.first}:{found.last} --framework {catalogue or said.key}"
    keep = {"open": f"`haidang maturity open {of}`", "report": f"`haidang maturity report {of} -o report.pdf`"}
    console.print(words("table.keep", **keep), markup=False)


def text(said: Text, language: str) -> str:
    """A text in a language."""
    return said.vi if language == "vi" else said.en


def marked(outcome: Outcome, words: Words) -> str:
    """An outcome in words, with its sign and colour."""
    colour, sign = _LOOK[outcome]
    return f"[{colour}]{sign} {words(f'outcome.{outcome.value}').lower()}[/{colour}]"


def _days(found: Assessment, words: Words) -> str:
    return words.days(found.first, found.last)


def _levels(found: Assessment, words: Words, console: Console) -> None:
    table = Table(*(words(f"table.{name}") for name in ("part", "supported", "claimed", "next")))
    for principle in found.framework.principles:
        _level_row(table, found, words, principle.key, f"[bold]{escape(words.of(principle.name))}[/bold]")
        for area in found.framework.areas:
            if area.principle == principle.key:
                mark = "" if area.basis.value == "stated" else f" ({words(f'basis.{area.basis.value}')})"
                _level_row(table, found, words, area.key, f"  {escape(words.of(area.name))}{mark}")
    console.print(table)


def _level_row(table: Table, found: Assessment, words: Words, key: str, name: str) -> None:
    stand, claimed = found.stands[key], found.claimed.get(key)
    lacking = stand.next.open if stand.next else ()
    needs = "" if stand.next is None else f"{stand.next.level}: {', '.join(lacking) or words('table.no_criterion')}"
    named = found.framework.level_name(key, stand.level)
    mark = " (?)" if named and named[1] is Basis.UNVERIFIED else ""
    supported = f"{stand.level} {words.of(named[0])}{mark}" if named else str(stand.level)
    table.add_row(name, escape(supported), "" if claimed is None else str(claimed), needs)


def _criteria(found: Assessment, words: Words, console: Console) -> None:
    times = Counter(reason for result in found.results.values() for reason in result.missing)
    notes = {reason: number for number, reason in enumerate((r for r, n in times.items() if n >= _OFTEN), start=1)}
    table = Table(*(words(f"table.{name}") for name in ("criterion", "level", "result", "measured", "why")))
    for criterion in found.framework.criteria:
        result = found.results[criterion.id]
        mark = marked(result.outcome, words) + (f" ({words('declared').lower()})" if result.declared else "")
        measured = "\n".join(_number(each, words) for each in result.newest.conditions if each.value is not None)
        table.add_row(criterion.id, str(criterion.level), mark, measured, escape(_why(criterion, result, notes, words)))
    console.print(table)
    if notes:
        console.print(f"[bold]{words('table.notes')}[/bold]")
    for reason, number in notes.items():
        console.print(f"{number}. {reason.of(words.language)}", markup=False)


def _why(criterion: Criterion, result: CriterionResult, notes: dict[Reason, int], words: Words) -> str:
    told = [words("table.note", n=notes[each]) if each in notes else each.of(words.language) for each in result.missing]
    return "; ".join(told) or words.of(criterion.text)


def _number(condition: ConditionResult, words: Words) -> str:
    of = (condition.metric, condition.unit)
    return f"{words.value(*of, condition.value)} {words.threshold(*of, condition.operator, condition.threshold)}"


def _gaps(found: Assessment, words: Words, console: Console) -> None:
    if not found.gaps.unlocks:
        return
    names = {each.key: f"{each.key} {words.of(each.name)}" for each in found.framework.technology_groups}
    table = Table(*(words(f"table.{name}") for name in ("group", "opens", "helps")))
    for each in found.gaps.unlocks[:_MOST_UNLOCKS]:
        table.add_row(names[each.group], ", ".join(each.opens), ", ".join(each.helps))
    console.print(table)
