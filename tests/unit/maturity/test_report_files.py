"""The files of a report: both languages and forms, the same bytes twice, and no word of anybody becomes markup."""

import html
import re
from dataclasses import replace

import pytest

from maturity.assessing import assess
from maturity.confirming import Decision
from maturity.report import drawing
from maturity.report.html import html as html_of
from maturity.report.making import FORMS, report
from maturity.report.method import result_digest
from maturity.report.overview import Overview
from maturity.report.pdf import pdf
from maturity.report.review import Review, Said
from maturity.report.view import view
from maturity.report.words import Language
from model.canonical import digest
from tests.unit.maturity import invented
from tests.unit.maturity.plain import LAST, Shelf, criterion, framework

FOUND = invented.assessment()
# Markup of Typst, HTML and Jinja: what reads it as such fails, runs something or loses it.
EVIL = '#panic("x") $x$ *b* @r \\ </td><script>alert(1)</script>{{ 7*7 }} "&\'<img src=x onerror=alert(2)>'


def overview(language: Language) -> Overview:
    """English: a site and machines whose names try to be markup."""
    names = invented.MACHINES if language == "vi" else tuple((key, EVIL) for key, _ in invented.MACHINES)
    return replace(invented.overview(), machines=names)


def review(language: Language) -> Review:
    return invented.review(FOUND) if language == "vi" else Review({"ARP-1.1": Said(Decision.ACCEPT, EVIL)})


@pytest.mark.parametrize("language", ["vi", "en"])
def test_both_languages_hold_everything_and_what_people_wrote_stays_text(language: Language) -> None:
    told = view(FOUND, language, overview(language), review(language))
    written = html_of(told).decode()
    page = html.unescape(written)
    for each in FOUND.framework.criteria:
        assert f'id="{each.id}"' in page
        assert getattr(each.text, language) in page
    for said in (digest(FOUND.framework.plain()), result_digest(FOUND), getattr(FOUND.framework.disclaimer, language)):
        assert said in page
    assert ("29,2\xa0%" if language == "vi" else "29.2%") in page
    assert ("Không chấp nhận" if language == "vi" else EVIL) in page
    assert "<script" not in written
    assert re.findall(r'(?:src|href)="(?!data:image/svg|#)', written) == []
    assert "<img src=x" not in written
    assert written.count("data:image/svg+xml;base64,") == 1 + len(told.kpis)
    set_ = pdf(told)
    assert set_.startswith(b"%PDF-")
    assert b"CreationDate" not in set_


def test_the_same_assessment_gives_the_same_bytes() -> None:
    small = assess(framework(criterion("AA-1.1", 1)), Shelf(), "s", (LAST, LAST), {"p": 1})
    figures = replace(invented.overview(), trends=invented.overview().trends[:1])
    for form in FORMS:
        assert report(small, "vi", form, figures) == report(small, "vi", form, figures)


def test_a_framework_of_one_principle_without_data_is_set_too() -> None:
    given = framework(criterion("AA-1.1", 1), criterion("AA-3.1", 3))
    told = view(assess(given, Shelf(), "s", (LAST, LAST), {}), "vi")
    assert pdf(told).startswith(b"%PDF-")
    assert "aria-label" in drawing.radar(told, "pdf")


@pytest.mark.parametrize("days", [2, 5])
def test_the_days_of_a_short_period_are_named_once(days: int) -> None:
    figures = invented.overview()
    short = tuple(replace(each, points=each.points[:days]) for each in figures.trends)
    drawn = drawing.trends(view(FOUND, "en", replace(figures, trends=short)), "html")[0]
    named = re.findall(r">(\d\d/\d\d)<", drawn)
    assert len(named) == len(set(named)) == days


def test_a_chart_has_a_gap_where_a_day_has_no_value() -> None:
    drawn = drawing.trends(view(FOUND, "en", invented.overview()), "html")[0]
    paths = re.findall(r' d="(M[^"]+)"', drawn)
    assert max(path.count("M") for path in paths) == 2
