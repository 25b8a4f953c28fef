"""`/v1/rejected/…`: try rejected messages again, put them aside, take them out as NDJSON. For engineers and admins.

The API asks; ingest carries out, in the transaction that stores the values.
"""

from collections.abc import Iterator
from dataclasses import replace
from http import HTTPStatus
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.responses import StreamingResponse

from api import problems
from api.deps import POOL_WAIT_S, Caller, CallerScope
from api.routes.rejected import PAYLOAD_ROLES, Selected
from api.routes.responses import OF_A_SITE
from api.routes.responses import problems as documented
from api.routes.session import refuse_other_origins
from api.schemas import DismissAnswer, ReplayAnswer
from store import access, replays
from store.errors import translated
from store.replays import Asked, Selection
from store.serving import Scope

PAGE = 50
NDJSON = "application/x-ndjson"

MessageId = Annotated[int, Path(ge=1, lt=2**63)]
Limit = Annotated[int, Query(ge=1, le=replays.MOST, description="messages at most, the oldest first")]


def require_engineer(caller: Caller) -> None:
    """Let those pass who may see payloads.

    Raises:
        ProblemError: 403.
    """
    if caller.role not in PAYLOAD_ROLES:
        raise problems.forbidden("Rejected messages are settled by the roles engineer and admin.")


# A session's cookie comes along with whatever a browser sends: forms and scripts of other sites are refused.
router = APIRouter(
    prefix="/v1",
    tags=["rejected"],
    dependencies=[Depends(refuse_other_origins), Depends(require_engineer)],
    responses={**OF_A_SITE, **documented(403)},
)


@router.post("/rejected/replay", status_code=HTTPStatus.ACCEPTED)
def replay_selected(caller: Caller, scope: CallerScope, selected: Selected, limit: Limit = 1_000) -> ReplayAnswer:
    """Ask for the replay of open messages."""
    return ReplayAnswer.model_validate(ask(scope, caller, selected, limit))


@router.post("/rejected/dismiss")
def dismiss_selected(caller: Caller, scope: CallerScope, selected: Selected, limit: Limit = 1_000) -> DismissAnswer:
    """Put open messages aside; nothing is deleted."""
    return DismissAnswer(dismissed=dismiss(scope, caller, selected, limit))


@router.get("/rejected/export", response_class=StreamingResponse, responses={200: {"content": {NDJSON: {}}}})
def export(
    request: Request, caller: Caller, scope: CallerScope, selected: Selected, limit: Limit = replays.MOST
) -> StreamingResponse:
    """Take messages out, oldest first, a JSON object per line; payloads in base64."""
    access.record_audit(
        scope.connection, caller.account_id, "rejected.export", "", {**_shown(selected), "limit": limit}
    )
    lines = _lines(request, caller, selected, limit)
    headers = {"Content-Disposition": 'attachment; filename="rejected.ndjson"', "Cache-Control": "no-store"}
    return StreamingResponse(lines, media_type=NDJSON, headers=headers)


@router.post("/rejected/{message_id}/replay", status_code=HTTPStatus.ACCEPTED, responses=documented(409))
def replay_one(caller: Caller, scope: CallerScope, message_id: MessageId) -> ReplayAnswer:
    """Ask for the replay of one message."""
    return ReplayAnswer.model_validate(ask_for_one(scope, caller, message_id))


@router.post("/rejected/{message_id}/dismiss", responses=documented(409))
def dismiss_one(caller: Caller, scope: CallerScope, message_id: MessageId) -> DismissAnswer:
    """Put one message aside."""
    return DismissAnswer(dismissed=dismiss_this(scope, caller, message_id))


def ask(scope: Scope, caller: access.KeyHolder, wanted: Selection, most: int) -> Asked:
    """Ask for replays and write it into the audit log."""
    asked = replays.ask(scope, wanted, caller.account_id, most)
    detail = {**_shown(wanted), "asked": asked.asked}
    access.record_audit(scope.connection, caller.account_id, "rejected.replay", _object(wanted), detail)
    return asked


def dismiss(scope: Scope, caller: access.KeyHolder, wanted: Selection, most: int) -> int:
    """Put messages aside and write it into the audit log."""
    dismissed = replays.dismiss(scope, wanted, most)
    detail = {**_shown(wanted), "dismissed": dismissed}
    access.record_audit(scope.connection, caller.account_id, "rejected.dismiss", _object(wanted), detail)
    return dismissed


def ask_for_one(scope: Scope, caller: access.KeyHolder, message_id: int) -> Asked:
    """Ask for the replay of a message that can be replayed.

    Raises:
        ProblemError: 404 or 409.
    """
    row = _open_message(scope, message_id)
    if not row["replayable"]:
        detail = (
            "What was kept of this message is not all that was sent (it was too large, or names of persons were taken "
            "out), so it cannot be replayed. Mend the cause and have the device send it again, or dismiss it."
        )
        raise problems.conflict("not-replayable", detail)
    return ask(scope, caller, Selection(ids=[message_id]), 1)


def dismiss_this(scope: Scope, caller: access.KeyHolder, message_id: int) -> int:
    """Put a message aside.

    Raises:
        ProblemError: 404 or 409.
    """
    _open_message(scope, message_id)
    return dismiss(scope, caller, Selection(ids=[message_id]), 1)


def _open_message(scope: Scope, message_id: int) -> dict[str, Any]:
    row = replays.one(scope, message_id)
    if row is None:
        raise problems.not_found("message", f"There is no rejected message {message_id} for this key.")
    if row["status"] != "open":
        raise problems.conflict("settled", f"Message {message_id} is {row['status']} already.")
    return row


def _lines(request: Request, caller: access.KeyHolder, wanted: Selection, limit: int) -> Iterator[bytes]:
    """Read page by page, each on a connection of its own: a slow reader must not keep one from the others."""
    after_id, left = 0, limit
    while left > 0:
        with translated(), request.app.state.pool.connection(timeout=POOL_WAIT_S) as connection:
            access.open_sites(connection, caller.site_ids, sees_unknown=caller.is_admin)
            scope = Scope(connection, caller.site_ids, caller.is_admin)
            rows = list(replays.export(scope, wanted, min(PAGE, left), after_id))
        for row in rows:
            yield msgspec.json.encode(row) + b"\n"
        if len(rows) < min(PAGE, left):
            return
        left, after_id = left - len(rows), rows[-1]["id"]


def _shown(wanted: Selection) -> dict[str, Any]:
    """A selection as the audit log keeps it."""
    return {name: str(value) for name, value in vars(replace(wanted, ids=None)).items() if value is not None}


def _object(wanted: Selection) -> str:
    return ",".join(map(str, wanted.ids or ()))
