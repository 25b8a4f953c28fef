"""`haidang maturity open|list|show|invite|decide|finalise`: the way of an assessment, for those at the database.

Whoever holds the database's address is trusted to name the account that decides; assessors themselves use the API.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.console import Console
from rich.progress import Progress

from pilot.commands.maturity import FrameworkOption, SiteOption, content_of, parse_period
from pilot.errors import PilotError
from pilot.options import DatabaseUrl, database

if TYPE_CHECKING:
    from store.pool import Connection

AssessmentId = Annotated[int, typer.Argument(metavar="ID", help="as `haidang maturity list` shows it", min=1)]
Account = Annotated[str, typer.Option(help="assessor who says so; not needed where one is invited")]
_MOST = 1000
_BY = {"by": "command"}


def open_(
    site: SiteOption,
    period: Annotated[str, typer.Option(help="a month (2026-10) or first:last day (2026-10-01:2026-10-31)")],
    framework: FrameworkOption = "lighthouse-os",
    database_url: DatabaseUrl = "",
) -> None:
    """Assess a site and keep the result for assessors to judge; it supersedes an earlier one of the same period."""
    from maturity.loading import framework as load
    from maturity.workflow import open_assessment

    catalogue, days = load(framework), parse_period(period)
    with _connected(database_url) as connection, Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("criteria", total=len(catalogue.criteria))
        kept = open_assessment(
            connection, catalogue, site, days, progress=lambda done, _: bar.update(task, completed=done)
        )
    found, console = kept.stored, Console(highlight=False)
    console.print(
        f"Assessment {found.assessment_id}: {site}, {found.framework}, {found.first_day} to {found.last_day}."
    )
    if found.supersedes:
        console.print(f"It supersedes assessment {found.supersedes}.")
    console.print(f"Next: `haidang maturity invite {found.assessment_id} --account NAME` lets an assessor decide.")


def list_(
    site: Annotated[str, typer.Option(help="only of this site")] = "",
    framework: Annotated[str, typer.Option(help="only of this framework")] = "",
    database_url: DatabaseUrl = "",
) -> None:
    """List kept assessments, newest first."""
    from pilot.assessment_show import table
    from store import access, assessments, registry

    with _connected(database_url) as connection:
        sites = [registry.site_id(connection, site)] if site else None
        rows = assessments.page(connection, sites, framework or None, None, _MOST)
        access.record_audit(connection, None, "view.assessments", site, _BY)
    Console(highlight=False).print(
        table(rows) if rows else "There is no assessment; `haidang maturity open` makes one."
    )


def show(
    assessment_id: AssessmentId,
    format_: Annotated[Literal["table", "json"], typer.Option("--format", help="for people or for programs")] = "table",
    language: Annotated[Literal["vi", "en"], typer.Option(help="of the texts")] = "en",
    database_url: DatabaseUrl = "",
) -> None:
    """Show an assessment: each level as the data support it, as the site claims it, as the assessor confirms it."""
    from maturity.workflow import read
    from pilot.assessment_show import show as draw
    from store import access

    with _connected(database_url) as connection:
        kept = read(connection, assessment_id)
        said = {**_BY, "assessment": assessment_id}
        access.record_audit(connection, None, "view.assessment", kept.stored.site, said)
    if format_ == "json":
        typer.echo(json.dumps(kept.plain(), ensure_ascii=False, indent=2))
    else:
        draw(kept, language, Console(highlight=False))


def invite(
    assessment_id: AssessmentId,
    account: Annotated[str, typer.Option(help="account with a key of the role assessor that may see the site")],
    database_url: DatabaseUrl = "",
) -> None:
    """Invite an assessor to decide."""
    from maturity import workflow

    with _connected(database_url) as connection:
        workflow.invite(connection, assessment_id, account)
    how = (
        f"POST /v1/assessments/{assessment_id}/decisions, or `haidang maturity decide {assessment_id} CRITERION accept`"
    )
    Console(highlight=False).print(f"{account} may decide on assessment {assessment_id}: {how}.")


def decide(
    assessment_id: AssessmentId,
    criterion: Annotated[str, typer.Argument(help="id of the criterion")],
    decision: Annotated[Literal["accept", "reject", "not_applicable"], typer.Argument(help="what the assessor says")],
    comment: Annotated[str, typer.Option(help="why; needed where it is not what the data say")] = "",
    attachment: Annotated[Path | None, typer.Option(help="a file that shows it", dir_okay=False)] = None,
    account: Account = "",
    database_url: DatabaseUrl = "",
) -> None:
    """Keep an assessor's decision on a criterion; a later one takes its place, the earlier one stays readable."""
    from maturity import statements, workflow
    from maturity.confirming import Decision

    content = content_of(attachment) if attachment else None
    with _connected(database_url) as connection, connection.transaction():
        kept = workflow.read(connection, assessment_id)
        by, sha = _assessor(kept.invited, account), None
        if attachment and content is not None:
            sha = statements.attach(connection, kept.stored.site, attachment.name, content, account_id=by)
        ruling = workflow.Ruling(criterion, Decision(decision), comment, sha)
        kept = workflow.decide(connection, assessment_id, by, ruling)
    said = f"{criterion}: {decision.replace('_', ' ')}" + (f", attachment {sha}" if sha else "")
    Console(highlight=False).print(f"{said}. {_left(len(kept.undecided))}")


def finalise(assessment_id: AssessmentId, account: Account = "", database_url: DatabaseUrl = "") -> None:
    """End an assessment for ever: nothing of it changes any more, a new one of the period supersedes it.

    Every mandatory criterion that the data support or contradict must have a decision.
    """
    from maturity import workflow

    with _connected(database_url) as connection:
        by = _assessor(workflow.read(connection, assessment_id).invited, account)
        kept = workflow.finalise(connection, assessment_id, by)
    levels = ", ".join(f"{each.key} {kept.confirmed[each.key].level}" for each in kept.framework.principles)
    Console(highlight=False).print(f"Assessment {assessment_id} is final. Confirmed levels: {levels}.")


@contextmanager
def _connected(database_url: str) -> Iterator["Connection"]:
    from maturity.errors import UnknownAssessmentError
    from store.errors import translated
    from store.pool import connect

    url = database(database_url)
    with translated(url), connect(url, "maturity", autocommit=True) as connection:
        try:
            yield connection
        except UnknownAssessmentError as error:
            raise PilotError(f"{error} `haidang maturity list` shows those that there are.") from error


def _assessor(invited: Sequence[dict[str, Any]], account: str) -> int:
    known = {str(each["account"]): int(each["account_id"]) for each in invited}
    if not known:
        raise PilotError("Nobody is invited to this assessment: `haidang maturity invite ID --account NAME`.")
    if not account and len(known) == 1:
        return next(iter(known.values()))
    if account not in known:
        raise PilotError(f"Name who decides with --account: {', '.join(known)} are invited.")
    return known[account]


def _left(number: int) -> str:
    return f"{number} more before it can be final." if number else "It can be final now."
