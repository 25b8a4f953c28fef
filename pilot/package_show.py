"""What the check of a package came to, as lines for people: differences first, then a line per KPI and criterion."""

from collections.abc import Iterator

import polars as pl
from rich.console import Console
from rich.markup import escape

from maturity.package.comparing import Verdict, named_value
from maturity.package.criteria import CriterionAgain
from maturity.package.report import Verification

_COLOURS = {Verdict.EQUAL: "green", Verdict.DIFFERENT: "red", Verdict.NOT_RECOMPUTABLE: "yellow"}
_MOST_LINES = 100


def show(found: Verification, console: Console, *, every: bool) -> None:
    """Print a verification.

    Args:
        found: what it came to.
        console: where to.
        every: a line for every value, else only those that differ and a line per KPI.
    """
    if found.manifest:
        said = found.manifest
        console.print(f"{escape(said.site)}, {said.first} to {said.last}, made by {escape(said.code)}")
    for done in found.checked:
        console.print(f"[green]✓[/green] {escape(done)}")
    for notice in found.notices:
        console.print(f"[yellow]![/yellow] {escape(notice)}")
    for finding in found.findings:
        console.print(f"[red]✗[/red] {escape(finding)}")
    for line in _value_lines(found.values, every=every):
        console.print(line)
    for each in found.criteria:
        console.print(_criterion_line(each))
    if found.is_good:
        but = f" [yellow]Not proven: what is marked ! above ({len(found.notices)}).[/yellow]" if found.notices else ""
        console.print(
            f"[green]The package is what was signed, and what can be computed again comes out the same.[/green]{but}"
        )
    else:
        console.print("[red]The package does not hold: see above.[/red]")


def _value_lines(values: pl.DataFrame, *, every: bool) -> Iterator[str]:
    shown = values if every else values.filter(pl.col("verdict") == Verdict.DIFFERENT.value)
    for number, row in enumerate(shown.iter_rows(named=True)):
        if not every and number == _MOST_LINES:
            yield f"… and {len(shown) - _MOST_LINES} more that differ (--all or --json show them)"
            break
        verdict = Verdict(row["verdict"])
        numbers = (
            f": {row['value']} stated, {row['again']} again" if verdict is Verdict.DIFFERENT else f" {row['value']}"
        )
        why = f" ({row['why']})" if row["why"] else ""
        yield f"{_coloured(verdict)} {escape(named_value(row) + numbers + why)}"
    counted = values.group_by("kpi", maintain_order=True).agg(
        *((pl.col("verdict") == verdict.value).sum().alias(verdict.name) for verdict in Verdict),
        pl.col("why").filter(pl.col("verdict") == Verdict.NOT_RECOMPUTABLE.value).drop_nulls().unique().sort(),
    )
    for row in counted.sort("kpi").iter_rows(named=True):
        parts = [f"{row[verdict.name]} {verdict.value}" for verdict in Verdict if row[verdict.name]]
        why = f" ({'; '.join(row['why'])})" if row["why"] else ""
        yield f"  {row['kpi']}: {', '.join(parts)}{escape(why)}"


def _criterion_line(each: CriterionAgain) -> str:
    said = f"{each.framework} {each.id}: {each.stated} {_number(each.value)}".rstrip()
    if each.verdict is Verdict.DIFFERENT:
        said += f" stated, {each.again} {_number(each.value_again)} again"
    notes = [note for note in ("declared" if each.declared else "", each.why) if note]
    return f"{_coloured(each.verdict)} {escape(said)}" + (f" ({'; '.join(notes)})" if notes else "")


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.10g}"


def _coloured(verdict: Verdict) -> str:
    return f"[{_COLOURS[verdict]}]{verdict.value}[/{_COLOURS[verdict]}]"
