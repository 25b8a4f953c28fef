"""Every error as problem details (RFC 9457): a type, a title, a sentence that says what to do."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import psycopg
import structlog
from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from psycopg_pool import PoolTimeout, TooManyRequests
from starlette.exceptions import HTTPException

from api.schemas import Problem
from store.errors import DatabaseUnavailableError, SchemaOutdatedError, StoreError

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:haidang:problem:"

log = structlog.get_logger("api")


class ProblemError(Exception):
    """An answer that is not the one asked for; `slug` names its kind for programs."""

    def __init__(self, status: HTTPStatus, slug: str, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.slug, self.detail, self.headers = status, slug, detail, headers


def unauthorized() -> ProblemError:
    """No usable key and no session; the same sentence whatever was wrong."""
    return ProblemError(
        HTTPStatus.UNAUTHORIZED,
        "unauthorized",
        "This needs a key that has neither ended nor been revoked: send `Authorization: Bearer hd_…` (made with "
        "`haidang key create`), or sign in at /login.",
        {"WWW-Authenticate": 'Bearer realm="haidang"'},
    )


def forbidden(detail: str) -> ProblemError:
    """The caller is known and may not do this."""
    return ProblemError(HTTPStatus.FORBIDDEN, "forbidden", detail)


def conflict(slug: str, detail: str) -> ProblemError:
    """The thing is not in a state in which this can be done."""
    return ProblemError(HTTPStatus.CONFLICT, slug, detail)


def not_found(what: str, detail: str) -> ProblemError:
    """There is no such thing, or not for this caller: which of both is not revealed."""
    return ProblemError(HTTPStatus.NOT_FOUND, f"unknown-{what}", detail)


def invalid(name: str, message: str) -> RequestValidationError:
    """A query parameter that no type check can refuse."""
    return RequestValidationError([{"type": "value_error", "loc": ("query", name), "msg": message, "input": None}])


def install(app: FastAPI) -> None:
    """Answer every error of the application as problem details."""
    app.add_exception_handler(ProblemError, _on_problem)
    app.add_exception_handler(RequestValidationError, _on_validation)
    app.add_exception_handler(HTTPException, _on_http)
    for error in (DatabaseUnavailableError, SchemaOutdatedError, PoolTimeout, TooManyRequests):
        app.add_exception_handler(error, _on_database_away)
    app.add_exception_handler(StoreError, _on_store)
    app.add_exception_handler(Exception, _on_unexpected)


def response(request: Request, problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """Write a problem: as a page for a person in the console, else as JSON."""
    if _is_page(request):
        page: Response = request.app.state.console.problem_page(request, problem)
        page.headers.update(headers or {})
        return page
    body = problem.model_dump(exclude_none=True)
    return JSONResponse(body, status_code=problem.status, media_type=MEDIA_TYPE, headers=dict(headers or {}))


def _is_page(request: Request) -> bool:
    is_data = request.url.path.startswith(("/v1/", "/healthz", "/metrics", "/static/", "/console/"))
    return not is_data and "text/html" in request.headers.get("accept", "")


def _problem(request: Request, status: int, slug: str, detail: str, errors: Any = None) -> Problem:
    title = HTTPStatus(status).phrase
    path = request.url.path
    return Problem(type=TYPE_PREFIX + slug, title=title, status=status, detail=detail, instance=path, errors=errors)


def _on_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)  # noqa: S101 - registered for this class only
    return response(request, _problem(request, error.status, error.slug, error.detail), error.headers)


def _on_validation(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this class only
    places = [
        {"in": str(each["loc"][0]), "name": ".".join(map(str, each["loc"][1:])), "message": str(each["msg"])}
        for each in jsonable_encoder(error.errors())
    ]
    detail = "; ".join(f"{place['name']}: {place['message']}" for place in places)
    return response(request, _problem(request, HTTPStatus.UNPROCESSABLE_ENTITY, "invalid-request", detail, places))


def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class only
    slug = HTTPStatus(error.status_code).phrase.lower().replace(" ", "-")
    problem = _problem(request, error.status_code, slug, f"{error.detail}: {request.method} {request.url.path}")
    return response(request, problem, error.headers)


def _on_database_away(request: Request, error: Exception) -> Response:
    outdated = isinstance(error, SchemaOutdatedError)
    detail = str(error) if outdated else "The database does not answer. Try again; /healthz names what fails."
    log.warning("database_away", path=request.url.path, error=str(error))
    slug = "schema-outdated" if outdated else "database-away"
    problem = _problem(request, HTTPStatus.SERVICE_UNAVAILABLE, slug, detail)
    return response(request, problem, {"Retry-After": "5"})


def _on_store(request: Request, error: Exception) -> Response:
    """A value that only the database could refuse (a zero byte, a number too large) is the caller's."""
    if not isinstance(error.__cause__, psycopg.DataError):
        return _on_unexpected(request, error)
    detail = f"A value of the query cannot be used: {error}"
    return response(request, _problem(request, HTTPStatus.UNPROCESSABLE_ENTITY, "invalid-request", detail))


def _on_unexpected(request: Request, error: Exception) -> Response:
    log.error("unexpected_error", path=request.url.path, error=repr(error))
    detail = "The service failed on this request; its log says why."
    return response(request, _problem(request, HTTPStatus.INTERNAL_SERVER_ERROR, "internal-error", detail))
