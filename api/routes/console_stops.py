"""The forms beside a stop of our own pages: an engineer says what it was, cuts it in two, takes a correction back."""

from dataclasses import replace
from datetime import datetime
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends
from fastapi.responses import RedirectResponse, Response

from api import deps, problems
from api.routes.annotations import author_of, require_corrector, told
from api.routes.console import Visitor, VisitorScope
from api.routes.session import Form, refuse_other_origins
from store import annotations
from store.correction import Correction, Parts

MOST_DIGITS = 19  # of a number that the database knows


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
    given = replace(_stretch(form), reason=form.get("reason", ""))
    with told():
        annotations.annotate(author_of(scope, visitor, site), given)
    return _back(form)


@router.post("/stops/split")
def split(scope: VisitorScope, visitor: Visitor, form: Form) -> Response:
    """Cut a stop in two, keep the reasons of the parts and go back to the list."""
    site = deps.find_site(scope, form.get("site", ""))
    stretch = _stretch(form)
    at = _within(stretch, _instant(form, "at"), ZoneInfo(site["timezone"]))
    parts = Parts(form.get("first_reason", ""), form.get("second_reason", ""))
    with told():
        annotations.split(author_of(scope, visitor, site), stretch, at, parts)
    return _back(form)


@router.post("/stops/revert")
def revert(scope: VisitorScope, visitor: Visitor, form: Form) -> Response:
    """Take a correction back and go back to the list."""
    site = deps.find_site(scope, form.get("site", ""))
    number = form.get("annotation", "")
    if not (number.isascii() and number.isdigit() and len(number) < MOST_DIGITS):
        raise problems.invalid("annotation", "must be the number of a correction")
    with told():
        annotations.revert(author_of(scope, visitor, site), int(number), form.get("note", ""))
    return _back(form)


def _stretch(form: dict[str, str]) -> Correction:
    """The stop that a form stands beside, and why it is corrected."""
    return Correction(form.get("asset", ""), _instant(form, "from"), _instant(form, "to"), note=form.get("note", ""))


def _within(stretch: Correction, at: datetime, zone: ZoneInfo) -> datetime:
    """The instant of a time by the clock of the site; of one that came twice the one inside the stretch."""
    first, second = (at if at.tzinfo else at.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    is_first = stretch.from_ts.timestamp() < first.timestamp()
    return first if is_first or second.timestamp() >= stretch.to_ts.timestamp() else second


def _back(form: dict[str, str]) -> Response:
    place = {name: form[name] for name in ("site", "day") if form.get(name)}
    return RedirectResponse(f"/?{urlencode(place)}#part-stops", 303)


def _instant(form: dict[str, str], name: str) -> datetime:
    try:
        return datetime.fromisoformat(form.get(name, ""))
    except ValueError as error:
        raise problems.invalid(name, "must be an instant") from error
