"""`haidang bench`: measurements, each beside something to compare it with."""

from typing import Annotated

import typer

app = typer.Typer(help="Measure this machine; results are ratios within one run.", no_args_is_help=True)


@app.callback()
def _bench() -> None:
    """Measure this machine; results are ratios within one run."""


@app.command()
def ingest(
    values_per_message: Annotated[int, typer.Option(help="1 or 20 are the usual ones", min=1, max=1000)] = 20,
    messages: Annotated[int, typer.Option(help="messages to send; 0 = as many as suit", min=0)] = 0,
    json: Annotated[bool, typer.Option("--json", help="as JSON")] = False,
) -> None:
    """Publish → committed with sent = stored shown, beside a raw keyed binary COPY of the same rows."""
    from pilot.bench_ingest import main

    raise typer.Exit(main(values_per_message=values_per_message, messages=messages or None, as_json=json))
