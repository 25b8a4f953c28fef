"""`haidang ledger`: both accounts of ingest per device and hour, and whether they add up."""

import json
import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from model.ledger import BESIDE, LATENCY_BOUNDS_MS, MESSAGE_ACCOUNT, SKEW_BOUNDS_MS, VALUE_ACCOUNT, adds_up, spread
from pilot.errors import PilotError
from pilot.options import DatabaseUrl, database
from pilot.selecting import Chosen, FromOption, JsonOption, ToOption, choose, plain

app = typer.Typer(
    help="What ingest received and what became of it: both accounts per device and hour.",
    invoke_without_command=True,
    no_args_is_help=True,
)
DEFAULT_HOURS = 24
MOST = 10_000
_UNITS = ((86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1_000, "s"))


@app.callback()
def ledger(
    context: typer.Context,
    site: Annotated[str | None, typer.Option(help="site key")] = None,
    device: Annotated[str | None, typer.Option(help="only this device")] = None,
    from_: FromOption = None,
    to: ToOption = None,
    as_json: JsonOption = False,
    database_url: DatabaseUrl = "",
) -> None:
    """Show both accounts per device and hour of receipt (the last 24 hours); exit code 1 if one does not add up.

    Messages: received = processed + rejected + redelivered. Values: decoded = stored + duplicate + conflict + rejected.
    """
    if context.invoked_subcommand:
        return
    if site is None:
        raise PilotError("Name the --site whose accounts you want to see.")
    from store import serving
    from store.pool import connect
    from store.serving import LedgerFilter, LedgerKey, Window

    with connect(database(database_url), "ledger") as connection:
        chosen = choose(connection, site)
        since = chosen.instant(from_) or datetime.now(UTC) - timedelta(hours=DEFAULT_HOURS)
        wanted = LedgerFilter(chosen.site_id, Window(from_ts=since, to_ts=chosen.instant(to)), device)
        rows = serving.ledger(chosen.scope, wanted, MOST + 1, LedgerKey())
        total = {**serving.ledger_total(chosen.scope, wanted), **serving.ledger_histograms(chosen.scope, wanted)}
    has_more, rows = len(rows) > MOST, rows[:MOST]
    if as_json:
        shown = {"site": site, "from": plain(since), "rows": [_plain(row) for row in rows], "total": _plain(total)}
        typer.echo(json.dumps({**shown, "complete": not has_more, "balanced": _balanced([*rows, total])}, indent=2))
    elif rows:
        _print(rows, total, chosen, has_more=has_more)
    else:
        typer.echo(f"no message was counted since {chosen.shown(since)} ({chosen.zone}); --from looks further back")
    if not _balanced([*rows, total]):
        raise typer.Exit(1)


@app.command()
def conflicts(
    site: Annotated[str, typer.Option(help="site key")],
    from_: FromOption = None,
    to: ToOption = None,
    limit: Annotated[int, typer.Option(min=1, max=MOST, help="at most so many, the newest first")] = 100,
    as_json: JsonOption = False,
    database_url: DatabaseUrl = "",
) -> None:
    """List values and events that came for a key that holds another one; the first stays stored."""
    from store import serving
    from store.pool import connect
    from store.serving import Window

    with connect(database(database_url), "ledger conflicts") as connection:
        chosen = choose(connection, site)
        window = Window(from_ts=chosen.instant(from_), to_ts=chosen.instant(to))
        rows = serving.conflicts(chosen.scope, chosen.site_id, window, limit, None)
    if as_json:
        typer.echo(json.dumps([{name: plain(value) for name, value in row.items()} for row in rows], indent=2))
        return
    table = Table("received", "asset", "name", "device time", "stored", "came later")
    for row in rows:
        name = row["name"] if row["event_key"] is None else f"{row['name']} {row['event_key']}"
        texts = (chosen.shown(row["received_at"]), row["asset"] or "", name, str(plain(row["ts"])))
        table.add_row(*map(escape, texts), *(escape(json.dumps(row[each])) for each in ("stored", "received")))
    Console(highlight=False).print(table if rows else "no conflicts")


def _print(
    rows: Sequence[Mapping[str, Any]], total: Mapping[str, Any], chosen: Chosen, *, has_more: bool = False
) -> None:
    table = Table(
        f"hour ({chosen.zone})",
        "device",
        "received = processed + rejected + redelivered",
        "decoded = stored + duplicate + conflict + rejected",
        *("missing seq", "replayed", "latency", "skew"),
        caption="latency and skew: p50 / p99 / most, at most; negative skew = the device's clock is ahead",
    )
    for row in rows:
        table.add_row(chosen.shown(row["hour"]), escape(row["device"] or "–"), *_cells(row))
    table.add_section()
    table.add_row("total", "", *_cells(total))
    console = Console(highlight=False)
    console.print(table)
    if has_more:
        until = chosen.shown(rows[-1]["hour"])
        console.print(
            f"… more rows: these are the first {MOST:,}, up to {until}, the total is of all; use --device, --from"
        )


def _cells(row: Mapping[str, Any]) -> list[str]:
    messages, values = adds_up(row)
    return [
        _account(row, MESSAGE_ACCOUNT, is_right=messages),
        _account(row, VALUE_ACCOUNT, is_right=values),
        f"{row['missing_seq']:,}",
        f"{row['replayed']:,}",
        _spread(row["latency_ms"], LATENCY_BOUNDS_MS),
        _spread(row["skew_ms"], SKEW_BOUNDS_MS),
    ]


def _account(row: Mapping[str, Any], names: Sequence[str], *, is_right: bool) -> str:
    whole, *parts = (f"{row[name]:,}" for name in names)
    return (
        f"{whole} {'=' if is_right else '≠'} {' + '.join(parts)} {'[green]✓[/green]' if is_right else '[red]✗[/red]'}"
    )


def _spread(counts: Sequence[int], bounds: Sequence[int]) -> str:
    found = spread(counts, bounds)
    return " / ".join(_duration(value, bounds[-1]) for value in found) if found else "–"


def _duration(ms: float, largest: int) -> str:
    if math.isinf(ms):
        return f">{_duration(largest, largest)}"
    for size, unit in _UNITS:
        if abs(ms) >= size:
            return f"{ms / size:g} {unit}"
    return f"{ms:g} ms"


def _balanced(rows: Sequence[Mapping[str, Any]]) -> bool:
    return all(all(adds_up(row)) for row in rows)


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    counts = {name: row[name] for name in (*MESSAGE_ACCOUNT, *VALUE_ACCOUNT, *BESIDE)}
    messages, values = adds_up(row)
    named = {name: plain(row[name]) for name in ("hour", "device") if name in row}
    return {
        **named,
        **counts,
        "messages_balanced": messages,
        "values_balanced": values,
        "latency_ms": _spread_of(row["latency_ms"], LATENCY_BOUNDS_MS),
        "skew_ms": _spread_of(row["skew_ms"], SKEW_BOUNDS_MS),
    }


def _spread_of(counts: Sequence[int], bounds: Sequence[int]) -> dict[str, float | None] | None:
    """Null above the last bound."""
    found = spread(counts, bounds)
    return found and {name: None if math.isinf(value) else value for name, value in found._asdict().items()}
