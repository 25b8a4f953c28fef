"""JSON bodies of requests: read up to a limit, and only for callers that may send one."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

from api import problems
from api.deps import Caller

Body = TypeVar("Body", bound=BaseModel)
SMALL = 16_384  # bytes

JSON_TYPE = "application/json"


async def read_bytes(request: Request, most: int) -> bytes:
    """The body of a request.

    Raises:
        ProblemError: 413, larger than that.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise problems.ProblemError(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too-large", f"The body is larger than {most:,} bytes."
            )
    return bytes(body)


def json_body(model: type[Body], most: int = SMALL) -> Callable[..., Awaitable[Body]]:
    """Make the dependency that reads a body of a kind; the caller is known before a byte is read."""

    async def read(request: Request, _caller: Caller) -> Body:
        return parsed(model, await read_bytes(request, most))

    return read


def parsed(model: type[Body], raw: bytes) -> Body:
    """Read JSON.

    Raises:
        RequestValidationError: names each place that is wrong.
    """
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        places = error.errors(include_url=False, include_context=False, include_input=False)
        raise RequestValidationError([{**each, "loc": ("body", *each["loc"])} for each in places]) from error


def documented(model: type[BaseModel], **others: dict[str, Any]) -> dict[str, Any]:
    """What OpenAPI says of such a body; further media types by name with `_` for `/`."""
    content = {JSON_TYPE: {"schema": model.model_json_schema()}}
    content |= {name.replace("_", "/"): {"schema": schema} for name, schema in others.items()}
    return {"requestBody": {"required": True, "content": content}}
