"""Catalogue files: those shipped are right, and every mistake in one of others is named with its place."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from maturity.errors import CatalogueError
from maturity.framework import Basis, Framework, Text
from maturity.lint import advice, gaps, lint
from maturity.loading import framework, read, shipped, with_lines
from model.canonical import digest
from tests.support.paths import ROOT
from tests.unit.maturity.plain import catalogue, criterion, text

VERSIONS = Path(__file__).with_name("catalogue_versions.yaml")
SHIPPED = ROOT / "maturity" / "catalogues"


def said(plain: dict[str, Any]) -> str:
    return "; ".join(str(each) for each in lint(Framework.model_validate(plain)))


def condition(**changed: Any) -> dict[str, Any]:
    return {"conditions": [{"metric": "kpi.oee", "compare": {"operator": ">=", "value": 0.5}, **changed}]}


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
    assert read(SHIPPED / f"{key}.yaml") == (framework(key), [])  # strictly: no alias, no key twice


@pytest.mark.parametrize("key", shipped())
def test_another_content_has_another_version(key: str) -> None:
    """Kept assessments and packages hold whole catalogues: one version must not mean two contents."""
    known: dict[int, str] = yaml.safe_load(VERSIONS.read_text("utf-8"))[key]
    found = framework(key)
    assert digest(found.plain()) == known.get(found.version), "raise its version, then add the digest to VERSIONS"
    assert sorted(known) == list(range(1, found.version + 1))
    assert len(set(known.values())) == len(known)


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
    assert "level name 7: there is no source 'P8'" in said(plain)


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
        ({"requires": ["workorder"]}, "no kind of record 'workorder'; did you mean 'work_order'?"),
        (condition(compare={"operator": ">=", "value": 95}), "kpi.oee is a fraction: 95 per cent is written 0.95"),
        (condition(metric="data.repeat_failure_rate", parameters={"within_days": "x"}), "'x'; a number from 0 on"),
        (condition(metric="data.machines_with_kpi", parameters={"kpi": "oeee"}), "no kpi 'oeee'; did you mean 'oee'?"),
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
    ("changed", "sentence"),
    [
        ({"text": {"vi": "x"}}, "criterion AA-1.1, text.en (line N): it is missing: each text stands in Vietnamese"),
        ({"conditions": []}, "criterion AA-1.1, conditions (line N): 1 entries are wanted at least"),
        ({"conditions": {}}, "conditions (line N): it is names with values; a list is wanted"),
        ({"basis": "stated"}, "criterion AA-1.1 (line N): what is stated names its source_ref"),
        ({"colour": "blue"}, "criterion AA-1.1, colour (line N): there is no 'colour' here; there are basis,"),
        ({"window": {"dyas": 3}}, "window.dyas (line N): there is no 'dyas' here; did you mean 'days'?"),
        ({"window": {"days": 0}}, "window.days (line N): it is 0; at least 1 is wanted"),
        ({"window": {"days": "long"}}, "window.days (line N): it is 'long'; a whole number is wanted"),
        ({"window": {"days": True}}, "window.days (line N): it is True; a whole number is wanted"),
        (condition(compare={"operator": ">=", "value": True}), "compare.value (line N): it is True; a number is"),
        ({"version": 10**400}, "version (line N): it is "),
        ({"data_gate": {"min_completeness": 95}}, "it is 95; at most 1 is wanted: 95 % is 0.95"),
        ({"evidence": "D"}, "evidence (line N): it is 'D'; choose one of 'direct', 'proxy', 'joined'"),
        ({"id_": "first"}, "it is 'first'; an id has capital letters, a dash and numbers, such as ARP-2.1"),
        (condition(metric="oee"), "conditions.1.metric (line N): it is 'oee'; `haidang maturity metrics` lists all"),
        (
            condition(compare={"operator": "=>", "value": 1}),
            "compare.operator (line N): it is '=>'; choose one of '>='",
        ),
        (condition(compare={"operator": ">="}), "compare (line N): name one of value, baseline_factor and baseline_"),
        (condition(compare={"operator": ">", "value": float("nan")}), "it is nan; a number is wanted"),
    ],
)
def test_mistakes_of_form_say_where_what_and_what_would_be_right(
    tmp_path: Path, changed: dict[str, Any], sentence: str
) -> None:
    found, mistakes = read(written(tmp_path / "c.yaml", catalogue(criterion(**changed))))
    assert found is None
    assert len(mistakes) == 1
    assert sentence in re.sub(r"line \d+", "line N", str(mistakes[0]))


def test_mistakes_between_parts_have_their_line(tmp_path: Path) -> None:
    path = written(tmp_path / "c.yaml", catalogue(criterion(), criterion("AA-1.2", area="wrok")))
    found, _ = read(path)
    assert found is not None
    mistake = with_lines(path, lint(found))[0]
    assert mistake.line
    assert "id: AA-1.2" in "\n".join(path.read_text("utf-8").splitlines()[mistake.line - 1 :])
    assert "did you mean 'work'?" in mistake.what


def test_levels_have_no_gap_and_level_0_no_criteria() -> None:
    plain = catalogue(criterion(level=0), levels=3)
    plain["levels"] = [{**plain["levels"][0], "level": 0}, plain["levels"][2]]
    assert "levels: level 1, 2 is missing between 0 and 3" in said(plain)
    assert "criterion AA-1.1: level 0 is where everybody stands" in said(plain)
    assert "criteria: there are none" in said(catalogue())


def test_what_is_hardly_meant_is_advice() -> None:
    orders = {"metric": "record.on_time_in_full", "compare": {"operator": ">=", "baseline_factor": 0.9}}
    mine: dict[str, Any] = {"conditions": [orders], "window": {"consecutive": 2}, "text": text("the same text")}
    plain = catalogue(criterion(prerequisites=["AA-2.1"], **mine), criterion("AA-2.1", 2))
    given = "; ".join(str(each) for each in advice(Framework.model_validate(plain)))
    assert said(plain) == ""
    for expected in (
        "AA-2.1 is of a higher level",
        "requires: [order]",
        "the same in Vietnamese and English",
        "0.9 × baseline lets it get worse",
    ):
        assert expected in given


@pytest.mark.parametrize("text", ["a: [", "a: &x 1\nb: *x", "a: 1\na: 2", "[" * 5000, "- \t", "", "[1]", "? [a]\n: b"])
def test_what_is_no_catalogue_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "c.yaml").write_text(text, "utf-8")
    assert read(tmp_path / "c.yaml")[0] is None
    with pytest.raises(CatalogueError):
        framework(str(tmp_path / "c.yaml"))


def test_an_unknown_catalogue_is_refused_with_those_there_are() -> None:
    with pytest.raises(CatalogueError, match="lighthouse-os"):
        framework("nothing")
