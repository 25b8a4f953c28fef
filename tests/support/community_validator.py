"""The validator of the RO-Crate community (roc-validator) without a network, in an environment of its own: a script.

It fetches the JSON-LD context of RO-Crate 1.1; the community's reader (rocrate 0.13) ships that very document, so it is
put into the validator's HTTP cache first. Arguments: file of the cache, folder of the crate, options of `validate`.
"""

import io
import os
import sys
from importlib.resources import files
from typing import Any

from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter
from requests_cache import CachedSession  # type: ignore[import-not-found,unused-ignore]
from urllib3 import HTTPResponse

CONTEXT = "https://w3id.org/ro/crate/1.1/context"


class Shipped(BaseAdapter):
    """Answers with the context that the reader ships."""

    def send(self, request: PreparedRequest, *_: Any, **__: Any) -> Response:
        body = files("rocrate").joinpath("data/ro-crate.jsonld").read_bytes()
        if f'"{CONTEXT}"'.encode() not in body:
            sys.exit(f"the reader ships another context than {CONTEXT}")
        answer = Response()
        answer.status_code, answer.url, answer.request = 200, request.url or "", request
        answer.headers["Content-Type"] = "application/ld+json"
        answer.raw = HTTPResponse(io.BytesIO(body), status=200, preload_content=False)
        return answer

    def close(self) -> None:
        """There is nothing to close."""


def main(cache: str, folder: str, *options: str) -> None:
    with CachedSession(cache, backend="sqlite", expire_after=-1) as session:
        session.mount(CONTEXT, Shipped())
        session.get(CONTEXT).raise_for_status()
    command = ["rocrate-validator", "-y", "validate", "--no-paging", "--offline", "--cache-path", cache]
    os.execvp(command[0], [*command, *options, folder])  # noqa: S606  # of the same environment


if __name__ == "__main__":
    main(*sys.argv[1:])
