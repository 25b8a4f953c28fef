"""`haidang kpi catalogue`: what every KPI is, and at a site which ones are fed and what is missing for the others."""

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pilot.errors import PilotError
from pilot.options import DatabaseUrl, database

if TYPE_CHECKING:
    from kpi.feeding import Fed

Rows = list[dict[str, Any]]


def catalogue(
    kpi: Annotated[str | None, typer.Argument(help="only this KPI, with all that is known of it")] = None,
    site: Annotated[str | None, typer.Option(help="say what this site feeds and what is missing")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="as JSON")] = False,
    database_url: DatabaseUrl = "",
) -> None:
    """Show the KPI catalogue: names, ISO 22400-2 numbers, formulas, units; with --site which KPIs are fed."""
    from kpi.catalogue import CATALOGUE
    from kpi.docs import described

    if kpi is not None and kpi not in CATALOGUE:
        raise PilotError(f"There is no KPI {kpi!r}; known: {', '.join(CATALOGUE)}.")
    wanted = list(CATALOGUE) if kpi is None else [kpi]
    rows = [described(CATALOGUE[each]) for each in wanted]
    if site is not None:
        answers = _fed_at(site, wanted, database(database_url))
        rows = [{**row, "fed": of.is_fed, "missing": list(of.missing)} for row, of in zip(rows, answers, strict=True)]
    if as_json:
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=2))
    elif kpi is not None:
        _show_one(rows[0])
    else:
        _show_all(rows, site)


def _fed_at(site: str, wanted: list[str], url: str) -> "list[Fed]":
    from kpi.feeding import fed, known
    from store.feeding import record_fields
    from store.pool import connect
    from store.registry import site_id, snapshot

    with connect(url, "kpi catalogue") as connection:
        number = site_id(connection, site)
        return fed(known(snapshot(connection, site, datetime.now(UTC)), record_fields(connection, number)), wanted)


def _show_one(row: dict[str, Any]) -> None:
    table = Table(show_header=False, title=f"{row['id']}: {row['name_vi']} · {row['name_en']}", title_justify="left")
    for name, value in row.items():
        table.add_row(name, escape(", ".join(map(str, value)) if isinstance(value, list) else _text(value)))
    Console(highlight=False).print(table)


def _show_all(rows: Rows, site: str | None) -> None:
    table = Table()
    table.add_column("id", no_wrap=True)
    told = (f"fed at {site}",) if site else ("tên · name", "formula", "unit", "better")  # beside each other: too narrow
    for column in ("ISO", *told):
        table.add_column(column)
    for row in rows:
        cells = [f"{row['name_vi']} · {row['name_en']}", row["formula"], row["unit"], row["direction"]]
        if site:
            cells = ["yes" if row["fed"] else f"missing: {'; '.join(row['missing'])}"]
        table.add_row(*map(escape, (row["id"], _text(row["iso_number"]), *cells)))
    console = Console(highlight=False)
    console.print(table)
    if site:
        iso = {row["iso_number"] for row in rows if row["iso_number"] and row["fed"]}
        console.print(f"{sum(row['fed'] for row in rows)} of {len(rows)} are fed, {len(iso)} of the 34 of ISO 22400-2")


def _text(value: Any) -> str:
    return "" if value is None else str(value)
