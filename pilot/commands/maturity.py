"""`haidang maturity`: what the data say about a framework's criteria, levels and gaps."""

import calendar
import json
import re
from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from pilot.errors import PilotError
from pilot.options import DatabaseUrl, database

app = typer.Typer(help="Criteria, levels and gaps of maturity frameworks, from checkable data.", no_args_is_help=True)
SiteOption = Annotated[str, typer.Option(help="site key")]
FrameworkOption = Annotated[str, typer.Option(help="key of a shipped catalogue, or FILE.yaml")]
MOST_ATTACHMENT_BYTES = 10_000_000


@app.command()
def assess(
    site: SiteOption,
    period: Annotated[str, typer.Option(help="a month (2026-10) or first:last day (2026-10-01:2026-10-31)")],
    framework: FrameworkOption = "lighthouse-os",
    format_: Annotated[Literal["table", "json"], typer.Option("--format", help="for people or for programs")] = "table",
    language: Annotated[Literal["vi", "en"], typer.Option(help="of the texts")] = "en",
    database_url: DatabaseUrl = "",
) -> None:
    """Assess a site: each criterion is supported, contradicted or not assessable, and says on what.

    The windows of the criteria end with the period. Telemetry alone awards no level: an assessor decides.
    """
    from maturity.lint import require_sound
    from maturity.loading import framework as load
    from maturity.site_assessment import assess_site
    from maturity.workflow import require_data
    from pilot.maturity_show import show
    from store.errors import translated
    from store.pool import connect

    catalogue, days, url = load(framework), parse_period(period), database(database_url)
    console = Console(stderr=True)
    with (
        translated(url),
        connect(url, "maturity assess", autocommit=True) as connection,
        Progress(console=console, transient=True, disable=format_ == "json") as bar,
    ):
        require_sound(catalogue)
        require_data(connection, site, days)
        task = bar.add_task("criteria", total=len(catalogue.criteria))
        found = assess_site(connection, catalogue, site, days, lambda done, _: bar.update(task, completed=done))
    if format_ == "json":
        typer.echo(json.dumps(found.plain(), ensure_ascii=False, indent=2))
    else:
        show(found, language, Console(highlight=False), framework)


@app.command()
def lint(file: Annotated[Path, typer.Argument(help="a catalogue, YAML")]) -> None:
    """Explain every mistake of a catalogue. Exit code 1 if there is one."""
    from maturity import lint as rules
    from maturity.loading import read, with_lines

    console = Console(highlight=False, soft_wrap=True)
    found, mistakes = read(file)
    if found:
        mistakes = with_lines(file, rules.lint(found))
    for mistake in mistakes:
        console.print(f"[red]✗[/red] {escape(str(mistake))}")
    if found is None or mistakes:
        raise PilotError(f"{file} has {len(mistakes)} mistake{'s' if len(mistakes) > 1 else ''}.")
    for said in with_lines(file, [*rules.advice(found), *rules.gaps(found)]):
        console.print(f"[yellow]![/yellow] {escape(str(said))}")
    console.print(f"{file}: {len(found.criteria)} criteria, no mistakes.")


@app.command()
def frameworks() -> None:
    """List the catalogues that come with the product."""
    from maturity.loading import framework as load
    from maturity.loading import shipped

    table = Table("key", "version", "name", "status", "levels", "criteria")
    for key in shipped():
        each = load(key)
        numbers = [str(level.level) for level in each.levels]
        shape = (f"{numbers[0]}-{numbers[-1]}", str(len(each.criteria)))
        table.add_row(each.key, str(each.version), each.name.en, each.status, *shape)
    Console().print(table)


@app.command()
def crosswalk(
    framework: Annotated[str, typer.Option(help="whose levels are shown beside those of others")] = "lighthouse-os",
) -> None:
    """Show levels of frameworks side by side: for orientation; they measure different things, nothing is converted."""
    from maturity.loading import framework as load

    found = load(framework)
    others = list(dict.fromkeys(key for level in found.levels for key in level.crosswalk))
    if not others:
        raise PilotError(f"The catalogue {found.key} names no levels of other frameworks.")
    table = Table(found.key, *others)
    for level in found.levels:
        table.add_row(f"{level.level} {level.name.en}", *(level.crosswalk.get(key, "") for key in others))
    console = Console(highlight=False)
    console.print(table)
    console.print("Our reading, for display only: the columns do not measure the same thing; scores are not converted.")


@app.command()
def metrics(
    pattern: Annotated[str, typer.Argument(help="only names that contain this")] = "",
    json_: Annotated[bool, typer.Option("--json", help="as JSON")] = False,
) -> None:
    """List what a criterion may measure, with unit, parameters and the records that it needs."""
    from maturity.metrics import METRICS

    found = [METRICS[name] for name in sorted(METRICS) if pattern in name]
    if json_:
        rows = [
            {
                "name": each.name,
                "unit": each.unit,
                "explanation": each.explanation,
                "parameters": each.parameters,
                "requires": each.requires,
            }
            for each in found
        ]
        typer.echo(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    table = Table("metric", "unit", "what it is", "parameters", "records")
    for each in found:
        table.add_row(each.name, each.unit, each.explanation, ", ".join(each.parameters), ", ".join(each.requires))
    Console().print(table)


@app.command()
def declare(
    site: SiteOption,
    metric: Annotated[str, typer.Option(help="declared.… as `haidang maturity metrics declared.` lists them")],
    value: Annotated[float, typer.Option(help="in the metric's unit")],
    statement: Annotated[str, typer.Option(help="what is declared, in a sentence")],
    attachment: Annotated[Path | None, typer.Option(help="a document that shows it", dir_okay=False)] = None,
    since: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="day from which it counts")] = None,
    database_url: DatabaseUrl = "",
) -> None:
    """Declare what no data can show; every result that rests on it says that it was declared."""
    from maturity import statements
    from store.pool import connect

    content = content_of(attachment) if attachment else None
    with connect(database(database_url), "maturity declare") as connection:
        sha = statements.attach(connection, site, attachment.name, content) if attachment and content else None
        day = (since or datetime.now().astimezone()).date()
        statements.declare(connection, site, statements.Said(metric, value, statement, day, sha))
    Console(highlight=False).print(f"{site} declares {metric} = {value:g}" + (f", attachment {sha}" if sha else ""))


@app.command()
def claim(
    site: SiteOption,
    key: Annotated[str, typer.Option(help="area, principle, or technology group (level 1 = has it)")],
    level: Annotated[int, typer.Option(min=0, max=10, help="claimed level")],
    framework: FrameworkOption = "lighthouse-os",
    database_url: DatabaseUrl = "",
) -> None:
    """Claim a level; it stands beside the level that the data support."""
    from maturity import statements
    from maturity.loading import framework as load
    from store.pool import connect

    with connect(database(database_url), "maturity claim") as connection:
        statements.claim(connection, load(framework), site, key, level)
    Console(highlight=False).print(f"{site} claims level {level} of {key}.")


def parse_period(text: str) -> tuple[date, date]:
    """Read a month or two days.

    Raises:
        PilotError: it is neither, or ends before it begins.
    """
    try:
        if re.fullmatch(r"\d{4}-\d{2}", text):
            first = date.fromisoformat(f"{text}-01")
            return first, first.replace(day=calendar.monthrange(first.year, first.month)[1])
        first, last = (date.fromisoformat(part) for part in text.split(":"))
    except ValueError as error:
        raise PilotError(f"{text!r} is no period: a month (2026-10) or two days (2026-10-01:2026-10-31).") from error
    if last < first:
        raise PilotError(f"The period {text} ends before it begins.")
    return first, last


def content_of(path: Path) -> bytes:
    """Read a file that is attached.

    Raises:
        PilotError: it cannot be read, or is too large.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise PilotError(f"{path} cannot be read: {error.strerror}.") from error
    if len(content) > MOST_ATTACHMENT_BYTES:
        raise PilotError(f"{path} is larger than {MOST_ATTACHMENT_BYTES:,} bytes.")
    return content
