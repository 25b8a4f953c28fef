"""`haidang site`: the registry of a factory from a YAML file."""

from json import dumps
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

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
    from store.pool import connect
    from store.registry import apply_site
    from store.site_file import read_site_file

    read = read_site_file(file, data)
    with connect(database(database_url), "site apply") as connection:
        changed = apply_site(connection, read)
    parts = [f"{count} {table}" for table, count in changed.items() if count]
    Console(highlight=False).print(f"{read.site.key}: {', '.join(parts) + ' new or changed' if parts else 'no change'}")


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
