"""`haidang map`: check mapping files, and try them on what machines really send."""

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.status import Status

from pilot.options import BrokerUrl, required
from pilot.quiet import only_warnings

if TYPE_CHECKING:
    from ingest.trial import Trial

app = typer.Typer(help="Check mapping files, and try them on live traffic.", no_args_is_help=True)
EVERYTHING = "#"
MappingFiles = Annotated[
    list[Path] | None, typer.Option("--mapping", help="mapping file, or folder of them; repeat for more")
]


@app.command()
def check(files: Annotated[list[Path], typer.Argument(help="mapping files, or folders of them")]) -> None:
    """Read mapping files as ingest would, and say what each of them reads."""
    from ingest.mapping.files import load_named

    for file, mapping in load_named(files):
        what = f"{len(mapping.values)} values, {len(mapping.events)} events"
        typer.echo(f"{file}: format {mapping.format}, {what}, subscribes to {mapping.subscription}")


@app.command("try")
def try_(
    mapping: MappingFiles = None,
    broker_url: BrokerUrl = "",
    seconds: Annotated[float, typer.Option(min=0.5, max=3600, help="how long to listen")] = 15.0,
    messages: Annotated[int, typer.Option(min=1, help="stop after so many messages")] = 1_000_000,
    topic: Annotated[
        list[str] | None, typer.Option(help="topic filter to listen to as well; with --file the topic of a payload")
    ] = None,
    file: Annotated[
        list[Path] | None, typer.Option(help="read messages from files and not from a broker", exists=True)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print data for a program")] = False,
) -> None:
    """Show what mappings make of messages, what no rule matches, and a first guess at rules for that.

    Without --mapping it shows what is understood without one. Nothing is stored and nothing is published. The exit code
    is 1 when no message came or was read, a rule matched nothing, or something was refused.
    """
    from ingest.mapping.files import load_named
    from ingest.trial import Trial
    from pilot.map_report import as_data, show
    from pilot.map_summary import summarize

    only_warnings()
    trial = Trial(load_named(mapping or []))
    filters = [] if file else _filters(trial, topic or [])
    if file:
        where = f"in {', '.join(map(str, file))}"
        _read(trial, file, (topic or [""])[0])
    else:
        where = _listen(trial, required(broker_url, "HAIDANG_BROKER_URL"), filters, seconds, messages)
    summary = summarize(trial, where, filters)
    if as_json:
        typer.echo(json.dumps(as_data(trial, summary), ensure_ascii=False, indent=2))
    else:
        show(Console(highlight=False), trial, summary)
    raise typer.Exit(0 if summary.ok else 1)


def _read(trial: "Trial", paths: Sequence[Path], topic: str) -> None:
    from pilot.captured import captured

    for path in paths:
        for message in captured(path, topic):
            trial.see(message.topic, message.payload, message.received_us)


def _listen(trial: "Trial", url: str, filters: Sequence[str], seconds: float, most: int) -> str:
    """Let the trial see what is published for a while; returns where and how long that was."""
    from pilot.listen import Listener

    console = Console(stderr=True)

    def take(name: str, payload: bytes, _kept: bool) -> None:
        trial.see(name, payload, time.time_ns() // 1000)

    listener = Listener(url, filters, take)
    began = time.monotonic()
    with Status("connecting …", console=console) as status:

        def tick(left: float) -> None:
            status.update(
                f"{trial.messages:,} messages on {len(trial.topics):,} topics, {left:.0f} s left (Ctrl-C ends)"
            )

        try:
            listener.listen(seconds, lambda: trial.messages >= most, tick)
        except KeyboardInterrupt:
            status.update("ending …")
    return f"within {time.monotonic() - began:.0f} s from {listener.place}"


def _filters(trial: "Trial", topics: Sequence[str]) -> list[str]:
    """What the mappings read, and these topics; without either, everything that may be read."""
    from ingest.route import without_covered

    own = [mapping.subscription for mapping in trial.mappings if mapping.format != "sparkplug"]
    if any(mapping.format == "sparkplug" for mapping in trial.mappings):
        own.append("spBv1.0/#")
    return without_covered([*topics, *own]) or [EVERYTHING]
