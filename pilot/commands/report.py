"""`haidang maturity report`: an assessment as a file for people."""

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

from pilot.commands.maturity import FrameworkOption, SiteOption, parse_period
from pilot.errors import PilotError
from pilot.options import DatabaseUrl, database


def report(
    site: SiteOption,
    period: Annotated[str, typer.Option(help="a month (2026-10) or first:last day (2026-10-01:2026-10-31)")],
    output: Annotated[Path, typer.Option("--output", "-o", help="FILE.pdf or FILE.html", dir_okay=False)],
    framework: FrameworkOption = "lighthouse-os",
    language: Annotated[Literal["vi", "en"], typer.Option(help="of the texts and numbers")] = "vi",
    anew: Annotated[bool, typer.Option("--anew", help="assess now, also where an assessment is kept")] = False,
    database_url: DatabaseUrl = "",
) -> None:
    """Write the report of a site and period: summary on one page, criteria, key figures, method, how to check it.

    The newest kept assessment of the period is told, with its assessor's decisions; where none is kept, the site is
    assessed now. The same assessment gives the same bytes.
    """
    from maturity.loading import framework as load
    from maturity.report.making import report as made
    from maturity.report.reading import read_kept, read_overview
    from maturity.report.review import Review
    from maturity.site_assessment import assess_site
    from store.errors import translated
    from store.pool import connect

    form = _form(output)
    catalogue, days, url = load(framework), parse_period(period), database(database_url)
    with translated(url), connect(url, "maturity report", autocommit=True) as connection:
        kept = None if anew else read_kept(connection, site, catalogue.key, days)
        found, review = kept or (assess_site(connection, catalogue, site, days), Review())
        figures = read_overview(connection, site, days)
    try:
        output.write_bytes(made(found, language, form, figures, review))
    except OSError as error:
        raise PilotError(f"{output} cannot be written: {error.strerror}.") from error
    said = "the kept assessment" if kept else "assessed now"
    Console(highlight=False).print(f"{output}: {site}, {days[0]} to {days[1]}, {said}.")


def _form(output: Path) -> Literal["pdf", "html"]:
    match output.suffix.lower():
        case ".pdf":
            return "pdf"
        case ".html":
            return "html"
    raise PilotError(f"{output} is neither .pdf nor .html: the ending says what is written.")
