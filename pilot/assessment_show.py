"""A kept assessment for people at a terminal: three levels side by side, each criterion with its decision."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from maturity.evaluate import Outcome
from maturity.kept import Kept
from pilot.maturity_show import text

_MARK = {
    Outcome.SUPPORTED: "[green]✓ supported[/green]",
    Outcome.CONTRADICTED: "[red]✗ contradicted[/red]",
    Outcome.NOT_ASSESSABLE: "[dim]? not assessable[/dim]",
}
_SHOWN = 12


def table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """Assessments in a table."""
    drawn = Table("id", "site", "framework", "period", "number", "state", "supported", "contradicted", "not assessable")
    for row in rows:
        state = "imported" if row["origin"] == "imported" else "final" if row["finalized_at"] else "open"
        if row["superseded_by"]:
            before = "" if state == "open" else f"{state}, "
            state = f"{before}superseded by {row['superseded_by']}"
        counts = [str(row["counts"].get(each.value, 0)) for each in Outcome]
        period = f"{row['first_day']} to {row['last_day']}"
        named = (str(row["assessment_id"]), row["site"], f"{row['framework']} {row['framework_version']}", period)
        drawn.add_row(*named, str(row["number"]), state, *counts)
    return drawn


def show(kept: Kept, language: str, console: Console) -> None:
    """Print an assessment."""
    stored, catalogue = kept.stored, kept.framework
    days = f"{stored.first_day} to {stored.last_day}"
    console.print(
        f"[bold]{escape(stored.site)}[/bold]: {escape(text(catalogue.name, language))}, {days}, {kept.status}"
    )
    console.print(f"[dim]{escape(text(catalogue.disclaimer, language))}[/dim]")
    _levels(kept, language, console)
    _criteria(kept, console)
    if kept.status == "open" and kept.undecided:
        more = f" and {len(kept.undecided) - _SHOWN} more" if len(kept.undecided) > _SHOWN else ""
        console.print(f"Before it can be final, these need a decision: {', '.join(kept.undecided[:_SHOWN])}{more}.")


def _levels(kept: Kept, language: str, console: Console) -> None:
    plain = {each["key"]: each for part in ("principles", "areas") for each in kept.plain()[part]}
    drawn = Table("principle / area", "supported by data", "claimed", "confirmed by the assessor")
    for principle in kept.framework.principles:
        drawn.add_row(f"[bold]{escape(text(principle.name, language))}[/bold]", *_numbers(plain[principle.key]))
        for area in kept.framework.areas:
            if area.principle == principle.key:
                drawn.add_row(f"  {escape(text(area.name, language))}", *_numbers(plain[area.key]))
    console.print(drawn)


def _numbers(stand: Mapping[str, Any]) -> list[str]:
    return ["-" if stand.get(name) is None else str(stand[name]) for name in ("supported", "claimed", "confirmed")]


def _criteria(kept: Kept, console: Console) -> None:
    drawn = Table("criterion", "level", "the data", "the assessor", "comment")
    for criterion in kept.framework.criteria:
        given = kept.newest.get(criterion.id)
        said = given.decision.replace("_", " ") if given else ""
        comment = (
            escape(given.comment) + (f" (file {given.attachment[:12]})" if given.attachment else "") if given else ""
        )
        drawn.add_row(
            criterion.id,
            str(criterion.level),
            _MARK[kept.outcomes.get(criterion.id, Outcome.NOT_ASSESSABLE)],
            said,
            comment,
        )
    console.print(drawn)
