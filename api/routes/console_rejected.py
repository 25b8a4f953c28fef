"""The buttons beside rejected messages: try again, put aside. Forms of our own pages, for engineers."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends
from fastapi.responses import RedirectResponse, Response

from api import deps, problems
from api.routes.console import Visitor, VisitorScope
from api.routes.rejected import PAYLOAD_ROLES
from api.routes.replays import MessageId, ask, ask_for_one, dismiss_this
from api.routes.session import Form, refuse_other_origins
from store.replays import MOST, Selection


def require_engineer(visitor: Visitor) -> None:
    """Let those pass who may see payloads.

    Raises:
        ProblemError: 403.
    """
    if visitor.role not in PAYLOAD_ROLES:
        raise problems.forbidden("Rejected messages are settled by the roles engineer and admin.")


router = APIRouter(include_in_schema=False, dependencies=[Depends(refuse_other_origins), Depends(require_engineer)])


def get_way_back(form: Form) -> RedirectResponse:
    """The page that the form stands on."""
    place = {name: form[name] for name in ("site", "day") if form.get(name)}
    return RedirectResponse(f"/?{urlencode(place)}#part-rejected", 303)


WayBack = Annotated[RedirectResponse, Depends(get_way_back)]


@router.post("/rejected/replay")
def replay_all(scope: VisitorScope, visitor: Visitor, form: Form, back: WayBack) -> Response:
    """Try all open messages of a site again."""
    site = deps.find_site(scope, form.get("site", ""))
    ask(scope, visitor, Selection(site_id=site["site_id"]), MOST)
    return back


@router.post("/rejected/{message_id}/replay")
def replay(scope: VisitorScope, visitor: Visitor, message_id: MessageId, back: WayBack) -> Response:
    """Try one message again."""
    ask_for_one(scope, visitor, message_id)
    return back


@router.post("/rejected/{message_id}/dismiss")
def dismiss(scope: VisitorScope, visitor: Visitor, message_id: MessageId, back: WayBack) -> Response:
    """Put one message aside."""
    dismiss_this(scope, visitor, message_id)
    return back
