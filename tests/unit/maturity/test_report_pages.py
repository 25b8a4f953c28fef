"""Pages of a report as they are read: inside margins, none nearly empty, one page for the director, one language."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET  # of a file made here

import pytest

from maturity.report.parts import View
from maturity.report.pdf import pdf
from maturity.report.view import view
from maturity.report.words import LANGUAGES, Language, load
from tests.support.required import missing
from tests.unit.maturity import invented

FOUND = invented.assessment()
WORD = "{http://www.w3.org/1999/xhtml}word"
PAGE = "{http://www.w3.org/1999/xhtml}page"
SIDE_PT, TOP_PT = 50.0, 25.0  # less than the margins of the template
ENGLISH = re.compile(
    r"\b(the|of|with|is|are|not|has|have|which|when|level|assessor|supported|contradicted|required|missing|baseline|"
    r"criterion|criteria|window|by day|needs|there|no)\b",
    re.IGNORECASE,
)


Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Page:
    """Words of a page and where the lowest one of its body ends, as a share of the page."""

    words: tuple[str, ...]
    outside: tuple[str, ...]
    filled: float


@cache
def told(language: Language) -> View:
    return view(FOUND, language, invented.overview(), invented.review(FOUND))


@pytest.fixture(scope="module", params=LANGUAGES)
def pages(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[Page]:
    if not shutil.which("pdftotext"):
        missing("pdftotext", "it is not installed")
    folder = tmp_path_factory.mktemp("pages")
    made, boxes = folder / "report.pdf", folder / "words.html"
    made.write_bytes(pdf(told(request.param)))
    subprocess.run(["pdftotext", "-bbox", made, boxes], check=True, capture_output=True)
    return list(_pages(boxes))


def _pages(boxes: Path) -> Iterator[Page]:
    for page in ET.parse(boxes).iter(PAGE):  # noqa: S314
        width, height = float(page.get("width", 0)), float(page.get("height", 0))
        found = [(word.text or "", _box(word)) for word in page.iter(WORD)]
        outside = tuple(text for text, box in found if not _is_inside(box, width, height))
        body = [bottom for _, (_, _, _, bottom) in found if bottom < height * 0.93]
        yield Page(tuple(text for text, _ in found), outside, max(body, default=0.0) / height)


def _box(word: ET.Element) -> Box:
    left, top, right, bottom = (float(word.get(side, 0)) for side in ("xMin", "yMin", "xMax", "yMax"))
    return left, top, right, bottom


def _is_inside(box: Box, width: float, height: float) -> bool:
    left, top, right, bottom = box
    return left >= SIDE_PT and right <= width - SIDE_PT and top >= TOP_PT and bottom <= height - TOP_PT


def test_no_word_leaves_the_margins_and_no_page_is_nearly_empty(pages: list[Page]) -> None:
    assert [(number, page.outside) for number, page in enumerate(pages, start=1) if page.outside] == []
    assert [round(page.filled, 2) for page in pages[:-1] if page.filled < 0.5] == []
    assert pages[-1].filled > 0.2


def test_the_first_page_is_the_whole_summary_and_every_page_says_its_number(pages: list[Page]) -> None:
    first, second = (" ".join(page.words) for page in pages[:2])
    (language,) = [each for each in LANGUAGES if told(each).title in first]
    summary = told(language).summary
    assert len(summary.gaps) == len(summary.groups) == 3
    for said in (*(each.id for each in summary.gaps), *(each.name for each in summary.groups), summary.headline):
        assert said in first
    assert told(language).texts["summary.coverage"].split()[0] in first
    assert told(language).principles[0].stand.name in second
    for number, page in enumerate(pages, start=1):
        said = " ".join(page.words)
        assert load(language)("page", page=number, pages=len(pages)) in said
        assert told(language).result in said


def texts_of(value: Any) -> Iterator[str]:
    """Every text of a view."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, each in value.items():
            if name not in ("outcome", "verdict"):  # what the template colours by
                yield from texts_of(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from texts_of(each)


def test_the_vietnamese_report_has_no_english_sentence() -> None:
    made = told("vi").plain()
    made["method"].pop("sources")  # titles of the source
    own = (re.sub(r'`[^`]*`|"[^"]*"|“[^”]*”|\{\w+\}|CSV với các cột .*', "", said) for said in texts_of(made))
    assert sorted({said for said in own if ENGLISH.search(said)}) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_key_of_a_text_and_no_empty_place_is_left(language: Language) -> None:
    made = told(language)
    keys = {key for key in made.texts if "." in key}
    told_ = {name: each for name, each in made.plain().items() if name != "texts"}
    for said in texts_of(told_):
        assert not re.search(r"[{}]", said), said
        assert not keys & set(re.findall(r"[\w.]*\w", said)), said


def test_both_languages_tell_the_same_numbers() -> None:
    def numbers(of: View) -> list[list[str]]:
        compared = [
            (row.value, row.required, row.completeness)
            for principle in of.principles
            for area in principle.areas
            for level in area.levels
            for criterion in level.criteria
            for row in criterion.comparisons
        ]
        shown = [(each.value, each.complete) for each in of.kpis] + list(of.data.rows)
        return [re.findall(r"\d+", " ".join(each)) for each in [*compared, *shown, (of.summary.headline,)]]

    assert numbers(told("vi")) == numbers(told("en"))
    assert len(numbers(told("vi"))) > 100


def test_what_is_abbreviated_is_explained() -> None:
    for language in LANGUAGES:
        made = told(language)
        known = {each.label for each in made.method.abbreviations}
        said = " ".join(texts_of({"summary": made.plain()["summary"], "kpis": made.plain()["kpis"]}))
        ids = {each.id.split("-")[0] for each in FOUND.framework.criteria}
        short = set(re.findall(r"\b[A-Z][A-Za-z]*[A-Z][A-Za-z0-9]*\b", said)) - ids
        assert short - known - {"GQ", "LRN"} == set()
        assert {"OEE", "MES", "ERP"} <= known
