"""What people see of an assessment and of a programme at a terminal."""

import re
from io import StringIO

from rich.console import Console

from maturity.assessing import assess
from maturity.framework import Text
from maturity.loading import framework
from maturity.programme.view import programme_view
from pilot.maturity_show import show
from pilot.programme_show import show as show_programme
from tests.unit.maturity.plain import LAST, Shelf
from tests.unit.maturity.test_programme import CATALOGUE, entry, five


def console(width: int = 250) -> Console:
    return Console(record=True, file=StringIO(), width=width)


def test_levels_have_the_names_of_their_principle_and_unverified_ones_a_question_mark() -> None:
    shown = console()
    show(assess(framework("siri"), Shelf(), "s", (LAST, LAST), {}), "en", shown)
    text = shown.export_text()
    assert "│ 0 Undefined " in text
    assert "│ 0 None (?) " in text
    assert "SIRI Assessment Matrix" in text  # the disclaimer


def test_what_is_missing_is_told_in_the_language_asked_for() -> None:
    found = assess(framework("lighthouse-os"), Shelf(), "s", (LAST, LAST), {})
    said = {}
    for language in ("vi", "en"):
        shown = console()
        show(found, language, shown)
        said[language] = shown.export_text()
    assert "connect its main meter" in said["en"]
    assert "hãy kết nối công tơ tổng" in said["vi"]
    assert "connect its main meter" not in said["vi"]
    assert "maturity open --site s --period 2026-10-31:2026-10-31 --framework lighthouse-os" in said["en"]
    for english in ("not assessable", "supported", "would open", "level", "Visualization"):
        assert english not in said["vi"].split("haidang maturity open")[0].replace("data_", "")


def test_a_reason_that_many_criteria_share_is_told_once() -> None:
    shown = console()
    show(assess(framework("lighthouse-os"), Shelf(), "s", (LAST, LAST), {}), "en", shown, "own.yaml")
    text = shown.export_text()
    (shared,) = re.findall(r"(?m)^1\. (.+)$", text)
    assert (text.count(shared), text.count("see note 1") > 2) == (1, True)
    assert "--framework own.yaml" in text


def test_a_programme_shows_levels_with_claims_and_says_why_there_are_no_bands() -> None:
    shown = console()
    show_programme(programme_view("test", five()[:4]), shown)
    text = shown.export_text()
    assert "1 (2 / 1)" in text
    assert "Comparison bands need at least 5 sites; there are 4" in text
    empty = console()
    show_programme(programme_view("test", []), empty)
    assert "There is no assessment of test yet" in empty.export_text()


def test_a_programme_reads_in_vietnamese_with_the_names_of_its_catalogue() -> None:
    shown = console()
    catalogue = CATALOGUE.model_copy(update={"name": Text(vi="Khung thử", en="Trial")})
    show_programme(programme_view("test", five()), shown, language="vi", catalogue=catalogue)
    text = shown.export_text()
    for expected in ("Khung thử, phiên bản 1: 5 trên 5 nhà máy", "tự nhận cao hơn", "phần tư cao nhất", "AA-2.2 x"):
        assert expected in text
    few = console()
    show_programme(programme_view("test", five()[:2]), few, language="vi", catalogue=catalogue)
    assert "ít nhất 5 nhà máy dùng cùng bộ tiêu chí; hiện có 2" in few.export_text()


def test_in_a_narrow_window_principles_are_numbers_with_their_names_below() -> None:
    shown = console(80)
    show_programme(programme_view("test", five()), shown, catalogue=CATALOGUE)
    text = shown.export_text()
    assert "…" not in text
    assert re.search(r"│\s+1\s+│|┃\s+1\s+┃", text)
    assert f"1 {CATALOGUE.principles[0].name.en}" in text


def test_an_anonymous_programme_shows_no_site() -> None:
    shown = console()
    show_programme(programme_view("test", [*five(), entry("secret-plant", 0.6)]), shown, anonymous=True)
    text = shown.export_text()
    assert "lowest quarter" in text
    assert "secret-plant" not in text
