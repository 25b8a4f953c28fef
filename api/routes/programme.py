"""`/v1/programme`: the sites of a programme beside each other, from assessments alone."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import Field

from api import answers, problems
from api.deps import Caller, CallerScope
from api.routes.responses import COMMON
from api.routes.responses import problems as documented
from api.schemas import Model
from maturity.errors import ProgrammeError
from maturity.programme.reading import entries
from maturity.programme.view import programme_view

ROLES = ("programme", "admin")
router = APIRouter(prefix="/v1", tags=["maturity"], responses=COMMON | documented(403, 409))


class ProgrammeSite(Model):
    """A site with its levels by principle."""

    site: str
    name: str
    origin: Literal["local", "imported"]
    first: str
    last: str
    framework_version: int
    compared: Annotated[bool, Field(description="false: assessed with another catalogue, left out of all that follows")]
    supported: dict[str, int]
    claimed: dict[str, int | None]
    confirmed: dict[str, int]
    counts: dict[str, int]


class CommonGapPublic(Model):
    """A criterion that keeps sites from their next level."""

    criterion: str
    sites: int
    contradicted: int
    not_assessable: int


class LackingGroupPublic(Model):
    """A technology group that sites lack, and the criteria that it alone would open, over all sites."""

    group: str
    sites: int
    opens: int


class ClaimsPublic(Model):
    """Number of sites whose claim of a principle is above, equal to or below what data support."""

    principle: str
    above: int
    equal: int
    below: int
    without: int


class BandPublic(Model):
    """Quartiles of the supported levels of a principle."""

    principle: str
    lowest_quarter: float
    median: float
    highest_quarter: float


class Programme(Model):
    """What the sites say together."""

    framework: str
    framework_version: int | None
    sites: list[ProgrammeSite]
    compared: int
    gaps: list[CommonGapPublic]
    groups: list[LackingGroupPublic]
    claims: list[ClaimsPublic]
    bands: list[BandPublic] | None
    bands_refused: Annotated[str | None, Field(description="why there are no bands: too few sites")]


@router.get("/programme", responses={200: {"model": Programme}})
def programme(
    request: Request,
    scope: CallerScope,
    caller: Caller,
    framework: Annotated[str, Query(max_length=61, description="key of the framework")] = "lighthouse-os",
    anonymous: Annotated[bool, Query(description="nothing of single sites; refused for few")] = False,
) -> Response:
    """Set the caller's sites beside each other: levels, common gaps, technology groups, claims, comparison bands."""
    if caller.role not in ROLES:
        raise problems.forbidden("Programmes are read by the roles programme and admin.")
    fewest: int = request.app.state.programme_min_sites
    view = programme_view(framework, entries(scope.connection, framework, scope.sites), fewest)
    try:
        plain: dict[str, Any] = view.plain(anonymous=anonymous)
    except ProgrammeError as error:
        raise problems.conflict("too-few-sites", str(error)) from error
    return answers.json_answer(request, Programme.model_validate(plain))
