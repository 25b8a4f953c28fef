"""The form beside a stop: an engineer says what it was. A form of our own pages."""

from datetime import datetime
from urllib.parse import urlencode

from fastapi import APIRouter, Depends
from fastapi.responses import RedirectResponse, Response

from api import deps, problems
from api.routes.annotations import author_of, require_corrector, told
from api.routes.console import Visitor, VisitorScope
from api.routes.session import Form, refuse_other_origins
from store import annotations
from store.correction import Correction


def may_correct(visitor: Visitor) -> None:
    """Let engineers and administrators pass.

    Raises:
        ProblemError: 403.
    """
    require_corrector(visitor)


router = APIRouter(include_in_schema=False, dependencies=[Depends(refuse_other_origins), Depends(may_correct)])


@router.post("/stops/annotate")
def annotate(scope: VisitorScope, visitor: Visitor, form: Form) -> Response:
    """Keep the reason of a stop and go back to the list."""
    site = deps.find_site(scope, form.get("site", ""))
    given = Correction(
        asset=form.get("asset", ""),
        from_ts=_instant(form, "from"),
        to_ts=_instant(form, "to"),
        reason=form.get("reason", ""),
        note=form.get("note", ""),
    )
    with told():
        annotations.annotate(author_of(scope, visitor, site), given)
    place = {name: form[name] for name in ("site", "day") if form.get(name)}
    return RedirectResponse(f"/?{urlencode(place)}#part-stops", 303)


def _instant(form: dict[str, str], name: str) -> datetime:
    try:
        return datetime.fromisoformat(form.get(name, ""))
    except ValueError as error:
        raise problems.invalid(name, "must be an instant with its offset") from error
