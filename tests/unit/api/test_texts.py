import json
import re
import string
from collections.abc import Callable, Iterator
from typing import Any, get_args

import polars as pl
import pytest

from api.console import texts
from api.console.timeline import KINDS
from api.console.view import CLASSES
from kpi.catalogue import CATALOGUE, Kpi
from kpi.rollup import status
from kpi.rollup.evaluate import why_missing
from model.vocabulary import SubClass, TimeClass
from store.site_parts.assets import AssetPart

PLACE = string.Formatter()


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in PLACE.parse(text) if name}


def test_both_languages_have_the_same_keys() -> None:
    vi, en = (texts.load(language).entries for language in ("vi", "en"))
    assert sorted(vi) == sorted(en)


def test_both_languages_fill_the_same_places() -> None:
    vi, en = (texts.load(language).entries for language in ("vi", "en"))
    assert {key: places(text) for key, text in vi.items()} == {key: places(text) for key, text in en.items()}


def test_no_text_is_empty_or_left_in_the_other_language() -> None:
    vi, en = (texts.load(language).entries for language in ("vi", "en"))
    # language.* name the languages, OEE and the product's name are the same in both.
    same = {key for key in vi if vi[key] == en[key]} - {"app.name", "oee.oee"}
    assert same == set()
    assert all(text.strip() for text in (*vi.values(), *en.values()))


def test_vietnamese_has_its_marks() -> None:
    marked = [text for text in texts.load("vi").entries.values() if re.search(r"[à-ỹđ]", text.lower())]
    assert len(marked) > 0.9 * len(texts.load("vi").entries)


@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_every_time_class_has_a_name(language: str) -> None:
    text = texts.load(language)
    assert set(CLASSES) == set(TimeClass)
    assert all(text.of_class(each) for each in TimeClass)
    assert all(text.of_class("delay", each) for each in SubClass)
    assert set(KINDS) >= set(TimeClass)


def strings(node: Any) -> Iterator[str]:
    """Every text in an expression, as nested plain data."""
    if isinstance(node, list):
        for each in node:
            yield from strings(each)
    elif isinstance(node, dict):
        for kind, each in node.items():
            if kind == "String" and isinstance(each, str):
                yield each
            else:
                yield from strings(each)


def told_by(expression: Callable[[Kpi], pl.Expr]) -> set[str]:
    """Codes that an expression can give for any KPI."""
    trees = (json.loads(expression(kpi).meta.serialize(format="json")) for kpi in CATALOGUE.values())
    return {code for tree in trees for code in strings(tree) if code}


@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_every_status_and_flag_that_a_value_can_have_has_a_text(language: str) -> None:
    text = texts.load(language)
    missing = told_by(why_missing)
    statuses = missing | told_by(lambda _: status.status())
    flags = missing | told_by(lambda kpi: pl.concat_list(status.flags(kpi)))
    assert {"final", "low_confidence", "no_tariff"} <= statuses
    assert [code for code in statuses if f"status.{code}" not in text.entries] == []
    rules = {flag for flag in flags if flag.endswith("_")}
    marks = {mark for marks in status._MARKS.values() for mark in marks}
    named = {f"{rule}{name}" for rule in rules for name in get_args(AssetPart.model_fields["roll_up"].annotation)}
    every = (flags - rules) | marks | named | {"withdrawn"}
    assert {"gap_energy", "line_constraint", "partial_start", "no_data"} <= every
    assert [code for code in sorted(every) if text.of_flag(code) == code] == []


@pytest.mark.parametrize(
    ("asked", "remembered", "accepted", "chosen"),
    [
        ("en", "vi", "vi", "en"),
        (None, "en", "vi", "en"),
        ("xx", None, "en-GB,en;q=0.9", "en"),
        (None, None, "fr,vi;q=0.5", "vi"),
        (None, None, "", "vi"),
    ],
)
def test_language_is_as_asked_then_remembered_then_the_browsers(
    asked: str | None, remembered: str | None, accepted: str, chosen: str
) -> None:
    assert texts.choose(asked, remembered, accepted) == chosen


def test_the_console_shows_kpis_of_the_catalogue() -> None:
    from api.console.view import ENERGY_KPIS, OEE_KPIS  # noqa: PLC0415

    assert {*OEE_KPIS, *ENERGY_KPIS} <= set(CATALOGUE)


def test_the_console_and_the_board_show_the_factors_that_multiply_to_oee() -> None:
    from api.console.view import OEE_KPIS  # noqa: PLC0415
    from dashboards.line_overview import FACTORS as OF_THE_BOARD  # noqa: PLC0415

    assert OEE_KPIS == tuple(OF_THE_BOARD) == ("oee", "oee_availability", "effectiveness", "quality_ratio")
