"""`haidang records`: what telemetry cannot know, from tables of other systems."""

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pilot.errors import PilotError
from pilot.options import DatabaseUrl, database

app = typer.Typer(help="Records of orders, maintenance, inspection, attendance and inventory.", no_args_is_help=True)
Kind = Literal[
    "order",
    "maintenance",
    "inspection",
    "attendance",
    "inventory",
    "problem",
    "energy",
    "fuel",
    "refrigerant",
    "precursor",
]
SHOWN_PROBLEMS = 20


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="CSV with the columns key, asset, from, to and what the kind says")],
    site: Annotated[str, typer.Option(help="site key")],
    kind: Annotated[Kind, typer.Option(help="what the rows are")],
    source: Annotated[str, typer.Option(help="system or person that says so; the file's name without it")] = "",
    database_url: DatabaseUrl = "",
) -> None:
    """Keep the rows of FILE; the days in which they count are computed again. Importing twice changes nothing.

    Columns by kind: attendance: work_s, attendance_s · order: transport_s, queuing_s, planned_scrap, capacity,
    first_operation_quantity · inspection: inspected, first_pass_good, reworked_good, rework, failed, defects,
    opportunities · maintenance: type (corrective, preventive), duration_s · inventory: throughput, average_stock,
    consumed, integrated_good, production_loss, storage_transport_loss, other_loss · fuel: fuel, amount, unit (of mass,
    volume or net energy), density_kg_per_l, ncv_tj_per_gg · refrigerant: gas, amount, unit ·
    precursor: mass_t, see_direct, see_indirect (t CO2e per t). A row under a known key
    replaces what was said; the earlier statement is kept.
    """
    from kpi.substances import reader_of
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
