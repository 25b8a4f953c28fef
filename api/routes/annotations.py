"""`/v1/annotations`: engineers correct what a stop was; who, when and why are kept, and what it was before."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Request
from fastapi.responses import Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api import answers, bodies, paging, problems
from api.deps import Caller, CallerScope, Paging, Reached, Site, TimeWindow
from api.routes.ledger import refuse_days
from api.routes.rejected import PAYLOAD_ROLES
from api.routes.responses import OF_A_SITE
from api.routes.responses import problems as documented
from api.routes.session import refuse_other_origins
from api.schemas import AnnotationPublic, Annotations, Corrected
from store import annotations
from store.access import KeyHolder
from store.annotations import Author, Wanted
from store.correction import (
    NOTE_CHARACTERS,
    Correction,
    CorrectionError,
    Parts,
    StaleCorrectionError,
    UnknownCorrectionError,
)
from store.serving import Row, Scope

CORRECTORS = PAYLOAD_ROLES
_KEY = Field("", max_length=200)
Note = Annotated[str, Field(min_length=1, max_length=NOTE_CHARACTERS, description="why")]
AnnotationId = Annotated[int, Path(ge=1, lt=2**63)]


class Asked(BaseModel):
    """The stretch that is corrected: `from` and `to`, or `at` alone for the computed interval that holds an instant."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    asset: str = Field(max_length=500, examples=["hall1/line1/filler"])
    from_: AwareDatetime | None = Field(None, alias="from")
    to: AwareDatetime | None = None
    at: AwareDatetime | None = None
    note: Note
    supersedes: int | None = Field(None, ge=1, lt=2**63, description="the annotation whose place it takes")


class NewAnnotation(Asked):
    """What the stretch was: a reason of the site's registry, or the product that was made, or both."""

    reason: str = _KEY
    product: str = _KEY


class NewSplit(Asked):
    """Cut the stretch at `at` and say what the parts were; a part of which nothing is said stays as it is."""

    at: AwareDatetime
    first_reason: str = _KEY
    second_reason: str = _KEY
    first_product: str = _KEY
    second_product: str = _KEY


class Revert(BaseModel):
    """Why a correction is taken back."""

    model_config = ConfigDict(extra="forbid")

    note: Note


@dataclass(frozen=True)
class BeforeId:
    """The place of a statement in the order of reading, newest first."""

    id: int | None = None


def require_corrector(caller: Caller) -> None:
    """Let those pass who may correct.

    Raises:
        ProblemError: 403.
    """
    if caller.role not in CORRECTORS:
        raise problems.forbidden("Stops are corrected by the roles engineer and admin.")


router = APIRouter(prefix="/v1", tags=["corrections"], responses=OF_A_SITE)
_WRITES = {
    "status_code": HTTPStatus.CREATED,
    "dependencies": [Depends(refuse_other_origins), Depends(require_corrector)],
    "responses": documented(403, 409),
}


@router.get("/annotations", responses={200: {"model": Annotations}})
def list_annotations(request: Request, reach: Reached, window: TimeWindow, page: Paging) -> Response:
    """List every statement about the assets in a range of instants, newest first: in force, replaced, taken back."""
    refuse_days(window, "statements are selected by the time that they are about")
    before = paging.decode(request, page.cursor, BeforeId)
    wanted = Wanted(sorted(reach.assets), window.from_ts, window.to_ts, before.id)
    rows = annotations.history(reach.scope.connection, reach.site["site_id"], wanted, page.limit + 1)
    cursor = None
    if len(rows) > page.limit:
        rows = rows[: page.limit]
        cursor = paging.encode(request, BeforeId(rows[-1]["id"]))
    items = [AnnotationPublic.model_validate(row) for row in rows]
    return answers.json_answer(request, Annotations(site=reach.site["key"], items=items, next_cursor=cursor), cursor)


@router.post("/annotations", openapi_extra=bodies.documented(NewAnnotation), **_WRITES)  # type: ignore[arg-type]
def annotate(
    scope: CallerScope,
    caller: Caller,
    site: Site,
    body: Annotated[NewAnnotation, Depends(bodies.json_body(NewAnnotation))],
) -> Corrected:
    """Say what a stop was; the touched days are computed again, the earlier revision stays readable by `as_of`."""
    author = author_of(scope, caller, site)
    with told():
        from_ts, to_ts = stretch(author, body, of_stop=not body.product)
        given = Correction(body.asset, from_ts, to_ts, body.reason, body.product, body.note, body.supersedes)
        return Corrected(annotations=[annotations.annotate(author, given)])


@router.post("/annotations/split", openapi_extra=bodies.documented(NewSplit), **_WRITES)  # type: ignore[arg-type]
def split(
    scope: CallerScope, caller: Caller, site: Site, body: Annotated[NewSplit, Depends(bodies.json_body(NewSplit))]
) -> Corrected:
    """Cut a stop in two at an instant and say what each part was."""
    author = author_of(scope, caller, site)
    with told():
        from_ts, to_ts = stretch(author, body, of_stop=not (body.first_product or body.second_product))
        given = Correction(body.asset, from_ts, to_ts, note=body.note, supersedes=body.supersedes)
        parts = Parts(body.first_reason, body.second_reason, body.first_product, body.second_product)
        return Corrected(annotations=annotations.split(author, given, body.at, parts))


@router.post("/annotations/{annotation_id}/revert", openapi_extra=bodies.documented(Revert), **_WRITES)  # type: ignore[arg-type]
def revert(
    scope: CallerScope,
    caller: Caller,
    site: Site,
    annotation_id: AnnotationId,
    body: Annotated[Revert, Depends(bodies.json_body(Revert))],
) -> Corrected:
    """Take a correction back: what lies below it, or what signals said, holds again."""
    with told():
        return Corrected(annotations=[annotations.revert(author_of(scope, caller, site), annotation_id, body.note)])


def author_of(scope: Scope, caller: KeyHolder, site: Row) -> Author:
    """Who corrects where."""
    return Author(scope.connection, site["site_id"], caller.account_id)


def stretch(author: Author, body: Asked, *, of_stop: bool) -> tuple[datetime, datetime]:
    """The range that a request means; `of_stop` where only reasons are said of it."""
    if body.from_ is not None and body.to is not None:
        return body.from_, body.to
    if body.from_ is None and body.to is None and body.at is not None:
        return annotations.stretch_at(author, body.asset, body.at, of_stop=of_stop)
    raise CorrectionError("Give from and to, or at alone for the interval that holds that instant.")


@contextmanager
def told() -> Iterator[None]:
    """Answer a correction that cannot be taken with its sentence."""
    try:
        yield
    except StaleCorrectionError as error:
        raise problems.conflict("not-in-force", str(error)) from error
    except UnknownCorrectionError as error:
        raise problems.not_found("correction", str(error)) from error
    except CorrectionError as error:
        raise problems.ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "unusable-correction", str(error)) from error
