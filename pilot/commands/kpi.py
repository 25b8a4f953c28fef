"""`haidang kpi`: compute KPIs, show them."""

import csv
import json
import sys
from collections import Counter
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from model.vocabulary import Grain
from pilot import numbers
from pilot.commands.kpi_catalogue import catalogue, known_kpi
from pilot.errors import PilotError
from pilot.kpi_progress import shown
from pilot.options import DatabaseUrl, database, in_order
from pilot.quiet import only_warnings
from pilot.selecting import choose, known_asset
from pilot.times import FORMATS, METAVAR

if TYPE_CHECKING:
    from kpi.running.recompute import Asked
    from kpi.worked import Result

Reason = Literal["late_data", "annotation", "calendar", "registry", "mapping", "definition", "factor_set"]
app = typer.Typer(help="Compute KPIs and show them.", no_args_is_help=True)
app.command()(catalogue)


@app.command()
def run(
    site: Annotated[str | None, typer.Option(help="only this site")] = None,
    processes: Annotated[int | None, typer.Option(help="processes that compute", min=1, max=64)] = None,
    database_url: DatabaseUrl = "",
) -> None:
    """Compute what new data and changes have made dirty, and make final what is due; then end.

    Ingest, corrections, records and changes of the registry mark the days that
    they touch; this answers the marks, as the service (`python -m kpi`) does all
    the time. It can be stopped, or run beside others, whenever you like: days are
    stored whole or not at all, and keep their mark until then. After an import,
    run it once at the end rather than day by day.

    Exit code 0 when nothing failed, 1 when the database or a site did (the other
    sites are computed), 130 after Ctrl-C.
    """
    _compute(database(database_url), site, processes)


@app.command()
def recompute(
    site: Annotated[str, typer.Option(help="site key")],
    from_: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="first production day")],
    to: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="last production day, included")],
    reason: Annotated[Reason, typer.Option(help="cause that the new revisions name")],
    note: Annotated[str, typer.Option(help="kept in the audit log")] = "",
    processes: Annotated[int | None, typer.Option(help="processes that compute", min=1, max=64)] = None,
    database_url: DatabaseUrl = "",
) -> None:
    """Compute days again that were computed before; what comes out differently is a revision with this reason.

    Needed only for what leaves no mark by itself, as a new definition or data
    restored behind the service's back: changes of the registry, corrections and
    late data mark their days. Days after the last one follow as far as they are
    handed something else. What is equal stays; revisions that stood before can be
    read with `haidang kpi show --as-of`.

    Example: haidang kpi recompute --site pilot --from 2026-10-01 --to 2026-10-31
    --reason mapping --note "HELD was not mapped"
    """
    from kpi.running.recompute import Wanted, ask
    from store.pool import connect

    url = database(database_url)
    with connect(url, "kpi recompute") as connection:
        wanted = Wanted(site, from_.date(), to.date(), reason, note)
        asked = ask(connection, wanted, datetime.now(UTC))
    typer.echo(f"{site}: {asked.first} – {asked.last} are computed again ({reason})", err=True)
    _compute(url, asked, processes)


def _compute(url: str, site: "str | Asked | None", processes: int | None) -> None:
    from kpi.running.job import run_once

    only_warnings()
    try:
        with shown(Console(stderr=True)) as progress:
            summary = run_once(url, site=site, progress=progress, processes=processes)
    except KeyboardInterrupt:
        typer.echo("Stopped: days that are stored stay, the others keep their mark for `haidang kpi run`.", err=True)
        raise typer.Exit(130) from None
    typer.echo(summary.text())


@app.command()
def show(
    kpi: Annotated[str, typer.Option(help="KPI of the catalogue, e.g. oee, energy")],
    site: Annotated[str, typer.Option(help="site key")],
    asset: Annotated[str, typer.Option(help="asset path; without it the site itself")] = "",
    grain: Annotated[Grain, typer.Option(help="window of the values")] = Grain.DAY,
    variant: Annotated[str, typer.Option(help="e.g. capped; of a capability its characteristic")] = "",
    from_: Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="first production day")] = None,
    to: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="last production day, included")] = None,
    as_of: Annotated[datetime | None, typer.Option(help="as the values stood at this instant (UTC)")] = None,
    format_: Annotated[Literal["table", "json", "csv"], typer.Option("--format", help="how to print it")] = "table",
    database_url: DatabaseUrl = "",
) -> None:
    """Show stored values with what they were made of and how far they can be trusted."""
    from kpi.catalogue import CATALOGUE
    from store import serving
    from store.pool import connect
    from store.registry import asset_ids, site_id

    kpi = known_kpi(kpi)
    in_order(from_, to)
    window = serving.Window(from_day=_day(from_), to_day=_day(to + timedelta(days=1)) if to else None)
    with connect(database(database_url), "kpi show") as connection:
        number = site_id(connection, site)
        chosen = known_asset(asset_ids(connection, number), site, asset)
        wanted = serving.ValueFilter([chosen], kpi, grain, window, _variant(kpi, variant), as_of=as_of)
        rows = serving.kpi_values(serving.Scope(connection, [number]), wanted, None, serving.ValueKey())
    _print([{name: row[name] for name in row if name != "asset_id"} for row in rows], format_, CATALOGUE[kpi].unit)


@app.command()
def explain(
    kpi: Annotated[str, typer.Option(help="KPI of the catalogue, e.g. oee, energy")],
    site: Annotated[str, typer.Option(help="site key")],
    asset: Annotated[str, typer.Option(help="asset path; without it the site itself")] = "",
    grain: Annotated[Grain, typer.Option(help="window of the value")] = Grain.DAY,
    day: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="first production day of the window; default the newest"),
    ] = None,
    at: Annotated[
        datetime | None,
        typer.Option(
            formats=FORMATS,
            metavar=METAVAR,
            help="begin of the window by the clock of the site, e.g. with --grain hour",
        ),
    ] = None,
    shift: Annotated[str | None, typer.Option(help="with --grain shift")] = None,
    job: Annotated[str | None, typer.Option(help="with --grain job")] = None,
    product: Annotated[str | None, typer.Option(help="with --grain product")] = None,
    variant: Annotated[str, typer.Option(help="e.g. capped")] = "",
    as_of: Annotated[datetime | None, typer.Option(help="the value as it stood at this instant (UTC)")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="as JSON")] = False,
    database_url: DatabaseUrl = "",
) -> None:
    """Say why a value is so: formula with its numbers, losses in minutes that add up, raw rows, revisions."""
    from kpi.explained.explanation import Explainer
    from pilot.explain_show import show as show_explanation
    from store import serving
    from store.pool import connect
    from store.registry import asset_ids, site_id

    kpi = known_kpi(kpi)
    with connect(database(database_url), "kpi explain") as connection:
        number = site_id(connection, site)
        begin = choose(connection, site).instant(at)
        window = serving.Window(
            from_day=_day(day),
            to_day=_day(day + timedelta(days=1)) if day else None,
            from_ts=begin,
            to_ts=begin + timedelta(seconds=1) if begin else None,
        )
        wanted = serving.ValueFilter(
            [known_asset(asset_ids(connection, number), site, asset)],
            *(kpi, grain, window, _variant(kpi, variant), shift, product, job, as_of),
        )

        def read() -> dict[str, Any]:
            rows = serving.kpi_values(serving.Scope(connection, [number]), wanted, None, serving.ValueKey())
            if not rows:
                raise PilotError("There is no such value; see `haidang kpi show` with the same flags.")
            return rows[-1]

        found = Explainer(connection, number).explain_read(read)
    if as_json:
        typer.echo(json.dumps(asdict(found), default=str, ensure_ascii=False, indent=2))
    else:
        show_explanation(found)


def _variant(kpi: str, variant: str) -> str | None:
    """The variant wanted; of a capability without one, the values of all characteristics."""
    from kpi.catalogue import CATALOGUE, Basis

    return None if CATALOGUE[kpi].basis is Basis.SAMPLE and not variant else variant


@app.command()
def findings(
    site: Annotated[str, typer.Option(help="site key")],
    from_: Annotated[datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="first production day")] = None,
    to: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="last production day, included")] = None,
    format_: Annotated[Literal["table", "json", "csv"], typer.Option("--format", help="how to print it")] = "table",
    database_url: DatabaseUrl = "",
) -> None:
    """Show what the newest computation of each day noticed and somebody should look at."""
    from kpi.explained.sentences import listed
    from store import marks
    from store.pool import connect
    from store.registry import site_id, snapshot

    with connect(database(database_url), "kpi findings") as connection:
        zone = snapshot(connection, site, datetime.now(UTC)).timezone
        rows = listed(marks.findings(connection, site_id(connection, site), _day(from_), _day(to)), zone)
    if format_ != "table":
        _print(rows, format_, "")
    elif rows:
        table = Table("days", "asset", "kind", "what")
        for row in rows:
            days = str(row["from_day"]) if row["from_day"] == row["to_day"] else f"{row['from_day']} – {row['to_day']}"
            table.add_row(days, escape(row["asset"] or site), row["kind"], escape(row["text"]))
        Console(highlight=False).print(table)
    else:
        typer.echo("nothing was noticed")


@app.command("check-examples")
def check_examples(
    file: Annotated[Path, typer.Argument(help="worked examples: a JSON list, or a folder of such files")],
    as_json: Annotated[bool, typer.Option("--json", help="as JSON")] = False,
) -> None:
    """Answer worked examples with the functions that compute the KPIs; exit code 1 when one fails."""
    from kpi.worked import check

    results = check(file)
    if as_json:
        typer.echo(json.dumps([asdict(result) for result in results], ensure_ascii=False, indent=2))
    else:
        _show_examples(results)
    if any(result.outcome == "fail" for result in results):
        raise typer.Exit(1)


def _show_examples(results: "list[Result]") -> None:
    colours = {"pass": "green", "fail": "red", "unsupported": "yellow"}
    table = Table("example", "kind", "outcome", "", title="Worked examples", title_justify="left")
    for result in results:
        left_out = f"not covered: {', '.join(result.uncovered)}" if result.uncovered else ""
        detail = "; ".join(filter(None, (*result.details, left_out)))
        colour = colours[result.outcome]
        table.add_row(escape(result.id), escape(result.kind), f"[{colour}]{result.outcome}[/{colour}]", escape(detail))
    console = Console(highlight=False)
    console.print(table)
    counts = Counter(result.outcome for result in results)
    console.print(", ".join(f"{counts[outcome]} {outcome}" for outcome in colours))


def _print(rows: list[dict[str, Any]], format_: str, unit: str) -> None:
    if format_ == "json":
        typer.echo(json.dumps([{key: _plain(value) for key, value in row.items()} for row in rows], indent=2))
    elif format_ == "csv":
        writer = csv.DictWriter(sys.stdout, list(rows[0]) if rows else ["value"], lineterminator="\n")
        writer.writeheader()
        writer.writerows({key: _cell(value) for key, value in row.items()} for row in rows)
    else:
        none = "no values; `haidang kpi run` computes them once there are data"
        Console(highlight=False).print(_table(rows, unit) if rows else none)


def _table(rows: list[dict[str, Any]], unit: str) -> Table:
    keys = ("variant", "production_day", "window_start", "shift", "product", "job")
    shown = [name for name in keys if any(row[name] for row in rows)]
    table = Table(*shown, f"value ({unit})", "coverage", "completeness", "status", "flags")
    for row in rows:
        trust = (
            numbers.share(row["coverage"]),
            numbers.share(row["completeness"]),
            row["status"],
            ", ".join(row["flags"]),
        )
        table.add_row(*(_cell(row[name]) for name in shown), numbers.number(row["value"]), *trust)
    return table


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date | datetime) else value


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(value)
    if isinstance(value, datetime):
        return value.isoformat(timespec="minutes")
    return "" if value is None else str(value)


def _day(value: datetime | None) -> date | None:
    return value.date() if value else None
