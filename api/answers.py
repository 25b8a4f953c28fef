"""How an answer is written: JSON with a weak ETag, or CSV, and 304 for who has it already."""

import csv
import hashlib
import io
from collections.abc import Sequence
from typing import Any

import msgspec
from fastapi import Request
from fastapi.responses import Response
from pydantic import BaseModel

from api.paging import next_link

CSV_TYPE = "text/csv"
_SEPARATOR = "|"  # between the parts of a list in one CSV cell


def wants_csv(request: Request, format_: str | None) -> bool:
    """Whether CSV is asked for, by parameter or else by the Accept header."""
    if format_ is not None:
        return format_ == "csv"
    return request.headers.get("accept", "").split(",")[0].split(";")[0].strip() == CSV_TYPE


def json_answer(request: Request, page: BaseModel | msgspec.Struct, cursor: str | None = None) -> Response:
    """A page as JSON; one of thousands of rows is a struct."""
    body = msgspec.json.encode(page) if isinstance(page, msgspec.Struct) else page.model_dump_json().encode()
    return _tagged(request, body, "application/json", cursor)


def csv_answer(request: Request, rows: Sequence[BaseModel], columns: list[str], cursor: str | None) -> Response:
    """Rows as CSV with a header line; the next page is in the Link header."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(columns)
    for row in rows:
        plain = row.model_dump(mode="json")
        writer.writerow([_cell(plain[name]) for name in columns])
    return _tagged(request, text.getvalue().encode(), f"{CSV_TYPE}; charset=utf-8", cursor)


def _cell(value: Any) -> Any:
    return _SEPARATOR.join(map(str, value)) if isinstance(value, list) else value


def _tagged(request: Request, body: bytes, media_type: str, cursor: str | None) -> Response:
    tag = f'W/"{hashlib.blake2b(body, digest_size=16).hexdigest()}"'
    headers = {
        "ETag": tag,
        "Cache-Control": "private, no-cache",
        "Vary": "Accept, Authorization, Cookie",
        **next_link(request, cursor),
    }
    known = [each.strip() for each in request.headers.get("if-none-match", "").split(",")]
    if tag in known or tag.removeprefix("W/") in known:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=media_type, headers=headers)
