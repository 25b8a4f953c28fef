"""`haidang key`: API keys."""

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from model.vocabulary import KEY_ROLES
from pilot.errors import PilotError
from pilot.options import DatabaseUrl, database

app = typer.Typer(help="Make and end keys of the API and console.", no_args_is_help=True)


@app.command()
def create(
    account: Annotated[str, typer.Argument(help="who the key is for")],
    role: Annotated[str, typer.Option(help=f"one of {', '.join(KEY_ROLES)}")] = "viewer",
    site: Annotated[list[str] | None, typer.Option(help="site the key may see; repeat for more")] = None,
    days: Annotated[int, typer.Option(min=1, help="days until the key ends; at most 366 for an assessor")] = 365,
    database_url: DatabaseUrl = "",
) -> None:
    """Make a key and show it once; only its hash is kept."""
    from store import access
    from store.pool import connect

    if not site and role != "admin":
        raise PilotError("Name at least one --site that the key may see (a key of role admin sees all).")
    with connect(database(database_url), "key create") as connection:
        expires_at = datetime.now(UTC) + timedelta(days=days)
        key = access.create_key(connection, account, role=role, sites=site or (), expires_at=expires_at)
    Console(stderr=True, highlight=False).print(f"Key of {account} ({role}), until {expires_at:%Y-%m-%d}; shown once:")
    typer.echo(key)


@app.command("list")
def list_(database_url: DatabaseUrl = "") -> None:
    """List keys with role, sites and times; secrets cannot be shown."""
    from store import access
    from store.pool import connect

    with connect(database(database_url), "key list") as connection:
        rows = access.list_keys(connection)
    table = Table(*(rows[0] if rows else ["no keys"]))
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row.values()))
    Console().print(table)


@app.command()
def revoke(prefix: Annotated[str, typer.Argument(help="the part after hd_")], database_url: DatabaseUrl = "") -> None:
    """End a key and its sessions."""
    from store import access
    from store.pool import connect

    with connect(database(database_url), "key revoke") as connection:
        if not access.revoke_key(connection, prefix):
            raise PilotError(f"There is no usable key {prefix!r}; see `haidang key list`.")
    Console().print(f"Key {prefix} ended.")
