"""The answers that routes share in the OpenAPI document."""

from typing import Any

from api.problems import MEDIA_TYPE
from api.schemas import Problem

_SENTENCES = {
    401: "No usable key and no session.",
    403: "The key's role may not do this.",
    404: "There is no such thing, or not for this key.",
    409: "It is settled, replaced or taken back already, or cannot be done with this one.",
    422: "The query is not usable; `errors` names each place.",
    503: "The database does not answer.",
}


def problems(*status: int) -> dict[int | str, dict[str, Any]]:
    """Document these errors as problem details."""
    content = {MEDIA_TYPE: {"schema": Problem.model_json_schema()}}
    return {each: {"description": _SENTENCES[each], "content": content} for each in status}


COMMON = problems(401, 422, 503)
OF_A_SITE = problems(401, 404, 422, 503)
