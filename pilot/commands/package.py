"""`haidang evidence export` and `verify`: packages that a stranger can check again."""

import json
from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from pilot.options import DatabaseUrl, database

KeyFile = Annotated[
    Path,
    typer.Option("--key-file", envvar="HAIDANG_SIGNING_KEY_FILE", help="file of the key that signs the log"),
]


def export(
    site: Annotated[str, typer.Option(help="site key")],
    from_: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="first production day")],
    to: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="last production day")],
    output: Annotated[Path, typer.Option("-o", "--output", help="file to write", dir_okay=False)],
    key_file: KeyFile,
    framework: Annotated[
        list[str] | None,
        typer.Option(help="catalogue to assess against, key or FILE.yaml; may come again; `none`: KPIs only"),
    ] = None,
    database_url: DatabaseUrl = "",
) -> None:
    """Pack what is final of a site and period in one signed file: readings, registry, KPIs, criteria, proofs."""
    from maturity import keys
    from maturity.loading import framework as load
    from maturity.package.making import Wanted, make_package
    from maturity.package.margins import named
    from store.errors import translated
    from store.inputs import open_adbc
    from store.pool import connect

    key, url = keys.read_key(key_file), database(database_url)
    frameworks = tuple(load(name) for name in framework or ["lighthouse-os"] if name != "none")
    wanted = Wanted(site, from_.date(), to.date(), frameworks)
    with translated(url), connect(url, "evidence export", autocommit=True) as connection, open_adbc(url) as reader:
        made = make_package(connection, reader, wanted, key, output)
    console = Console(stderr=True, highlight=False, soft_wrap=True)
    if made.never:
        console.print(f"Without values, since the KPI job never computed them: {named(made.never)}.")
    console.print(
        f"{output}: {made.days} days, {made.readings:,} readings, {made.values:,} values, {made.records:,} records of "
        f"the log, {made.members} members, {output.stat().st_size:,} bytes. Signed by {key.public}"
    )


def verify(
    file: Annotated[Path, typer.Argument(help="the package")],
    key: Annotated[str, typer.Option(help="public key that you trust: NAME+ID+KEY, or a file that holds it")],
    witness: Annotated[
        list[str] | None, typer.Option(help="public key of a witness that must have signed; may come again")
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="everything as JSON")] = False,
    all_: Annotated[bool, typer.Option("--all", help="a line for every value, not only for each KPI")] = False,
) -> None:
    """Check a package and compute everything in it again; no database, no network.

    Exit code 0 only if everything is as it was signed, and equal or honestly not to be computed from the package.
    """
    from maturity import keys
    from maturity.package.verify import verify as check
    from pilot.package_show import show

    pinned = keys.read_public_key(key)
    witnesses = tuple(keys.read_public_key(each) for each in witness or ())
    with Progress(console=Console(stderr=True), transient=True, disable=json_) as bar:
        task = bar.add_task("computing again", total=None)
        found = check(file, pinned, witnesses, lambda done, days: bar.update(task, completed=done, total=days))
    if json_:
        typer.echo(json.dumps(found.plain(), ensure_ascii=False, default=_text))
    else:
        show(found, Console(highlight=False, soft_wrap=True), every=all_)
    raise typer.Exit(0 if found.is_good else 1)


def _text(value: object) -> str:
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(type(value).__name__)
