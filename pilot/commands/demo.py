"""`haidang demo`: the whole chain in one command."""

import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pilot import numbers
from pilot.quiet import only_warnings

if TYPE_CHECKING:
    from pilot.summary import Summary


def demo(
    days: Annotated[float, typer.Option(min=0.25, max=400, help="days of history to make and compute")] = 1.0,
    once: Annotated[bool, typer.Option("--once", help="compute the KPIs, show them and stop")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="go on with the data of the last demo")] = False,
    port: Annotated[int, typer.Option(help="port of the API and console")] = 8000,
    sample_period: Annotated[int, typer.Option(help="seconds between readings of the virtual plant")] = 10,
    seed: Annotated[int, typer.Option(help="same seed, same plant")] = 1,
    home: Annotated[Path, typer.Option(help="folder for data and logs")] = Path(".haidang"),
) -> None:
    """Run the whole chain on this machine: virtual plant, broker, ingest, database, KPIs, console.

    Needs no Docker and no root. Without --keep it begins with an empty database.
    """
    from api.sessions import login_link
    from pilot.demo import Options, watch
    from pilot.demo import demo as run

    only_warnings()
    console = Console(highlight=False)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())

    def say(text: str) -> None:
        console.print(f"[dim]·[/dim] {escape(text)}")

    options = Options(days, once, keep, port, sample_period, seed, home)
    with run(options, say) as (stack, summary):
        _show(console, summary)
        if not summary.ok:
            raise typer.Exit(1)
        if once:
            return
        link = login_link(stack.session_secret, stack.api_url, stack.key)
        console.print(f"\nConsole  [bold]{link}[/bold]  (once, within 10 minutes)", soft_wrap=True)
        console.print(f"API      {stack.api_url}/docs   key {stack.key}", soft_wrap=True)
        console.print(f"Database export HAIDANG_DATABASE_URL='{stack.database_url}'", soft_wrap=True, markup=False)
        console.print(f"Evidence signed by {stack.evidence_key.public}", soft_wrap=True)
        console.print(f"Logs     {home / 'logs'}\nStop with Ctrl-C.")
        watch(stack, stop, say)
        console.print("Stopping")


def _show(console: Console, summary: "Summary") -> None:
    stages = Table("stage", "result", "", title="The chain", title_justify="left")
    for stage in summary.stages:
        stages.add_row(stage.name, stage.result, "[green]ok[/green]" if stage.ok else "[red]failed[/red]")
    days = ", ".join(sorted({line.day for line in summary.lines if line.day}))
    lines = Table("line", "OEE", "A", "E", "Q", "kWh", "kg CO2e", title=f"Production day {days}", title_justify="left")
    for line in summary.lines:
        ratios = (line.oee, line.availability, line.effectiveness, line.quality)
        amounts = (line.energy_kwh, line.co2e_kg)
        lines.add_row(line.line, *map(numbers.share, ratios), *map(numbers.amount, amounts))
    console.print(stages)
    console.print(lines)
