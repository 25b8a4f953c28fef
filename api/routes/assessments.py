"""`/v1/assessments`: a site is assessed, invited assessors decide criterion by criterion, and end it for ever."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response

from api import answers, bodies, paging, problems
from api.deps import Caller, CallerScope, Paging, Site
from api.maturity_schemas import (
    AssessmentPage,
    AssessmentPublic,
    AssessmentRow,
    AssessmentSummary,
    DecisionPublic,
    Decisions,
    NewAssessment,
    NewDecision,
    NewInvitation,
)
from api.roles import ASSESSOR, KEEPERS, note_view, only
from api.routes.frameworks import find_framework
from api.routes.responses import OF_A_SITE
from api.routes.responses import problems as documented
from api.routes.session import refuse_other_origins
from maturity import workflow
from maturity.confirming import Decision
from maturity.errors import (
    AssessmentError,
    MaturityError,
    NotInvitedError,
    SettledAssessmentError,
    UnknownAssessmentError,
)
from maturity.kept import Kept
from store import assessments
from store.access import KeyHolder
from store.serving import Scope

LONGEST = timedelta(days=366)
AssessmentId = Annotated[int, Path(ge=1, lt=2**63)]
PROGRAMME = "programme"

router = APIRouter(prefix="/v1", tags=["assessments"], responses=OF_A_SITE)
_refuses = documented(403, 409)
_read = [only(("viewer", *KEEPERS, ASSESSOR), "Assessments are read whole")]
_keep = [Depends(refuse_other_origins), only(KEEPERS, "Assessments are opened and assessors invited for the factory")]
_judge = [Depends(refuse_other_origins), only((ASSESSOR,), "Decisions are the assessor's")]


@dataclass(frozen=True)
class BeforeId:
    """The place of an assessment in the order of reading, newest first."""

    id: int | None = None


@contextmanager
def told() -> Iterator[None]:
    """Answer what cannot be done with its sentence.

    Raises:
        ProblemError: 404 no such assessment, 403 not invited, 409 settled, 422 anything else of it.
    """
    try:
        yield
    except UnknownAssessmentError as error:
        raise problems.not_found("assessment", str(error)) from error
    except NotInvitedError as error:
        raise problems.forbidden(str(error)) from error
    except SettledAssessmentError as error:
        raise problems.conflict("assessment-settled", str(error)) from error
    except (AssessmentError, MaturityError) as error:
        raise problems.ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "unusable-statement", str(error)) from error


@router.get("/assessments", responses={200: {"model": AssessmentPage}})
def list_assessments(
    request: Request,
    scope: CallerScope,
    caller: Caller,
    site: Site,
    page: Paging,
    framework: Annotated[str | None, Query(max_length=100, description="only of this framework")] = None,
) -> Response:
    """List the assessments of a site, newest first."""
    before = paging.decode(request, page.cursor, BeforeId)
    rows = assessments.page(scope.connection, [site["site_id"]], framework, before.id, page.limit + 1)
    cursor = None
    if len(rows) > page.limit:
        rows = rows[: page.limit]
        cursor = paging.encode(request, BeforeId(rows[-1]["assessment_id"]))
    note_view(scope.connection, caller, "assessments", site["key"])
    items = [AssessmentRow.model_validate(row) for row in rows]
    return answers.json_answer(request, AssessmentPage(site=site["key"], items=items, next_cursor=cursor), cursor)


@router.post(
    "/assessments",
    status_code=HTTPStatus.CREATED,
    dependencies=_keep,
    responses=_refuses,
    openapi_extra=bodies.documented(NewAssessment),
)
def open_assessment(
    scope: CallerScope,
    caller: Caller,
    site: Site,
    body: Annotated[NewAssessment, Depends(bodies.json_body(NewAssessment))],
) -> AssessmentPublic:
    """Assess a site over some days and keep the result for assessors; it supersedes an earlier one of these days."""
    if not timedelta(0) <= body.last - body.first < LONGEST:
        raise problems.ProblemError(
            HTTPStatus.UNPROCESSABLE_ENTITY, "invalid-request", "last: not before first, and within a year of it"
        )
    catalogue = find_framework(body.framework)
    with told():
        kept = workflow.open_assessment(
            scope.connection, catalogue, site["key"], (body.first, body.last), account_id=caller.account_id
        )
    return _whole(kept.plain())


@router.get("/assessments/{assessment_id}", dependencies=_read, responses=documented(403))
def show_assessment(scope: CallerScope, caller: Caller, assessment_id: AssessmentId) -> AssessmentPublic:
    """Show an assessment: each criterion with its numbers and the decision, each level three times."""
    return _whole(_seen(scope, caller, assessment_id, "assessment").plain())


@router.get("/assessments/{assessment_id}/summary")
def show_summary(scope: CallerScope, caller: Caller, assessment_id: AssessmentId) -> AssessmentSummary:
    """Show levels and counts alone: all that the role programme may read."""
    return AssessmentSummary.model_validate(_seen(scope, caller, assessment_id, "summary").summary())


@router.post(
    "/assessments/{assessment_id}/invitations",
    status_code=HTTPStatus.CREATED,
    dependencies=_keep,
    responses=_refuses,
    openapi_extra=bodies.documented(NewInvitation),
)
def invite(
    scope: CallerScope,
    caller: Caller,
    assessment_id: AssessmentId,
    body: Annotated[NewInvitation, Depends(bodies.json_body(NewInvitation))],
) -> AssessmentPublic:
    """Invite an account with an assessor's key that may see the site."""
    with told():
        return _whole(workflow.invite(scope.connection, assessment_id, body.account, caller.account_id).plain())


@router.get("/assessments/{assessment_id}/decisions", dependencies=_read, responses=documented(403))
def list_decisions(scope: CallerScope, caller: Caller, assessment_id: AssessmentId) -> Decisions:
    """List every decision, oldest first, also those that a later one replaced."""
    kept = _seen(scope, caller, assessment_id, "decisions")
    items = [DecisionPublic.model_validate(vars(each)) for each in kept.decisions]
    return Decisions(assessment_id=assessment_id, items=items)


@router.post(
    "/assessments/{assessment_id}/decisions",
    status_code=HTTPStatus.CREATED,
    dependencies=_judge,
    responses=_refuses,
    openapi_extra=bodies.documented(NewDecision),
)
def decide(
    scope: CallerScope,
    caller: Caller,
    assessment_id: AssessmentId,
    body: Annotated[NewDecision, Depends(bodies.json_body(NewDecision))],
) -> AssessmentPublic:
    """Accept or reject a criterion, or say that it does not apply; only where the caller is invited."""
    ruling = workflow.Ruling(body.criterion, Decision(body.decision), body.comment, body.attachment)
    with told():
        return _whole(workflow.decide(scope.connection, assessment_id, caller.account_id, ruling).plain())


@router.post("/assessments/{assessment_id}/finalisation", dependencies=_judge, responses=_refuses)
def finalise(scope: CallerScope, caller: Caller, assessment_id: AssessmentId) -> AssessmentPublic:
    """End an assessment for ever; 409 names mandatory criteria that the data speak of and that have no decision."""
    with told():
        return _whole(workflow.finalise(scope.connection, assessment_id, caller.account_id).plain())


def _seen(scope: Scope, caller: KeyHolder, assessment_id: int, what: str) -> Kept:
    with told():
        kept = workflow.read(scope.connection, assessment_id)
    note_view(scope.connection, caller, what, kept.stored.site, assessment=assessment_id)
    return kept


def _whole(plain: dict[str, Any]) -> AssessmentPublic:
    return AssessmentPublic.model_validate(plain)
