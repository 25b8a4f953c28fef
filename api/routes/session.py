"""`/login` and `/logout`: a session of the console, by key or by a one-time link."""

from http import HTTPStatus
from typing import Annotated
from urllib.parse import parse_qs, urlsplit

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import RedirectResponse, Response

from api import problems
from api.console.render import Console
from api.deps import Connection
from api.sessions import COOKIE, Sessions
from store import access

router = APIRouter(include_in_schema=False)

MAX_FORM_BYTES = 4_096


def refuse_other_origins(request: Request) -> None:
    """Take forms only from our own pages: SameSite cookies cannot protect the signing in itself.

    Raises:
        ProblemError: 403.
    """
    fetch_site = request.headers.get("sec-fetch-site")
    origin = request.headers.get("origin")
    is_foreign = origin is not None and urlsplit(origin).netloc != request.headers.get("host")
    if is_foreign or fetch_site in {"cross-site", "same-site"}:
        raise problems.forbidden("This form was sent from another site.")


async def read_form(request: Request) -> dict[str, str]:
    """The fields of a small form."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_FORM_BYTES:
            raise problems.ProblemError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too-large", "The form is too large.")
    fields = parse_qs(body.decode("utf-8", errors="replace"), max_num_fields=10)
    return {name: values[0] for name, values in fields.items()}


Form = Annotated[dict[str, str], Depends(read_form)]


@router.get("/login")
def show_login(request: Request, token: Annotated[str, Query(max_length=1_000)] = "") -> Response:
    """The login page; opening a one-time link does not use it up, its form does."""
    return _page(request, token=token)


@router.post("/login", dependencies=[Depends(refuse_other_origins)])
def sign_in(request: Request, connection: Connection, form: Form) -> Response:
    """Open a session for a key or a one-time link."""
    sessions: Sessions = request.app.state.sessions
    token = form.get("token", "")
    if token:
        prefix = sessions.redeem(token)
        holder = access.find_key_by_prefix(connection, prefix) if prefix else None
    else:
        holder = access.find_key(connection, form.get("key", "").strip())
    if holder is None:
        return _page(request, problem="login.used" if token else "login.wrong", status=HTTPStatus.UNAUTHORIZED)
    access.record_audit(connection, holder.account_id, "session.open", holder.prefix, {"by_link": bool(token)})
    answer = RedirectResponse("/", HTTPStatus.SEE_OTHER)
    answer.set_cookie(
        COOKIE,
        sessions.open(holder.prefix),
        max_age=sessions.seconds,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return answer


@router.post("/logout", dependencies=[Depends(refuse_other_origins)])
def sign_out() -> Response:
    """Forget the session in this browser."""
    answer = RedirectResponse("/login", HTTPStatus.SEE_OTHER)
    answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return answer


def _page(request: Request, *, token: str = "", problem: str = "", status: int = HTTPStatus.OK) -> Response:
    console: Console = request.app.state.console
    return console.page(request, "login.html", status=status, token=token, problem=problem)
