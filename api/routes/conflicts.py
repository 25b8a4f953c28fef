"""`/v1/conflicts`: values that differ from what is stored under their key."""

from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api import answers, paging
from api.deps import CallerScope, OptionalSite, Paging, TimeWindow
from api.routes.ledger import refuse_days
from api.routes.responses import OF_A_SITE
from api.schemas import ConflictPage, ConflictPublic
from store import serving

router = APIRouter(prefix="/v1", tags=["ledger"], responses=OF_A_SITE)


@dataclass(frozen=True)
class BeforeConflict:
    """The place of a conflict in the order of reading, newest first."""

    id: int | None = None


@router.get("/conflicts", responses={200: {"model": ConflictPage}})
def list_conflicts(
    request: Request, scope: CallerScope, site: OptionalSite, window: TimeWindow, page: Paging
) -> Response:
    """List values and events that came for a key that holds another one, newest first; the first stays stored."""
    refuse_days(window, "conflicts are listed by the time of their receipt")
    before = paging.decode(request, page.cursor, BeforeConflict)
    site_id = site["site_id"] if site else None
    rows = serving.conflicts(scope, site_id, window, page.limit + 1, before.id)
    cursor = None
    if len(rows) > page.limit:
        rows = rows[: page.limit]
        cursor = paging.encode(request, BeforeConflict(rows[-1]["id"]))
    items = [ConflictPublic.model_validate(row) for row in rows]
    return answers.json_answer(request, ConflictPage(items=items, next_cursor=cursor), cursor)
