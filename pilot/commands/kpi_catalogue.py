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
MOST_LIKE = 8


def catalogue(
    kpi: Annotated[
        str | None, typer.Argument(help="only this KPI, by id or ISO 22400-2 number, with all that is known of it")
    ] = None,
    site: Annotated[str | None, typer.Option(help="say what this site feeds and what is missing")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="as JSON")] = False,
    database_url: DatabaseUrl = "",
) -> None:
    """Show the KPI catalogue: names, ISO 22400-2 numbers, formulas, units; with --site which KPIs are fed."""
    from kpi.catalogue import CATALOGUE
    from kpi.docs import described

    kpi = known_kpi(kpi) if kpi is not None else None
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


def known_kpi(named: str) -> str:
    """Id of a KPI that is named by its id or its number in ISO 22400-2.

    Raises:
        PilotError: there is none; says which ones sound like it.
    """
    from kpi.catalogue import CATALOGUE

    if named in CATALOGUE:
        return named
    for each in CATALOGUE.values():
        if each.iso_number is not None and named == str(each.iso_number):
            return each.id
    like = _like(named)
    hint = f"did you mean {', '.join(like)}?" if like else "`haidang kpi catalogue` lists all."
    raise PilotError(f"There is no KPI {named!r}; {hint}")


def _like(named: str) -> list[str]:
    """Ids whose id or names hold the words of a name, else those that are spelled alike."""
    from difflib import get_close_matches

    from kpi.catalogue import CATALOGUE

    words = named.casefold().replace("_", " ").replace("-", " ").split()
    texts = {
        each.id: " ".join([each.id.replace("_", " "), each.iso_name or "", each.name_en, each.name_vi]).casefold()
        for each in CATALOGUE.values()
    }
    found = [id_ for id_, text in texts.items() if words and all(word in text for word in words)]
    return (found or get_close_matches(named.casefold(), list(texts)))[:MOST_LIKE]


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
    table.add_column("id, tên, name", min_width=max(len(row["id"]) for row in rows))
    table.add_column("ISO")
    table.add_column(f"fed at {site}" if site else "formula", ratio=1)
    for name in () if site else ("unit", "better"):
        table.add_column(name)
    for row in rows:
        told = [row["formula"], row["unit"], row["direction"]]
        if site:
            told = ["yes" if row["fed"] else f"missing: {'; '.join(row['missing'])}"]
        names = row["id"] if site else f"{row['id']}\n  {row['name_vi']}\n  {row['name_en']}"
        table.add_row(*map(escape, (names, _text(row["iso_number"]), *told)))
    console = Console(highlight=False)
    console.print(table)
    if site:
        iso = {row["iso_number"] for row in rows if row["iso_number"] and row["fed"]}
        console.print(f"{sum(row['fed'] for row in rows)} of {len(rows)} are fed, {len(iso)} of the 34 of ISO 22400-2")


def _text(value: Any) -> str:
    return "" if value is None else str(value)
