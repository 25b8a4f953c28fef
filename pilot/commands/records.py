"""`haidang records`: what telemetry cannot know, from tables of other systems."""

import json
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from model.record_sets import RECORD_SETS
from pilot.errors import PilotError
from pilot.options import DatabaseUrl, database

app = typer.Typer(help="Records of orders, maintenance, inspection, attendance and inventory.", no_args_is_help=True)
Kind = StrEnum("Kind", {kind: kind for kind in RECORD_SETS})  # type: ignore[misc]  # mypy wants literals
SHOWN_PROBLEMS = 20


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="CSV with the columns key, asset, from, to and what the kind says")],
    site: Annotated[str, typer.Option(help="site key")],
    kind: Annotated[Kind, typer.Option(help="what the rows are")],
    source: Annotated[
        str, typer.Option(help="system that says so, never a person: packages show it; the file's name without it")
    ] = "",
    database_url: DatabaseUrl = "",
) -> None:
    """Keep the rows of FILE; days whose KPIs are made of them are computed again. Importing twice changes nothing.

    `haidang records kinds` shows the columns of each kind. A row under a known key replaces what was said; the earlier
    statement is kept. A row that does not hold what its kind states is refused with the reason.
    """
    from kpi.carbon.substances import reader_of
    from store import business, registry
    from store.pool import connect

    with connect(database(database_url), "records import") as connection:
        site_id = registry.site_id(connection, site)
        snapshot = registry.snapshot(connection, site, datetime.now().astimezone())
        assets = frozenset(asset.key for asset in snapshot.assets)
        records, rejected = business.read_csv(file, snapshot.timezone, assets, reader_of(kind, snapshot))
        found = business.keep(connection, site_id, kind, records, source or file.name)
    console = Console(highlight=False)
    console.print(f"{site}: {found.new} new, {found.changed} changed, {found.equal} as before, {len(rejected)} refused")
    for each in rejected[:SHOWN_PROBLEMS]:
        console.print(f"  line {each.line}: {escape(each.reason)}")
    if rejected:
        raise PilotError(f"{len(rejected)} rows were refused; mend them and import the file again.")


@app.command()
def kinds(
    kind: Annotated[Kind | None, typer.Argument(help="only this kind")] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="as the page docs/record-sets.md")] = False,
) -> None:
    """Show what records of each kind are and which columns they have, beside key, asset, from and to."""
    if markdown:
        from maturity.record_docs import page

        typer.echo(page(), nl=False)
        return
    table = Table("kind", "column", "holds", "is")
    for name, each in RECORD_SETS.items():
        if kind in (None, name):
            table.add_row(f"[bold]{name}[/bold]", "", "", escape(each.what))
            for field in each.fields:
                needed = " (required)" if field.required else ""
                table.add_row("", field.name, escape(field.shown_kind + needed), escape(field.what))
    Console().print(table)


@app.command("list")
def list_(
    site: Annotated[str, typer.Option(help="site key")],
    kind: Annotated[Kind | None, typer.Option(help="only this kind")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="rows at most")] = 100,
    as_json: Annotated[bool, typer.Option("--json", help="as JSON")] = False,
    database_url: DatabaseUrl = "",
) -> None:
    """Show the records that stand, the newest first."""
    from store import business, registry
    from store.pool import connect

    with connect(database(database_url), "records list") as connection:
        rows = business.standing(connection, registry.site_id(connection, site), kind, limit)
    if as_json:
        typer.echo(json.dumps(rows, default=str, ensure_ascii=False, indent=2))
        return
    table = Table("kind", "key", "asset", "from", "to", "says", "source")
    for row in rows:
        said = {name: value for name, value in row["payload"].items() if name != "asset"}
        shown = ", ".join(f"{name} {value}" for name, value in said.items())
        place = (row["kind"], row["key"], row["payload"].get("asset"), row["from"], row["to"])
        table.add_row(*map(_cell, (*place, shown, row["source"])))
    Console().print(table)


def _cell(value: Any) -> str:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M%z}"
    return "" if value is None else escape(str(value))
