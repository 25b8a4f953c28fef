"""A kept assessment for people at a terminal: three levels side by side, each criterion with its decision."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from maturity.evaluate import Outcome
from maturity.kept import Kept
from maturity.report.words import Words, load
from pilot.maturity_show import marked, text

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
    words = load("vi" if language == "vi" else "en")
    days = words.days(stored.first_day, stored.last_day)
    console.print(
        f"[bold]{escape(stored.site)}[/bold]: {escape(text(catalogue.name, language))}, {days}, {kept.status}"
    )
    console.print(f"[dim]{escape(text(catalogue.disclaimer, language))}[/dim]")
    _levels(kept, words, console)
    _criteria(kept, words, console)
    if kept.status == "open" and kept.undecided:
        more = f" and {len(kept.undecided) - _SHOWN} more" if len(kept.undecided) > _SHOWN else ""
        console.print(f"Before it can be final, these need a decision: {', '.join(kept.undecided[:_SHOWN])}{more}.")
    if kept.status == "open":
        console.print(_next(kept))


def _next(kept: Kept) -> str:
    """What comes next in an open assessment."""
    number = kept.stored.assessment_id
    if not kept.invited:
        return f"Nobody may decide yet: `haidang maturity invite {number} --account NAME` invites an assessor."
    if kept.undecided:
        return f"Next: `haidang maturity decide {number} {kept.undecided[0]} accept`."
    return f"It can be final now: `haidang maturity finalise {number}`."


def _levels(kept: Kept, words: Words, console: Console) -> None:
    plain = {each["key"]: each for part in ("principles", "areas") for each in kept.plain()[part]}
    heads = (words(name) for name in ("table.part", "table.supported", "table.claimed", "level.confirmed"))
    drawn = Table(*(each.lower() for each in heads))
    for principle in kept.framework.principles:
        drawn.add_row(f"[bold]{escape(words.of(principle.name))}[/bold]", *_numbers(plain[principle.key]))
        for area in kept.framework.areas:
            if area.principle == principle.key:
                drawn.add_row(f"  {escape(words.of(area.name))}", *_numbers(plain[area.key]))
    console.print(drawn)


def _numbers(stand: Mapping[str, Any]) -> list[str]:
    return ["-" if stand.get(name) is None else str(stand[name]) for name in ("supported", "claimed", "confirmed")]


def _criteria(kept: Kept, words: Words, console: Console) -> None:
    heads = (words(name) for name in ("table.criterion", "table.level", "short.supported", "short.confirmed"))
    drawn = Table(*(each.lower() for each in heads), words("table.comment"))
    for criterion in kept.framework.criteria:
        given = kept.newest.get(criterion.id)
        said = words(f"decision.{given.decision}").lower() if given else ""
        comment = (
            escape(given.comment) + (f" (file {given.attachment[:12]})" if given.attachment else "") if given else ""
        )
        drawn.add_row(
            criterion.id,
            str(criterion.level),
            marked(kept.outcomes.get(criterion.id, Outcome.NOT_ASSESSABLE), words),
            said,
            comment,
        )
    console.print(drawn)
