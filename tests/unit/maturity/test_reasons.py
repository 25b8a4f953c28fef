"""Why something cannot be assessed: one catalogue, in both languages, with the same places; old sentences are known."""

import ast
import re
from datetime import date
from pathlib import Path

import pytest

from maturity.metrics.record_rows import missing
from maturity.reasons import Reason, because, entries, listed, of_status, read_again, share
from model.record_sets import RECORD_SETS
from tests.unit.maturity.invented_facts import facts, measure

CODE = [Path("maturity/evaluate.py"), *sorted(Path("maturity/metrics").glob("*.py"))]
_VIETNAMESE = re.compile("[àáảãạăằắẳẵặâầấẩẫậđèéẻẽẹêềếểễệìíỉĩịòóỏõọôồốổỗộơờớởỡợùúủũụưừứửữựỳýỷỹỵ]", re.IGNORECASE)


def words_of_code() -> set[str]:
    trees = (ast.parse(path.read_text("utf-8")) for path in CODE)
    return {
        str(node.value)
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def test_every_reason_has_both_languages_with_the_same_places() -> None:
    for key, text in entries().items():
        assert set(text) == {"vi", "en"}, key
        assert len({frozenset(re.findall(r"\{(\w+)\}", said)) for said in text.values()}) == 1, key
        assert _VIETNAMESE.search(text["vi"]), key
        assert not _VIETNAMESE.search(text["en"]), key


def test_the_code_uses_every_reason_and_writes_no_sentence_of_its_own() -> None:
    keys = {key for key in entries() if not key.startswith("status.")}
    assert keys - words_of_code() == set()
    asked = re.compile(r'because\("(\w+)"')
    assert {key for path in CODE for key in asked.findall(path.read_text("utf-8"))} <= keys
    assert [path for path in CODE if re.search(r"nothing\(\s*f?\"", path.read_text("utf-8"))] == []


def test_numbers_dates_and_names_are_written_as_the_language_does() -> None:
    few = because("below_gate", share=share(0.9126, 1), gate=share(0.95, 0))
    assert few.en == "Only 91.3% of the data are there; 95% are needed: `haidang quality` names the gaps."
    assert few.vi.startswith("Chỉ có 91,3\xa0% dữ liệu; cần 95\xa0%: `haidang quality`")
    days = {"first": date(2026, 6, 1), "last": date(2026, 6, 30), "soonest": date(2026, 8, 29)}
    assert "01/06/2026 đến 30/06/2026" in because("overlaps_baseline", **days).vi
    why = listed(of_status(each) for each in ("no_data", "no_factor", "new"))
    assert (why.vi, why.en) == (
        "không có dữ liệu, không có hệ số phát thải cho vùng và thời điểm này, new",
        "no data, no emission factor for this zone and time, new",
    )


@pytest.mark.parametrize(
    ("said", "vi"),
    [
        ("Only 91.3% of the data are there; 95% are needed.", "Chỉ có 91,3\xa0% dữ liệu; cần 95\xa0%."),
        ("The scope has no machines: register them in the site file.", because("no_machines").vi),
        ("Something of long ago.", "Something of long ago."),
    ],
)
def test_what_was_kept_in_english_alone_is_told_in_vietnamese_and_stays_as_it_was_kept(said: str, vi: str) -> None:
    found = read_again(said)
    assert (found.vi, found.en, found.plain()) == (vi, said, said)


def test_both_languages_are_kept_and_read_again() -> None:
    for kind in RECORD_SETS:
        assert read_again(missing(kind).plain()) == missing(kind)
    none = measure("data.changeover_median", facts()).missing
    assert none == Reason(
        "Có quá ít lần chuyển đổi trong khoảng này (không có); cần ít nhất hai: hãy ánh xạ trạng thái chuyển đổi.",
        "There are too few changeovers in the window (none); two are the least: map the set-up state.",
    )
