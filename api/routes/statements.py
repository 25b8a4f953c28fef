"""`/v1/claims`, `/v1/declarations`, `/v1/attachments`: what a site says of itself, and the files that show it."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response

from api import bodies, problems
from api.deps import Caller, CallerScope, Site
from api.maturity_schemas import (
    AttachmentKept,
    ClaimPublic,
    Claims,
    DeclarationPublic,
    Declarations,
    NewClaim,
    NewDeclaration,
)
from api.roles import ASSESSOR, KEEPERS, READERS_OF_FILES, note_view, only
from api.routes.assessments import told
from api.routes.frameworks import find_framework
from api.routes.responses import OF_A_SITE
from api.routes.responses import problems as documented
from api.routes.session import refuse_other_origins
from maturity import statements
from store import assessments
from store import maturity as rows
from store.serving import Row, Scope

MOST_BYTES = 10_000_000
MOST_SHOWN = 1_000

router = APIRouter(prefix="/v1", tags=["assessments"], responses={**OF_A_SITE, **documented(403)})
_state = [Depends(refuse_other_origins), only(KEEPERS, "Claims and declarations are made for the factory")]
_file = [Depends(refuse_other_origins), only(READERS_OF_FILES, "Files are attached")]


async def read_file(request: Request, _caller: Caller) -> bytes:
    """The bytes of a file."""
    return await bodies.read_bytes(request, MOST_BYTES)


@router.get("/claims")
def list_claims(scope: CallerScope, caller: Caller, site: Site) -> Claims:
    """List what a site claims, newest first: the newest of a key counts."""
    note_view(scope.connection, caller, "claims", site["key"])
    return _claims(scope, site)


@router.post("/claims", status_code=HTTPStatus.CREATED, dependencies=_state, openapi_extra=bodies.documented(NewClaim))
def claim(
    scope: CallerScope, caller: Caller, site: Site, body: Annotated[NewClaim, Depends(bodies.json_body(NewClaim))]
) -> Claims:
    """Claim a level; it stands beside the level that the data support."""
    catalogue = find_framework(body.framework)
    with told():
        statements.claim(
            scope.connection, catalogue, site["key"], body.key, body.level, account_id=caller.account_id
        )  # fmt: skip
    return _claims(scope, site)


@router.get("/declarations")
def list_declarations(scope: CallerScope, caller: Caller, site: Site) -> Declarations:
    """List what a site declares, newest first: the newest of a name counts."""
    note_view(scope.connection, caller, "declarations", site["key"])
    return _declarations(scope, site)


@router.post(
    "/declarations",
    status_code=HTTPStatus.CREATED,
    dependencies=_state,
    openapi_extra=bodies.documented(NewDeclaration),
)
def declare(
    scope: CallerScope,
    caller: Caller,
    site: Site,
    body: Annotated[NewDeclaration, Depends(bodies.json_body(NewDeclaration))],
) -> Declarations:
    """Declare what no data can show; every result that rests on it says that it was declared."""
    since = body.since or datetime.now(ZoneInfo(site["timezone"])).date()
    said = statements.Said(body.metric, body.value, body.statement, since, body.attachment)
    with told():
        statements.declare(scope.connection, site["key"], said, account_id=caller.account_id)
    return _declarations(scope, site)


@router.post(
    "/attachments",
    status_code=HTTPStatus.CREATED,
    dependencies=_file,
    responses=documented(403),
    openapi_extra={"requestBody": {"required": True, "content": {"application/octet-stream": {}}}},
)
def attach(
    scope: CallerScope,
    caller: Caller,
    site: Site,
    file_name: Annotated[str, Query(min_length=1, max_length=200)],
    content: Annotated[bytes, Depends(read_file)],
) -> AttachmentKept:
    """Keep a file of at most 10 MB, once per content; assessors may where they are invited."""
    is_invited = assessments.is_invited(scope.connection, site["site_id"], caller.account_id)
    if caller.role == ASSESSOR and not is_invited:
        raise problems.forbidden("Assessors attach files to assessments that they are invited to.")
    with told():
        sha256 = statements.attach(
            scope.connection, site["key"], file_name, content, account_id=caller.account_id
        )  # fmt: skip
    return AttachmentKept(sha256=sha256, bytes=len(content))


@router.get(
    "/attachments/{sha256}",
    dependencies=[only(READERS_OF_FILES, "Files are read")],
    responses={200: {"content": {"application/octet-stream": {}}}},
    response_class=Response,
)
def read_attachment(
    scope: CallerScope, caller: Caller, site: Site, sha256: Annotated[str, Path(pattern="^[0-9a-f]{64}$")]
) -> Response:
    """Download a file; it is never shown by the browser itself."""
    found = rows.attachment(scope.connection, site["site_id"], sha256)
    if found is None:
        raise problems.not_found("attachment", f"The site {site['key']!r} has no attachment {sha256}.")
    note_view(scope.connection, caller, "attachment", site["key"], sha256=sha256)
    headers = {"Content-Disposition": f'attachment; filename="{sha256[:16]}.bin"', "Cache-Control": "private, no-store"}
    return Response(found[1], media_type="application/octet-stream", headers=headers)


def _claims(scope: Scope, site: Row) -> Claims:
    found = rows.claim_rows(scope.connection, site["site_id"], MOST_SHOWN)
    return Claims(site=site["key"], items=[ClaimPublic.model_validate(row) for row in found])


def _declarations(scope: Scope, site: Row) -> Declarations:
    found = rows.declaration_rows(scope.connection, site["site_id"], MOST_SHOWN)
    return Declarations(site=site["key"], items=[DeclarationPublic.model_validate(row) for row in found])
