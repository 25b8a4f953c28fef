"""An assessment for people at a terminal: levels, criteria with their numbers, what is missing for the next level."""

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from maturity.assessing import Assessment
from maturity.evaluate import ConditionResult, Outcome
from maturity.framework import Basis, Text

_MARK = {
    Outcome.SUPPORTED: "[green]✓ supported[/green]",
    Outcome.CONTRADICTED: "[red]✗ contradicted[/red]",
    Outcome.NOT_ASSESSABLE: "[dim]? not assessable[/dim]",
}
_MOST_UNLOCKS = 5


def show(found: Assessment, language: str, console: Console) -> None:
    """Print an assessment."""
    said = found.framework
    console.print(f"[bold]{escape(found.site)}[/bold]: {text(said.name, language)}, {found.first} to {found.last}")
    console.print(f"[dim]{escape(text(said.disclaimer, language))}[/dim]")
    _levels(found, language, console)
    _criteria(found, language, console)
    _gaps(found, console)
    counts = found.counts()
    console.print(", ".join(f"{number} {outcome.replace('_', ' ')}" for outcome, number in counts.items()) + ".")


def text(said: Text, language: str) -> str:
    """A text in a language."""
    return said.vi if language == "vi" else said.en


def _levels(found: Assessment, language: str, console: Console) -> None:
    table = Table("principle / area", "supported", "claimed", "next level needs")
    for principle in found.framework.principles:
        _level_row(table, found, language, principle.key, f"[bold]{escape(text(principle.name, language))}[/bold]")
        for area in found.framework.areas:
            if area.principle == principle.key:
                mark = "" if area.basis.value == "stated" else f" ({area.basis.value})"
                _level_row(table, found, language, area.key, f"  {escape(text(area.name, language))}{mark}")
    console.print(table)


def _level_row(table: Table, found: Assessment, language: str, key: str, name: str) -> None:
    stand, claimed = found.stands[key], found.claimed.get(key)
    needs = "" if stand.next is None else f"{stand.next.level}: {', '.join(stand.next.open) or 'no criterion'}"
    named = found.framework.level_name(key, stand.level)
    mark = " (?)" if named and named[1] is Basis.UNVERIFIED else ""
    supported = f"{stand.level} {text(named[0], language)}{mark}" if named else str(stand.level)
    table.add_row(name, escape(supported), "" if claimed is None else str(claimed), needs)


def _criteria(found: Assessment, language: str, console: Console) -> None:
    table = Table("criterion", "level", "result", "measured", "why")
    for criterion in found.framework.criteria:
        result = found.results[criterion.id]
        mark = _MARK[result.outcome] + (" (declared)" if result.declared else "")
        measured = "\n".join(_number(each) for each in result.newest.conditions if each.value is not None)
        why = "; ".join(each.of(language) for each in result.missing) or text(criterion.text, language)
        table.add_row(criterion.id, str(criterion.level), mark, measured, escape(why))
    console.print(table)


def _number(condition: ConditionResult) -> str:
    threshold = "?" if condition.threshold is None else f"{condition.threshold:.4g}"
    unit = "" if condition.unit == "1" else f" {condition.unit}"
    return f"{condition.value:.4g} {condition.operator} {threshold}{unit}"


def _gaps(found: Assessment, console: Console) -> None:
    if not found.gaps.unlocks:
        return
    table = Table("technology group", "would open", "would help")
    for each in found.gaps.unlocks[:_MOST_UNLOCKS]:
        table.add_row(each.group, ", ".join(each.opens), ", ".join(each.helps))
    console.print(table)
