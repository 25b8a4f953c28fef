"""`haidang stops`: what machines did when, and corrections of it by engineers; nothing is overwritten."""

import getpass
import json
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from pilot.errors import PilotError
from pilot.options import DatabaseUrl, database
from pilot.selecting import Chosen, JsonOption, choose, known_asset, plain
from pilot.times import FORMATS, METAVAR, at_site, check_range, end_of_second, shown

if TYPE_CHECKING:
    from store.annotations import Author
    from store.pool import Connection

app = typer.Typer(help="Stops: list them, say what they were, split them.", no_args_is_help=True)

MOST = 10_000
STOPS = ("setup", "delay", "down_no_order", "planned_down", "unknown")

Site = Annotated[str, typer.Option(help="site key")]
Asset = Annotated[str, typer.Option(help="asset path")]
From = Annotated[
    datetime | None,
    typer.Option("--from", formats=FORMATS, metavar=METAVAR, help="begin, by the clock of the site or with an offset"),
]
To = Annotated[datetime | None, typer.Option(formats=FORMATS, metavar=METAVAR, help="end, not included")]
At = Annotated[
    datetime | None,
    typer.Option(formats=FORMATS, metavar=METAVAR, help="a time of the stop as `stops list` shows it; no --from, --to"),
]
Note = Annotated[str, typer.Option(help="why")]
Reason = Annotated[str, typer.Option(help="reason of the registry")]
Product = Annotated[str, typer.Option(help="product that was made")]
Supersedes = Annotated[int | None, typer.Option(min=1, help="number of the correction whose place it takes")]
By = Annotated[str, typer.Option(envvar="HAIDANG_ACCOUNT", help="who says so; without it the user of this computer")]


@app.command("list")
def list_(
    site: Site,
    asset: Annotated[str | None, typer.Option(help="only this asset")] = None,
    from_: From = None,
    to: To = None,
    all_: Annotated[bool, typer.Option("--all", help="production and time that is not scheduled, too")] = False,
    limit: Annotated[int, typer.Option(min=1, max=MOST, help="at most so many")] = 200,
    as_json: JsonOption = False,
    database_url: DatabaseUrl = "",
) -> None:
    """List stops: class, reason, what they were before a correction, and the correction: what, who, when, why."""
    from store import serving
    from store.pool import connect
    from store.serving import IntervalFilter, IntervalKey, Window

    with connect(database(database_url), "stops list") as connection:
        chosen = choose(connection, site)
        begin, end = _range(chosen, from_, to)
        window = Window(from_ts=begin, to_ts=end)
        assets = _assets(chosen, site, asset)
        wanted = IntervalFilter(assets, window, () if all_ else STOPS)
        rows = serving.intervals(chosen.scope, wanted, limit, IntervalKey())
    if as_json:
        typer.echo(
            json.dumps([{name: _told(row[name]) for name in row if name != "asset_id"} for row in rows], indent=2)
        )
        return
    names = ("from", "asset", "minutes", "class", "reason", "state", "originally", "correction")
    cells = []
    for row in rows:
        of_class = "/".join(filter(None, (row["time_class"], row["sub_class"])))
        texts = (
            _clock(chosen, row["from_ts"]),
            row["asset"],
            f"{row['duration_s'] / 60:,.2f}",
            of_class,
            row["reason"],
        )
        cells.append((*texts, row["state"], _original(row), _correction(chosen, row["annotation"])))
    console = Console(highlight=False)
    none = "no stops; `haidang kpi run` computes them once there are data"
    console.print(_table(names, cells, str(chosen.zone)) if rows else none)
    if len(rows) == limit:
        console.print(f"… these are the first {limit:,}; use --asset, --from, --to, --limit")


@app.command()
def history(
    site: Site,
    asset: Annotated[str | None, typer.Option(help="only this asset")] = None,
    from_: From = None,
    to: To = None,
    limit: Annotated[int, typer.Option(min=1, max=MOST, help="at most so many")] = 200,
    as_json: JsonOption = False,
    database_url: DatabaseUrl = "",
) -> None:
    """List every correction, newest first, with what became of it."""
    from store import annotations
    from store.pool import connect

    with connect(database(database_url), "stops history") as connection:
        chosen = choose(connection, site)
        assert chosen.site_id is not None  # noqa: S101 - a site was named
        wanted = annotations.Wanted(_assets(chosen, site, asset), *_range(chosen, from_, to))
        rows = annotations.history(connection, chosen.site_id, wanted, limit)
    if as_json:
        typer.echo(json.dumps([{name: plain(value) for name, value in row.items()} for row in rows], indent=2))
        return
    names = ("from", "asset", "number", "to", "reason", "product", "why", "who", "when", "what it is")
    cells = []
    for row in rows:
        times = (_clock(chosen, row["from_ts"]), _clock(chosen, row["to_ts"]))
        said = (row["reason"] or "", row["product"] or "", row["note"], row["account"] or "–")
        became = row["status"].replace("_", " ") + (f" of {row['supersedes']}" if row["supersedes"] else "")
        texts = (times[0], row["asset"], str(row["id"]), times[1], *said, _clock(chosen, row["created_at"]), became)
        cells.append(texts)
    Console(highlight=False).print(_table(names, cells, str(chosen.zone)) if rows else "no corrections")


def _table(names: tuple[str, ...], rows: Sequence[tuple[Any, ...]], zone: str) -> Table:
    """A table without the columns in which nothing stands; no cell is cut, only folded, and the first not even that."""
    told = [number for number in range(len(names)) if any(row[number] for row in rows)]
    table = Table(title=f"times of {zone}", title_justify="left")
    for number in told:
        table.add_column(names[number], overflow="fold", no_wrap=number == 0)
    for row in rows:
        table.add_row(*(escape(row[number]) for number in told))
    return table


@app.command()
def annotate(
    site: Site,
    asset: Asset,
    note: Note,
    reason: Reason = "",
    product: Product = "",
    at: At = None,
    from_: From = None,
    to: To = None,
    supersedes: Supersedes = None,
    by: By = "",
    database_url: DatabaseUrl = "",
) -> None:
    """Say what a stop was, or which product was made. What signals said stays; the days are computed again."""
    from store import annotations
    from store.correction import Correction
    from store.pool import connect

    with connect(database(database_url), "stops annotate") as connection:
        chosen = choose(connection, site)
        author = _author(connection, chosen, by)
        bounds = _bounds(author, chosen, asset, (at, from_, to), of_stop=not product)
        given = Correction(asset, *bounds, reason, product, note, supersedes)
        _print_made([annotations.annotate(author, given)], site)


@app.command()
def split(
    site: Site,
    asset: Asset,
    at: Annotated[datetime, typer.Option(formats=FORMATS, metavar=METAVAR, help="when the stop is cut in two")],
    note: Note,
    first_reason: Annotated[str, typer.Option(help="what it was before that instant")] = "",
    second_reason: Annotated[str, typer.Option(help="what it was from then on")] = "",
    first_product: Annotated[str, typer.Option(help="product before that instant")] = "",
    second_product: Annotated[str, typer.Option(help="product from then on")] = "",
    from_: From = None,
    to: To = None,
    supersedes: Supersedes = None,
    by: By = "",
    database_url: DatabaseUrl = "",
) -> None:
    """Cut a stop in two and say what each part was; a part of which nothing is said stays as it is."""
    from store import annotations
    from store.correction import Correction, Parts
    from store.pool import connect

    with connect(database(database_url), "stops split") as connection:
        chosen = choose(connection, site)
        author = _author(connection, chosen, by)
        whole = from_ is not None or to is not None
        of_stop = not (first_product or second_product)
        held = None if whole else at.replace(microsecond=at.microsecond or 1)  # a cut is inside what it cuts
        bounds = _bounds(author, chosen, asset, (held, from_, to), of_stop=of_stop)
        given = Correction(asset, *bounds, note=note, supersedes=supersedes)
        parts = Parts(first_reason, second_reason, first_product, second_product)
        _print_made(annotations.split(author, given, at_site(at, chosen.zone), parts), site)


@app.command()
def revert(
    number: Annotated[int, typer.Argument(min=1, help="number of the correction")],
    site: Site,
    note: Note,
    by: By = "",
    database_url: DatabaseUrl = "",
) -> None:
    """Take a correction back: what lies below it, or what signals said, holds again."""
    from store import annotations
    from store.pool import connect

    with connect(database(database_url), "stops revert") as connection:
        author = _author(connection, choose(connection, site), by)
        _print_made([annotations.revert(author, number, note)], site)


def _assets(chosen: Chosen, site: str, asset: str | None) -> list[int]:
    from store import serving

    assert chosen.site_id is not None  # noqa: S101 - a site was named
    known = {row["key"]: row["asset_id"] for row in serving.assets(chosen.scope, chosen.site_id)}
    return sorted(known.values()) if asset is None else [known_asset(known, site, asset)]


def _author(connection: "Connection", chosen: Chosen, by: str) -> "Author":
    from store.access import create_account
    from store.annotations import Author

    assert chosen.site_id is not None  # noqa: S101 - a site was named
    return Author(connection, chosen.site_id, create_account(connection, by or getpass.getuser(), "person"))


def _bounds(
    author: "Author",
    chosen: Chosen,
    asset: str,
    given: tuple[datetime | None, datetime | None, datetime | None],
    *,
    of_stop: bool,
) -> tuple[datetime, datetime]:
    """The stretch that is meant: a stop by one of its instants, or its bounds."""
    at, from_, to = (None if each is None else at_site(each, chosen.zone) for each in given)
    if at is not None and from_ is None and to is None:
        return _stretch(author, asset, at, of_stop=of_stop)
    if at is None and from_ is not None and to is not None:
        return from_, to
    raise PilotError("Say which stretch: --at TIME for the stop that holds it, or --from TIME --to TIME.")


def _stretch(author: "Author", asset: str, at: datetime, *, of_stop: bool) -> tuple[datetime, datetime]:
    """The stretch that begins within the named second, as a list shows it, else the one that holds the instant."""
    from store.annotations import stretch_at
    from store.correction import CorrectionError

    try:
        return stretch_at(author, asset, end_of_second(at), of_stop=of_stop)
    except CorrectionError:
        return stretch_at(author, asset, at, of_stop=of_stop)


def _range(chosen: Chosen, from_: datetime | None, to: datetime | None) -> tuple[datetime | None, datetime | None]:
    """The instants of a range of which either end may be open."""
    begin, end = (None if each is None else at_site(each, chosen.zone) for each in (from_, to))
    check_range(begin, end)
    return begin, end


def _print_made(numbers: list[int], site: str) -> None:
    made = ", ".join(map(str, numbers))
    typer.echo(f"correction {made} kept; `haidang kpi run --site {site}` computes the days again")


def _clock(chosen: Chosen, moment: datetime) -> str:
    return shown(moment, chosen.zone)


def _original(row: dict[str, Any]) -> str:
    if row["original_class"] is None:
        return ""
    parts = ("/".join(filter(None, (row["original_class"], row["original_sub_class"]))), row["original_reason"])
    return " ".join(filter(None, parts))


def _correction(chosen: Chosen, said: dict[str, Any] | None) -> str:
    if said is None:
        return ""
    what = " ".join(filter(None, (said["reason"], said["product"])))
    when = chosen.shown(datetime.fromisoformat(said["created_at"]))
    return f"{said['id']}: {what} – {said['note']} ({said['account'] or '–'}, {when})"


def _told(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") and not isinstance(value, datetime) else plain(value)
