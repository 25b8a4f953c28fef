"""Keyset paging: an opaque cursor holds the place of the last row shown and the query it belongs to."""

import base64
import binascii
import hashlib
from typing import TypeVar

import msgspec
from fastapi import Request

from api.problems import invalid

MAX_LIMIT = 10_000
DEFAULT_LIMIT = 1_000

Key = TypeVar("Key")

_NOT_OF_THE_QUERY = {"cursor", "limit", "format"}


def encode(request: Request, key: object) -> str:
    """The cursor after a row."""
    place = msgspec.json.encode([_query_digest(request), key])
    return base64.urlsafe_b64encode(place).rstrip(b"=").decode()


def decode(request: Request, cursor: str | None, kind: type[Key]) -> Key:
    """The place a cursor names; the start without one.

    Raises:
        RequestValidationError: not a cursor, or one of another query.
    """
    if cursor is None:
        return kind()
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        query, place = msgspec.json.decode(raw, type=tuple[str, msgspec.Raw])
        key = msgspec.json.decode(place, type=kind)
    except (ValueError, binascii.Error, msgspec.DecodeError) as error:
        raise invalid("cursor", "not a cursor of this service; start again without it") from error
    if query != _query_digest(request):
        raise invalid("cursor", "this cursor belongs to another query; start again without it")
    return key


def next_link(request: Request, cursor: str | None) -> dict[str, str]:
    """The Link header to the next page (RFC 8288), nothing on the last one."""
    if cursor is None:
        return {}
    url = request.url.include_query_params(cursor=cursor)
    return {"Link": f'<{url.path}?{url.query}>; rel="next"'}


def _query_digest(request: Request) -> str:
    parts = sorted((name, value) for name, value in request.query_params.multi_items() if name not in _NOT_OF_THE_QUERY)
    return hashlib.sha256(repr((request.url.path, parts)).encode()).hexdigest()[:12]
