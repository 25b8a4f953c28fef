"""`haidang simulate` and `haidang replay`: data from a virtual plant or from recordings, over MQTT."""

import sys
from pathlib import Path
from typing import Annotated, Literal, cast

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from pilot.errors import PilotError
from pilot.options import BrokerUrl, required

PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}


def simulate(context: typer.Context) -> None:
    """Run the virtual plant; all flags of `python -m simulators` (try `haidang simulate --help`)."""
    from simulators.__main__ import main

    sys.argv[1:] = context.args
    raise typer.Exit(main())


def replay(
    files: Annotated[list[Path], typer.Argument(help="recordings, folders or globs; .gz is read as it is")],
    mapping: Annotated[Path, typer.Option(help="mapping file with a `replay:` section", exists=True)],
    speed: Annotated[str, typer.Option(help="max, or a multiple of real time")] = "max",
    shift_to: Annotated[str, typer.Option(help="now (by whole weeks) or none")] = "none",
    broker_url: BrokerUrl = "",
) -> None:
    """Publish recordings as their devices would have done, keeping device time."""
    from simulators.replay import ReplayProgress, Speed
    from simulators.replay import replay as publish

    if shift_to not in {"now", "none"}:
        raise PilotError("--shift-to is now or none.")
    shift = cast("Literal['now', 'none']", shift_to)
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("publishing", total=None)

        def show(progress: ReplayProgress) -> None:
            text = f"{progress.rows:,} rows, {progress.messages:,} messages"
            bar.update(task, completed=progress.rows, total=progress.rows_total or None, description=text)

        pace: Speed = "max" if speed == "max" else _number(speed)
        url = required(broker_url, "HAIDANG_BROKER_URL")
        done = publish(files, mapping, url, speed=pace, shift_to=shift, report=show)
    Console(highlight=False).print(
        f"{done.rows:,} rows of {done.files} files in {done.messages:,} messages, {done.acknowledged:,} acknowledged, "
        f"{done.rows_per_s:,.0f} rows/s; {done.untimed_rows} rows without a readable time"
    )
    if not done.complete:
        raise typer.Exit(1)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise PilotError(f"--speed is max or a number, not {text!r}.") from None
