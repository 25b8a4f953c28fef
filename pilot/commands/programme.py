"""`haidang programme`: assessments of many sites, from what they hand over; their data stay with them."""

import json
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress

from maturity.programme.view import FEWEST_SITES, LEAST_FEWEST
from pilot.errors import PilotError
from pilot.options import DatabaseUrl, database

app = typer.Typer(help="Programmes over many sites, from signed summaries and packages.", no_args_is_help=True)
FrameworkOption = Annotated[str, typer.Option(help="key of a shipped catalogue, or FILE.yaml")]
Fewest = Annotated[
    int,
    typer.Option(
        "--min-sites", envvar="HAIDANG_PROGRAMME_MIN_SITES", min=LEAST_FEWEST, help="fewest sites that are compared"
    ),
]


@app.command()
def trust(
    key: Annotated[str, typer.Argument(help="public key of the site: NAME+ID+KEY, or a file")],
    site: Annotated[str, typer.Option(help="site key that it speaks for; made when it is new")],
    name: Annotated[str | None, typer.Option(help="name of a new site")] = None,
    database_url: DatabaseUrl = "",
) -> None:
    """Trust a key for a site, after the site confirmed it by another way (telephone, in person)."""
    from maturity import keys
    from store import programme
    from store.errors import translated
    from store.pool import connect

    public, url = keys.read_public_key(key), database(database_url)
    with translated(url), connect(url, "programme trust", autocommit=True) as connection:
        programme.pin(connection, site, name or site, str(public))
    Console(highlight=False, soft_wrap=True).print(f"What {escape(str(public))} signs counts for site {escape(site)}.")


@app.command()
def distrust(
    key: Annotated[str, typer.Argument(help="public key of the site: NAME+ID+KEY, or a file")],
    site: Annotated[str, typer.Option(help="site key that it spoke for")],
    database_url: DatabaseUrl = "",
) -> None:
    """Trust a key no longer, because it was replaced or stolen; what it signed before stays and is to be judged."""
    from maturity import keys
    from store import programme
    from store.errors import translated
    from store.pool import connect

    public, url = keys.read_public_key(key), database(database_url)
    with translated(url), connect(url, "programme distrust", autocommit=True) as connection:
        programme.end_key(connection, site, str(public))
    Console(highlight=False, soft_wrap=True).print(f"What {escape(str(public))} signs counts no longer.")


@app.command()
def summary(
    site: Annotated[str, typer.Option(help="site key")],
    period: Annotated[str, typer.Option(help="a month (2026-10) or first:last day (2026-10-01:2026-10-31)")],
    key_file: Annotated[
        Path, typer.Option("--key-file", envvar="HAIDANG_SIGNING_KEY_FILE", help="file of the signing key")
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="file to write")],
    framework: FrameworkOption = "lighthouse-os",
    database_url: DatabaseUrl = "",
) -> None:
    """Write a signed summary: levels, claims, open criteria, technology groups; no readings, values or names."""
    from maturity import keys
    from maturity.loading import framework as load
    from maturity.programme.reading import assessed, now
    from maturity.programme.summary import sign, summarise
    from pilot.commands.maturity import parse_period
    from store.errors import translated
    from store.pool import connect

    key, days, url = keys.read_key(key_file), parse_period(period), database(database_url)
    with translated(url), connect(url, "programme summary", autocommit=True) as connection:
        found = assessed(connection, load(framework), site, days)
    made = summarise(found, now())
    _write(output, sign(made, found.plain, key))
    counts = ", ".join(f"{number} {outcome.replace('_', ' ')}" for outcome, number in made.counts.items())
    console = Console(highlight=False, soft_wrap=True)
    console.print(
        f"{output}: {escape(site)}, {made.first} to {made.last}, {counts}; signed by {escape(key.public.name)}."
    )


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="a signed summary (.json), or an evidence package (.zip)")],
    database_url: DatabaseUrl = "",
) -> None:
    """Take in what a site handed over; a package is checked and computed again as a whole before."""
    from maturity.programme.importing import import_file
    from store.errors import translated
    from store.pool import connect

    url, console = database(database_url), Console(highlight=False, soft_wrap=True)
    with (
        translated(url),
        connect(url, "programme import", autocommit=True) as connection,
        Progress(console=Console(stderr=True), transient=True) as bar,
    ):
        task = bar.add_task("days", total=None)
        found = import_file(connection, file, lambda done, all_: bar.update(task, completed=done, total=all_))
    for each in found:
        state = "taken in" if each.is_new else "was here already"
        console.print(f"{escape(each.site)}, {escape(each.framework)}: {state} as assessment {each.assessment_id}.")
        if each.note:
            console.print(f"[yellow]![/yellow] {escape(each.note)}")


@app.command()
def show(
    framework: Annotated[str, typer.Option(help="key of the framework")] = "lighthouse-os",
    format_: Annotated[Literal["table", "json"], typer.Option("--format", help="for people or for programs")] = "table",
    anonymous: Annotated[bool, typer.Option("--anonymous", help="nothing of single sites; refused for few")] = False,
    min_sites: Fewest = FEWEST_SITES,
    language: Annotated[Literal["vi", "en"], typer.Option(help="of the texts and numbers")] = "en",
    database_url: DatabaseUrl = "",
) -> None:
    """Show the sites beside each other: levels, common gaps, technology groups most lacking, claims against data."""
    from maturity.programme.reading import catalogue_of, entries
    from maturity.programme.view import programme_view
    from pilot.programme_show import show as show_view
    from store.errors import translated
    from store.pool import connect

    url = database(database_url)
    with translated(url), connect(url, "programme show", autocommit=True) as connection:
        found = entries(connection, framework)
        view = programme_view(framework, found, min_sites)
        catalogue = catalogue_of(connection, view, found)
    if format_ == "json":
        typer.echo(json.dumps(view.plain(anonymous=anonymous), ensure_ascii=False, indent=2))
        return
    if anonymous:
        view.require_enough()
    show_view(view, Console(highlight=False), anonymous=anonymous, language=language, catalogue=catalogue)


def _write(path: Path, content: bytes) -> None:
    try:
        path.write_bytes(content)
    except OSError as error:
        raise PilotError(f"{path} cannot be written: {error.strerror}.") from error
