"""Draw pages: templates, texts, formatted numbers, static files with content-addressed names."""

import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from http import HTTPStatus
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from api.console import bundle, texts, timeline
from api.console.view import CLASSES, ENERGY_KPIS, OEE_KPIS, REASONS, why_missing
from api.schemas import Problem
from kpi.catalogue import CATALOGUE
from model import wording

LANGUAGE_COOKIE = "haidang_lang"
MEDIA_TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


@dataclass(frozen=True)
class Writer:
    """Writes numbers and times of one page; handed to the templates."""

    language: str
    zone: ZoneInfo
    now: datetime

    def value(self, kpi: str, value: float | None) -> str:
        return wording.quantity(value, CATALOGUE[kpi].unit, self.language)

    def percent(self, value: float | None) -> str:
        return wording.percent(value, self.language)

    def count(self, value: int) -> str:
        return wording.number(value, self.language, 0)

    def day(self, value: date) -> str:
        return wording.day(value, self.language)

    def clock(self, value: datetime) -> str:
        return wording.clock(value, self.zone, self.language, self.now)

    def duration(self, seconds: float) -> str:
        return wording.duration(seconds, self.language)


class Console:
    """The templates and what they share."""

    def __init__(self) -> None:
        self._templates = Environment(
            loader=PackageLoader("api.console", "templates"),
            autoescape=select_autoescape(default=True),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.globals.update(_GLOBALS)

    def page(self, request: Request, template: str, *, status: int = HTTPStatus.OK, **values: Any) -> HTMLResponse:
        """Draw a template in the caller's language, and remember the language where it was asked for."""
        text = language_of(request)
        other = next(each for each in texts.LANGUAGES if each != text.language)
        shared = {"t": text, "lang": text.language, "other_lang": other, "path": _with_language(request, other)}
        body = self._templates.get_template(template).render(**shared, **values)
        answer = HTMLResponse(body, status, headers={"Cache-Control": "no-store", "Vary": "Cookie, Accept-Language"})
        if request.query_params.get("lang") in texts.LANGUAGES:
            answer.set_cookie(LANGUAGE_COOKIE, text.language, max_age=365 * 86_400, httponly=True, samesite="lax")
        return answer

    def problem_page(self, request: Request, problem: Problem) -> HTMLResponse:
        """An error as a page."""
        return self.page(request, "problem.html", status=problem.status, problem=problem)


def language_of(request: Request) -> texts.Texts:
    """The texts of the caller's language."""
    remembered = request.cookies.get(LANGUAGE_COOKIE)
    asked = request.query_params.get("lang")
    return texts.load(texts.choose(asked, remembered, request.headers.get("accept-language", "")))


@cache
def static_file(name: str) -> tuple[bytes, str] | None:
    """Content and media type of one of our own files, or of the chart bundle."""
    if name == bundle.FILE_NAME:
        return bundle.script(), MEDIA_TYPES[".js"]
    folder = files("api.console") / "static"
    known = {entry.name: entry for entry in folder.iterdir()}
    suffix = name[name.rfind(".") :]
    if name not in known or suffix not in MEDIA_TYPES:
        return None
    return known[name].read_bytes(), MEDIA_TYPES[suffix]


@cache
def asset_url(name: str) -> str:
    """Address of a static file that changes when the file does, so it may be kept for ever."""
    found = static_file(name)
    assert found is not None, name  # noqa: S101 - templates name our own files
    return f"/static/{name}?v={hashlib.sha256(found[0]).hexdigest()[:12]}"


def _with_language(request: Request, language: str) -> str:
    url = request.url.remove_query_params("token").include_query_params(lang=language)
    return f"{url.path}?{url.query}"


_GLOBALS = {
    "asset_url": asset_url,
    "bundle_url": f"/static/{bundle.FILE_NAME}",
    "kind": timeline.kind,
    "kinds": timeline.KINDS,
    "classes": CLASSES,
    "oee_kpis": OEE_KPIS,
    "energy_kpis": ENERGY_KPIS,
    "reasons": REASONS,
    "why_missing": why_missing,
}
