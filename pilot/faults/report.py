"""A result as a table for people or as JSON for machines."""

import json
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.table import Table

from pilot.faults.result import PhaseResult, Result

WIDTH = 170  # a narrower terminal wraps the lines
_COLUMNS = (
    *("sent", "acknow-\nledged", "stored", "rejected", "duplicates\nremoved", "redeli-\nvered", "lost", "doubled"),
    "mis-\nplaced",
    *("longest\nstall s", "commit\nafter s", "pace\nafter s", "catch-up\nvalues/s", "× before"),
)


def as_json(result: Result) -> str:
    """Everything there is, with the verdict."""
    document: dict[str, Any] = asdict(result)
    document["total"] = asdict(result.total)
    document["good"] = result.is_good
    return json.dumps(document, indent=2, ensure_ascii=False)


def show(result: Result, console: Console) -> None:
    """Print the table, the accounts, and what is off."""
    table = Table(title=f"{result.setting}; {result.seconds:.0f} s", title_justify="left")
    table.add_column("faults", overflow="fold", min_width=24)
    for column in _COLUMNS:
        table.add_column(column, justify="right", no_wrap=True)
    for phase in result.phases:
        table.add_row(phase.name, *_cells(phase))
    table.add_section()
    table.add_row("total", *_cells(result.total))
    if result.beside is not None:
        table.add_section()
        table.add_row(result.beside.name, *_cells(result.beside))
    console.print(table)
    console.print("sent … redelivered, lost: messages; duplicates, doubled, misplaced: values. ", style="dim", end="")
    console.print("commit/pace after: since the last fault of the phase was over.", style="dim")
    for line in lines(result):
        console.print(line, highlight=False)


def lines(result: Result) -> list[str]:
    """The accounts, what was left out, what is off, and the verdict, in sentences."""
    ledger = result.ledger
    said = [
        "messages: received {received:,} = processed {processed:,} + rejected {rejected:,} + redelivered "
        "{redelivered:,}".format_map(ledger),
        "values: decoded {decoded:,} = stored {stored:,} + duplicate {duplicate:,} + conflict {conflict:,} + rejected "
        "{rejected_value:,}".format_map(ledger),
    ]
    total = result.total
    if result.sparkplug:
        said.append(
            "Sparkplug: {messages:,} messages; {births:,} births, {rebirths:,} of them asked for, {deaths:,} deaths, "
            "{wills:,} lost connections, {historical:,} historical".format_map(result.sparkplug)
            + f"; {total.unsure:,} more were never acknowledged and are not owed"
        )
    said.append(
        f"replays stored {result.replays_stored:,} refused messages; {total.refused_for_now:,} that could be stored "
        "after a replay are kept as refused"
    )
    said += [f"left out: {one}" for one in result.left_out]
    said += [f"[red]OFF:[/red] {one}" for one in result.problems]
    if result.interrupted:
        said.append("interrupted: this is the part that was run")
    amiss = f"lost {total.lost:,}, doubled {total.doubled:,}, misplaced {total.misplaced:,}"
    equation = f"sent {total.sent:,} = stored {total.stored:,} + rejected {total.rejected:,}"
    said.append(
        f"[green]nothing lost, nothing doubled, nothing misplaced:[/green] {equation}"
        if result.is_good
        else f"[red]NOT GOOD:[/red] {equation}; {amiss}"
    )
    return said


def _cells(phase: PhaseResult) -> list[str]:
    counts = (
        *(phase.sent, phase.acknowledged, phase.stored, phase.rejected, phase.duplicate_values, phase.redelivered),
        *(phase.lost, phase.doubled, phase.misplaced),
    )
    times = (phase.longest_stall_s, phase.first_commit_s, phase.caught_up_s)
    return [
        *(f"{count:,}" for count in counts),
        *("–" if seconds is None else f"{seconds:.1f}" for seconds in times),
        "–" if phase.catch_up_values_per_s is None else f"{phase.catch_up_values_per_s:,.0f}",
        "–" if phase.catch_up_ratio is None else f"{phase.catch_up_ratio:.1f}",
    ]
