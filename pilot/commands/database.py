"""`haidang db`: schema and role passwords."""

import os
from typing import TYPE_CHECKING

import typer
from rich.console import Console

from pilot.errors import PilotError
from pilot.options import DatabaseUrl, database

if TYPE_CHECKING:
    from store.revision import Status

app = typer.Typer(help="Set up and upgrade the database.", no_args_is_help=True)


@app.command()
def migrate(database_url: DatabaseUrl = "") -> None:
    """Create the schema or bring it to this version; safe to repeat. Connect as the owner of the database."""
    from store.migrate import migrate as run

    _show(run(database(database_url)))


@app.command()
def status(database_url: DatabaseUrl = "") -> None:
    """Tell which schema the database has and what server it is; exit code 1 when it is not this version's."""
    from store.revision import status as read_status

    found = read_status(database(database_url))
    _show(found)
    if not found.up_to_date:
        raise typer.Exit(1)


@app.command()
def passwords(database_url: DatabaseUrl = "") -> None:
    """Set the passwords of the service roles from HAIDANG_DB_PASSWORD_INGEST, _KPI, _API, _EVIDENCE and _GRAFANA."""
    from store.roles import ROLES, set_password

    given = {role: os.environ.get(f"HAIDANG_DB_PASSWORD_{role.removeprefix('haidang_').upper()}") for role in ROLES}
    if not any(given.values()):
        raise PilotError("None of HAIDANG_DB_PASSWORD_INGEST, _KPI, _API, _EVIDENCE, _GRAFANA is set.")
    for role, password in given.items():
        if password:
            set_password(database(database_url), role, password)
            Console().print(f"{role}: password set")


def _show(found: "Status") -> None:
    edition = {"timescale": "Community", "apache": "Apache"}.get(found.license or "", "")
    server = f"TimescaleDB {found.timescaledb} ({edition} edition)" if found.timescaledb else "no TimescaleDB"
    state = "up to date" if found.up_to_date else f"needs {found.head}: run `haidang db migrate`"
    Console(highlight=False).print(
        f"schema {found.current or 'empty'} ({state})\nserver PostgreSQL {found.server}, {server}"
    )
