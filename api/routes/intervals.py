"""`/v1/intervals`: what each unit did when."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from api import answers, paging
from api.deps import Paging, Reached, TimeWindow
from api.routes.responses import OF_A_SITE
from api.schemas import IntervalPublic, Intervals
from model.vocabulary import TimeClass
from store import serving
from store.serving import IntervalFilter, IntervalKey

router = APIRouter(prefix="/v1", tags=["intervals"], responses=OF_A_SITE)


@router.get("/intervals", responses={200: {"model": Intervals}})
def list_intervals(
    request: Request,
    reach: Reached,
    window: TimeWindow,
    page: Paging,
    time_class: Annotated[list[TimeClass] | None, Query(description="only these, may be repeated")] = None,
) -> Response:
    """List time-class intervals that overlap the range (or lie in its production days), by asset and time.

    Each says what it was before a correction, and names the correction in force: what, who, when, why.
    """
    after = paging.decode(request, page.cursor, IntervalKey)
    wanted = IntervalFilter(sorted(reach.assets), window, time_class or ())
    rows = serving.intervals(reach.scope, wanted, page.limit + 1, after)
    cursor = None
    if len(rows) > page.limit:
        rows = rows[: page.limit]
        cursor = paging.encode(request, IntervalKey(rows[-1]["asset_id"], rows[-1]["from_ts"]))
    items = [IntervalPublic.model_validate(row) for row in rows]
    return answers.json_answer(request, Intervals(site=reach.site["key"], items=items, next_cursor=cursor), cursor)
