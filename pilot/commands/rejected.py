"""`haidang rejected`: messages that were not stored: look at them, take them out, try them again, put them aside."""

import json
import sys
import time
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pilot.errors import PilotError
from pilot.options import DatabaseUrl, database
from pilot.selecting import Chosen, FromOption, JsonOption, SiteOption, ToOption, choose, plain

if TYPE_CHECKING:
    from store.pool import Connection
    from store.replays import Selection

app = typer.Typer(help="Messages that were not stored: why, and try them again.", no_args_is_help=True)

MOST = 10_000
SHOWN_BYTES = 4_000

Reason = Annotated[str | None, typer.Option(help="reason code, e.g. unknown_site")]
Topic = Annotated[str | None, typer.Option(help="beginning of the topic")]
Status = Annotated[Literal["open", "replayed", "dismissed"] | None, typer.Option(help="only messages of this state")]
Limit = Annotated[int, typer.Option(min=1, max=MOST, help="at most so many")]
Ids = Annotated[list[int] | None, typer.Argument(help="numbers of messages; without any those that the flags select")]


@app.command("list")
def list_(
    site: SiteOption = None,
    reason: Reason = None,
    topic: Topic = None,
    status: Status = None,
    from_: FromOption = None,
    to: ToOption = None,
    limit: Limit = 100,
    as_json: JsonOption = False,
    database_url: DatabaseUrl = "",
) -> None:
    """List messages, newest first, each with its reason."""
    from store import serving
    from store.pool import connect
    from store.serving import RejectedFilter

    with connect(database(database_url), "rejected list") as connection:
        chosen = choose(connection, site)
        window = chosen.instant(from_), chosen.instant(to)
        wanted = RejectedFilter(chosen.site_id, reason, topic, *window, status)
        rows = serving.rejected(chosen.scope, wanted, limit, None)
    for row in rows:
        del row["payload_head"]
    if as_json:
        typer.echo(json.dumps([{name: plain(value) for name, value in row.items()} for row in rows], indent=2))
        return
    table = Table("id", f"last ({chosen.zone})", "times", "topic", "reason", "why", "state")
    for row in rows:
        texts = (row["topic"], row["reason"], row["detail"][:200], _state(row))
        table.add_row(str(row["id"]), chosen.shown(row["last_at"]), f"{row['times']:,}", *map(escape, texts))
    Console(highlight=False).print(table if rows else "no rejected messages")


@app.command()
def show(
    message_id: Annotated[int, typer.Argument(help="number of the message")], database_url: DatabaseUrl = ""
) -> None:
    """Show one message with its payload and what became of its replays."""
    from store import replays
    from store.pool import connect

    with connect(database(database_url), "rejected show") as connection:
        chosen = choose(connection, None)
        row = replays.one(chosen.scope, message_id)
        if row is None:
            raise PilotError(f"There is no rejected message {message_id}; see `haidang rejected list`.")
        requests = replays.requests(chosen.scope, message_id)
    payload = bytes(row.pop("payload"))
    table = Table(show_header=False)
    for name, value in row.items():
        table.add_row(name, escape(str(plain(value))))
    for request in requests:
        table.add_row(f"replay of {plain(request['requested_at'])}", escape(request["outcome"] or "waits"))
    console = Console(highlight=False)
    console.print(table)
    console.print(escape(payload[:SHOWN_BYTES].decode("utf-8", "backslashreplace")))
    if len(payload) > SHOWN_BYTES:
        console.print(f"… {len(payload) - SHOWN_BYTES:,} more bytes: `haidang rejected export` has them")


@app.command()
def export(
    site: SiteOption = None,
    reason: Reason = None,
    topic: Topic = None,
    status: Status = None,
    from_: FromOption = None,
    to: ToOption = None,
    limit: Limit = MOST,
    output: Annotated[Path | None, typer.Option(help="file to write; without it standard output")] = None,
    database_url: DatabaseUrl = "",
) -> None:
    """Take messages out as NDJSON, oldest first: topic, payload in base64, reason and more."""
    import msgspec

    from store import replays
    from store.pool import connect
    from store.replays import Selection

    with connect(database(database_url), "rejected export") as connection:
        chosen = choose(connection, site)
        window = chosen.instant(from_), chosen.instant(to)
        wanted = Selection(chosen.site_id, reason, topic, *window, status=status)
        with nullcontext(sys.stdout.buffer) if output is None else output.open("wb") as file:
            for row in replays.export(chosen.scope, wanted, limit):
                file.write(msgspec.json.encode(row) + b"\n")


@app.command()
def replay(
    ids: Ids = None,
    site: SiteOption = None,
    reason: Reason = None,
    topic: Topic = None,
    from_: FromOption = None,
    to: ToOption = None,
    limit: Limit = 1_000,
    wait_s: Annotated[float, typer.Option("--wait", min=0, help="wait so many seconds for ingest to do it")] = 0,
    database_url: DatabaseUrl = "",
) -> None:
    """Try open messages again with the mapping of today; ingest does it within seconds, each once."""
    from store import access, replays
    from store.pool import connect

    with connect(database(database_url), "rejected replay") as connection:
        chosen, wanted = _selected(connection, ids, site, reason, topic, from_, to)
        asked = replays.ask(chosen.scope, wanted, None, limit)
        access.record_audit(connection, None, "rejected.replay", "", _shown(wanted, asked=asked.asked))
        connection.commit()
        parts = [f"{asked.asked:,} of {asked.found:,} open messages wait for their replay"]
        parts += [f"{asked.waiting:,} waited already"] if asked.waiting else []
        parts += [f"{asked.not_replayable:,} were not kept as they were sent"] if asked.not_replayable else []
        parts += [f"{asked.more:,} more: ask again"] if asked.more else []
        typer.echo("; ".join(parts))
        if asked.asked and wait_s:
            _follow(connection, asked.requests, wait_s)


@app.command()
def dismiss(
    ids: Ids = None,
    site: SiteOption = None,
    reason: Reason = None,
    topic: Topic = None,
    from_: FromOption = None,
    to: ToOption = None,
    limit: Limit = 1_000,
    database_url: DatabaseUrl = "",
) -> None:
    """Put open messages aside; nothing is deleted."""
    from store import access, replays
    from store.pool import connect

    with connect(database(database_url), "rejected dismiss") as connection:
        chosen, wanted = _selected(connection, ids, site, reason, topic, from_, to)
        count = replays.dismiss(chosen.scope, wanted, limit)
        access.record_audit(connection, None, "rejected.dismiss", "", _shown(wanted, dismissed=count))
    typer.echo(f"{count:,} messages put aside")


def _selected(
    connection: "Connection",
    ids: list[int] | None,
    site: str | None,
    reason: str | None,
    topic: str | None,
    *window: Any,
) -> "tuple[Chosen, Selection]":
    from store.replays import Selection

    if not ids and not any((site, reason, topic, *window)):
        raise PilotError("Say which messages: their numbers, or --site, --reason, --topic, --from, --to.")
    chosen = choose(connection, site)
    since, until = (chosen.instant(each) for each in window)
    return chosen, Selection(chosen.site_id, reason, topic, since, until, ids or None)


def _follow(connection: "Connection", requests: Sequence[int], wait_s: float) -> None:
    """Wait for the outcomes of these requests and add them up."""
    from store import replays

    end = time.monotonic() + wait_s
    done = replays.outcomes(connection, requests)
    while sum(done.values()) < len(requests) and time.monotonic() < end:
        time.sleep(0.2)
        connection.commit()
        done = replays.outcomes(connection, requests)
    for outcome, count in done.items():
        typer.echo(f"{count:>7,} × {outcome}")
    if (left := len(requests) - sum(done.values())) > 0:
        raise PilotError(f"{left:,} still wait after {wait_s:g} s: does ingest run?")


def _shown(wanted: "Selection", **more: int) -> dict[str, Any]:
    return {name: str(value) for name, value in vars(wanted).items() if value is not None} | more


def _state(row: dict[str, Any]) -> str:
    if row["requested_at"] and not row["done_at"]:
        return "waits for its replay"
    state = row["status"] if row["replayable"] or row["status"] != "open" else "open, cannot be replayed"
    return f"{state}: {row['outcome']}" if row["outcome"] else str(state)
