"""`haidang config`: every setting, where it comes from, and what it is for."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table


def config(
    json: Annotated[bool, typer.Option("--json", help="as JSON")] = False,
) -> None:
    """Show the settings of all services as they are now; secrets are never shown."""
    from pilot.settings import all_settings, as_json

    settings = all_settings()
    if json:
        typer.echo(as_json(settings))
        return
    table = Table("variable", "value", "from", "of", "meaning")
    for setting in settings:
        table.add_row(setting.variable, setting.shown, setting.source, setting.service, setting.meaning)
    Console().print(table)
