"""Catalogue files: those shipped are right, and every mistake in one of others is named with its place."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from maturity.errors import CatalogueError
from maturity.framework import Basis, Framework, Text
from maturity.lint import gaps, lint
from maturity.loading import framework, read, shipped
from tests.unit.maturity.plain import catalogue, criterion


def said(plain: dict[str, Any]) -> str:
    return "; ".join(str(each) for each in lint(Framework.model_validate(plain)))


def written(path: Path, plain: object) -> Path:
    path.write_text(yaml.safe_dump(plain), "utf-8")
    return path


def test_lighthouse_os_has_all_77_criteria() -> None:
    found = framework("lighthouse-os")
    assert len(found.criteria) == 77
    assert all(each.mandatory and each.threshold_origin == "project_default" for each in found.criteria)
    assert {each.id.split("-")[0]: 0 for each in found.criteria}.keys() == {"ARP", "CTF", "EES", "EMS", "LRN", "ADD"}
    assert (len(found.principles), len(found.levels), len(found.technology_groups)) == (6, 5, 10)


@pytest.mark.parametrize("key", shipped())
def test_what_is_shipped_has_no_mistakes(key: str) -> None:
    assert lint(framework(key)) == []


@pytest.mark.parametrize("key", sorted(set(shipped()) - {"lighthouse-os"}))
def test_smaller_catalogues_say_what_is_theirs_and_what_is_ours(key: str) -> None:
    found = framework(key)
    assert found.status == ("historic" if key == "vn-dbi-2021" else "current")
    assert all(each.basis is Basis.PROJECT and each.threshold_origin == "project_default" for each in found.criteria)
    assert {each.area for each in found.criteria} == {each.key for each in found.areas}
    assert {each.principle for each in found.areas} == {each.key for each in found.principles}


def test_levels_begin_where_the_framework_begins_and_unverified_names_say_so() -> None:
    begin = {key: framework(key).levels[0].level for key in shipped()}
    assert begin == {"acatech": 1, "korea": 1, "lighthouse-os": 1, "siri": 0, "vn-dbi-2021": 0, "vn-most-sme": 0}
    siri = framework("siri")
    assert siri.level_name("vertical_integration", 2) == (Text(vi="Số hoá", en="Digital"), Basis.STATED)
    assert siri.level_name("shop_floor_connectivity", 4) == (
        Text(vi="Thời gian thực", en="Real-time"),
        Basis.UNVERIFIED,
    )
    assert siri.level_name("shop_floor_connectivity", 6) is None
    korea = [each.basis for each in framework("korea").levels]
    assert korea == [Basis.STATED, Basis.STATED, Basis.UNVERIFIED, Basis.UNVERIFIED, Basis.UNVERIFIED]


def test_lighthouse_os_shows_other_frameworks_beside_each_level() -> None:
    beside = [set(level.crosswalk) for level in framework("lighthouse-os").levels]
    assert beside == [{"siri", "acatech", "korea", "vn-dbi-2021"}] * 5


def test_names_of_levels_that_are_not_there_are_a_mistake() -> None:
    plain = catalogue(criterion())
    plain["principles"][0]["level_names"] = [
        {"level": 7, "name": {"vi": "x", "en": "x"}, "basis": "stated", "source_ref": "P8"}
    ]
    assert "principle p: it names level 7" in said(plain)
    assert "LevelName 7: there is no source 'P8'" in said(plain)


def test_levels_that_end_an_area_are_known() -> None:
    assert [str(each) for each in gaps(framework("lighthouse-os"))] == [
        "area line-operations: level 4 has no mandatory criterion, so the area ends at level 3"
    ]


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"conditions": [{"metric": "kpi.luck", "compare": {"operator": ">=", "value": 1}}]}, "no metric 'kpi.luck'"),
        ({"area": "nowhere"}, "no area 'nowhere'"),
        ({"level": 9}, "no level 9"),
        ({"technology": {"all_of": ["T9"]}}, "no technology group T9"),
        ({"prerequisites": ["ZZ-1.1"]}, "ZZ-1.1 is no criterion"),
        ({"prerequisites": ["AA-1.1"]}, "go in a circle: AA-1.1 → AA-1.1"),
        ({"basis": "stated", "source_ref": "P9"}, "no source 'P9'"),
        (
            {"conditions": [{"metric": "kpi.oee", "scope": "moon", "compare": {"operator": ">=", "value": 1}}]},
            "no scope 'moon'",
        ),
        (
            {"conditions": [{"metric": "kpi.oee", "compare": {"operator": "<=", "baseline_factor": 0.9}}]},
            "two consecutive windows",
        ),
        (
            {"conditions": [{"metric": "kpi.oee", "parameters": {"x": 1}, "compare": {"operator": ">=", "value": 1}}]},
            "kpi.oee has no parameter 'x'",
        ),
    ],
)
def test_mistakes_between_parts_are_named(changed: dict[str, Any], sentence: str) -> None:
    assert sentence in said(catalogue(criterion(**changed)))


def test_circles_over_several_criteria_are_found() -> None:
    plain = catalogue(
        criterion("AA-1.1", prerequisites=["AA-1.2"]),
        criterion("AA-1.2", prerequisites=["AA-1.3"]),
        criterion("AA-1.3", prerequisites=["AA-1.2"]),
    )
    assert "AA-1.2 → AA-1.3 → AA-1.2" in said(plain)


def test_what_comes_twice_is_found() -> None:
    assert "criterion AA-1.1: it comes twice" in said(catalogue(criterion(), criterion()))


@pytest.mark.parametrize(
    ("changed", "where"),
    [
        ({"text": {"vi": "x"}}, "criteria.0.text.en"),
        ({"conditions": []}, "criteria.0.conditions"),
        ({"basis": "stated"}, "criteria.0"),
        ({"colour": "blue"}, "criteria.0.colour"),
        ({"window": {"days": 0}}, "criteria.0.window.days"),
    ],
)
def test_mistakes_of_form_have_their_place(tmp_path: Path, changed: dict[str, Any], where: str) -> None:
    found, mistakes = read(written(tmp_path / "c.yaml", catalogue(criterion(**changed))))
    assert found is None
    assert where in [each.where for each in mistakes]


@pytest.mark.parametrize("text", ["a: [", "a: &x 1\nb: *x", "a: 1\na: 2", "[" * 5000, "- \t"])
def test_what_is_no_catalogue_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "c.yaml").write_text(text, "utf-8")
    assert read(tmp_path / "c.yaml")[0] is None
    with pytest.raises(CatalogueError):
        framework(str(tmp_path / "c.yaml"))


def test_an_unknown_catalogue_is_refused_with_those_there_are() -> None:
    with pytest.raises(CatalogueError, match="lighthouse-os"):
        framework("nothing")
