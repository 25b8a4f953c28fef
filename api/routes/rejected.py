"""`/v1/rejected`: messages that were not stored, and why."""

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import Response

from api import answers, paging, problems
from api.deps import Caller, CallerScope, OptionalSite, Paging, TimeWindow
from api.routes.ledger import refuse_days
from api.routes.responses import OF_A_SITE
from api.routes.responses import problems as documented
from api.schemas import RejectedPage, RejectedPublic
from store import serving
from store.replays import Selection
from store.serving import RejectedFilter, Row

router = APIRouter(prefix="/v1", tags=["rejected"], responses=OF_A_SITE)

# A rejected payload was never cleaned of person fields, so it is for those who mend the device.
PAYLOAD_ROLES = ("engineer", "admin")
EXCERPT_CHARACTERS = 200


@dataclass(frozen=True)
class BeforeId:
    """The place of a rejected message in the order of reading, newest first."""

    id: int | None = None


def get_selection(
    site: OptionalSite,
    window: TimeWindow,
    reason: Annotated[str | None, Query(description="reason code")] = None,
    topic: Annotated[str | None, Query(max_length=1_000, description="beginning of the topic")] = None,
    status: Annotated[Literal["open", "replayed", "dismissed"] | None, Query(description="only these")] = None,
) -> Selection:
    """The rejected messages that the query means; times are those of the last receipt."""
    refuse_days(window, "messages are selected by the time of their receipt")
    number = site["site_id"] if site else None
    return Selection(number, reason, topic, window.from_ts, window.to_ts, status=status)


Selected = Annotated[Selection, Depends(get_selection)]


@router.get("/rejected", responses={200: {"model": RejectedPage}})
def list_rejected(
    request: Request,
    caller: Caller,
    scope: CallerScope,
    selected: Selected,
    page: Paging,
) -> Response:
    """List rejected messages, newest first; administrators also see those of no known site."""
    before = paging.decode(request, page.cursor, BeforeId)
    wanted = RejectedFilter(
        selected.site_id,
        selected.reason,
        selected.topic,
        selected.from_ts,
        selected.to_ts,
        selected.status,
        with_payload=caller.role in PAYLOAD_ROLES,
    )
    rows = serving.rejected(scope, wanted, page.limit + 1, before.id)
    cursor = None
    if len(rows) > page.limit:
        rows = rows[: page.limit]
        cursor = paging.encode(request, BeforeId(rows[-1]["id"]))
    items = [RejectedPublic.model_validate({**row, "payload_excerpt": excerpt(row)}) for row in rows]
    return answers.json_answer(request, RejectedPage(items=items, next_cursor=cursor), cursor)


@router.get(
    "/rejected/{message_id}/payload",
    response_class=Response,
    responses={200: {"content": {"application/octet-stream": {}}}, **documented(403)},
)
def read_payload(caller: Caller, scope: CallerScope, message_id: Annotated[int, Path(ge=1, lt=2**63)]) -> Response:
    """Download the kept bytes of a rejected message (engineers and administrators)."""
    if caller.role not in PAYLOAD_ROLES:
        raise problems.forbidden("Payloads may hold personal data: this needs the role engineer or admin.")
    payload = serving.rejected_payload(scope, message_id)
    if payload is None:
        raise problems.not_found("message", f"There is no rejected message {message_id} for this key.")
    disposition = f'attachment; filename="rejected-{message_id}.bin"'
    return Response(payload, media_type="application/octet-stream", headers={"Content-Disposition": disposition})


def excerpt(row: Row) -> str | None:
    """The beginning of a payload as text; bytes that are no text or no print show as a replacement mark."""
    if row["payload_head"] is None:
        return None
    text = bytes(row["payload_head"]).decode("utf-8", errors="replace")
    printable = "".join(char if char.isprintable() or char in "\n\t" else "\ufffd" for char in text)
    is_cut = len(printable) > EXCERPT_CHARACTERS or row["payload_bytes"] > len(row["payload_head"])
    return printable[:EXCERPT_CHARACTERS] + ("…" if is_cut else "")
