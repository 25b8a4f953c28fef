"""`haidang site`: the registry of a factory from a YAML file."""

from collections.abc import Sequence
from datetime import datetime
from json import dumps
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console

from model.instants import instant
from pilot.options import DatabaseUrl, database

app = typer.Typer(help="Describe a factory: assets, series, calendar, products.", no_args_is_help=True)


@app.command()
def apply(
    file: Annotated[Path, typer.Argument(help="site file (YAML); examples/ has some", exists=True, dir_okay=False)],
    data: Annotated[Path | None, typer.Option(help="folder of the CSV tables that the file names")] = None,
    database_url: DatabaseUrl = "",
) -> None:
    """Make the registry say what FILE says; applying it twice changes nothing. What changed is computed again.

    Machines and series that FILE no longer names retire: their data stay, and a later FILE can bring them back.
    """
    from store.marks import marks
    from store.pool import connect
    from store.registry import apply_site, site_id
    from store.site_file import read_site_file

    read = read_site_file(file, data)
    with connect(database(database_url), "site apply") as connection:
        changed = apply_site(connection, read)
        waiting = marks(connection, site_id(connection, read.site.key))
    parts = [f"{count} {table}" for table, count in changed.items() if count]
    console = Console(highlight=False)
    console.print(f"{read.site.key}: {', '.join(parts) + ' new or changed' if parts else 'no change'}")
    told = [(each.cause, instant(each.from_us), instant(each.to_us)) for each in waiting] if parts else []
    for line in waiting_days(told, ZoneInfo(read.site.timezone)):
        console.print(line, soft_wrap=True)


def waiting_days(marks: Sequence[tuple[str, datetime, datetime]], zone: ZoneInfo) -> list[str]:
    """One line for each cause other than data: from which to which local date the KPI job computes anew for it."""
    spans: dict[str, tuple[datetime, datetime]] = {}
    for cause, begin, end in marks:
        if cause not in {"data", "carry"}:
            first, last = spans.get(cause, (begin, end))
            spans[cause] = (min(first, begin), max(last, end))
    return [
        f"to be computed again: {first.astimezone(zone):%Y-%m-%d} – {last.astimezone(zone):%Y-%m-%d} (cause {cause})"
        for cause, (first, last) in sorted(spans.items())
    ]


@app.command()
def show(
    key: Annotated[str, typer.Argument(help="key of the site")],
    json: Annotated[bool, typer.Option("--json", help="as JSON")] = False,
    database_url: DatabaseUrl = "",
) -> None:
    """Show what is registered at a site, its quotas, how much of them is in use, and what was refused for them."""
    from pilot.site_show import lines
    from store.pool import connect
    from store.site_quota import use

    with connect(database(database_url), "site show") as connection:
        found = use(connection, key)
    if json:
        typer.echo(dumps({**found._asdict(), "refused": [row[:2] for row in found.refused]}, indent=2))
    else:
        Console(highlight=False).print("\n".join(lines(found)), soft_wrap=True)
