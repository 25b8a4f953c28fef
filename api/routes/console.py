"""The console's pages: `/`, the parts of it that renew themselves, the timeline, static files."""

from datetime import date
from http import HTTPStatus
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import RedirectResponse, Response

from api import deps, problems
from api.console.render import Console, Writer, language_of, static_file
from api.console.timeline import specification
from api.console.view import Home, day_intervals, read_home
from api.roles import note_losses
from api.routes.rejected import PAYLOAD_ROLES
from api.sessions import COOKIE
from store import serving
from store.access import KeyHolder
from store.serving import Scope

router = APIRouter(include_in_schema=False)

FOR_EVER = "public, max-age=31536000, immutable"


class SignInNeededError(Exception):
    """A page was asked for without a session."""


def to_login(_request: Request, _error: Exception) -> Response:
    """Send people who are not signed in to the login page."""
    answer = RedirectResponse("/login", 303)
    answer.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
    return answer


def get_visitor(request: Request, connection: deps.Connection) -> KeyHolder:
    """Who looks at a page: a session is needed."""
    cookie = request.cookies.get(COOKIE)
    try:
        return deps.get_caller(request, connection, None, cookie)
    except problems.ProblemError as error:
        if error.status != HTTPStatus.UNAUTHORIZED:
            raise
        raise SignInNeededError from error


Visitor = Annotated[KeyHolder, Depends(get_visitor)]


def get_visitor_scope(connection: deps.Connection, visitor: Visitor) -> Scope:
    """The visitor's connection and sites."""
    return Scope(connection, visitor.site_ids, visitor.is_admin)


VisitorScope = Annotated[Scope, Depends(get_visitor_scope)]


def get_home(
    scope: VisitorScope,
    visitor: Visitor,
    site: Annotated[str | None, Query()] = None,
    day: Annotated[str | None, Query()] = None,
) -> Home | None:
    """What the page shows; nothing where the visitor may see no site."""
    sites = serving.sites(scope)
    if not sites:
        return None
    chosen = deps.find_site(scope, site) if site else sites[0]
    return read_home(scope, sites, chosen, _day(day), with_payload=visitor.role in PAYLOAD_ROLES)


@router.get("/")
def show_home(
    request: Request, visitor: Visitor, scope: VisitorScope, home: Annotated[Home | None, Depends(get_home)]
) -> Response:
    """The home page; that its ranking of stops was opened is kept, that it renewed itself is not."""
    if home is None:
        return _console(request).page(request, "no_sites.html", visitor=visitor)
    if home.stops:
        note_losses(scope.connection, visitor, home.site["key"], page="home")
    return _draw(request, "home.html", home, visitor=visitor)


@router.get("/console/live")
def show_live(request: Request, home: Annotated[Home | None, Depends(get_home)]) -> Response:
    """The parts of the home page that renew themselves."""
    return _draw(request, "live.html", home) if home else Response(status_code=204)


@router.get("/console/timeline")
def show_timeline(
    request: Request, scope: VisitorScope, site: Annotated[str, Query()], day: Annotated[str, Query()]
) -> dict[str, Any]:
    """The state timeline of a production day as a Vega-Lite specification."""
    chosen = deps.find_site(scope, site)
    assets = serving.assets(scope, chosen["site_id"])
    intervals = day_intervals(scope, assets, _day(day))
    return specification(assets, intervals, ZoneInfo(chosen["timezone"]), language_of(request))


@router.get("/docs")
def show_docs(request: Request) -> Response:
    """The OpenAPI document as a page of our own: the usual ones load their scripts from elsewhere."""
    document = request.app.openapi()
    operations = [
        (method.upper(), path, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
    ]
    return _console(request).page(request, "docs.html", document=document, operations=operations)


@router.get("/static/{name}")
def read_static(name: str) -> Response:
    """Style, scripts, the icon, and the chart bundle of the installed package."""
    found = static_file(name)
    if found is None:
        raise problems.not_found("file", f"There is no file {name!r}.")
    return Response(found[0], media_type=found[1], headers={"Cache-Control": FOR_EVER})


def _draw(request: Request, template: str, home: Home, **values: Any) -> Response:
    write = Writer(language_of(request).language, home.zone, home.now)
    return _console(request).page(request, template, home=home, write=write, **values)


def _console(request: Request) -> Console:
    console: Console = request.app.state.console
    return console


def _day(text: str | None) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise problems.invalid("day", "must be a production day, e.g. 2026-11-22") from error
