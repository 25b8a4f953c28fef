"""Summaries that sites hand over, and what many sites say together."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from maturity import dsse
from maturity.assessing import assess
from maturity.errors import ProgrammeError, SignatureError
from maturity.evaluate import Baseline
from maturity.framework import Framework
from maturity.loading import framework as shipped
from maturity.notes import SigningKey
from maturity.programme.summary import KIND, Assessed, Summary, read, sign, summarise
from maturity.programme.view import Entry, ProgrammeView, programme_view
from tests.unit.maturity.plain import LAST, Shelf, criterion, framework, values

KEY = SigningKey.generate("factory.example/log")
MADE = datetime(2026, 11, 1, 8, tzinfo=UTC)
FIRST = LAST.replace(day=1)
OEE = {"metric": "kpi.oee", "scope": "critical_machines", "compare": {"operator": ">=", "value": 0.5}}
CATALOGUE = framework(
    criterion(conditions=[OEE], data_gate={"min_completeness": 0}, technology={"all_of": ["T0"]}),
    criterion("AA-2.1", 2, conditions=[OEE], data_gate={"min_completeness": 0}, technology={"all_of": ["T1", "T2"]}),
    criterion(
        "AA-2.2", 2, conditions=[{"metric": "record.schedule_adherence", "compare": {"operator": ">=", "value": 0.8}}]
    ),
)


def assessed(site: str, oee: float, claimed: int | None = None, catalogue: Framework = CATALOGUE) -> Assessed:
    shelf = Shelf(values({LAST: (oee, 1.0)}, "l/b"), {"kpi.oee": Baseline(0.5, FIRST, FIRST)})
    claims = {} if claimed is None else {"p": claimed}
    return Assessed(assess(catalogue, shelf, site, (FIRST, LAST), claims).plain(), catalogue, {"p": 1})


def summary(site: str = "s", oee: float = 0.6) -> Summary:
    return summarise(assessed(site, oee, 2), MADE)


def signed(said: dict[str, Any], kind: str = KIND) -> bytes:
    return dsse.sign(dsse.Statement({"assessment.json": "0" * 64}, said, kind), KEY)


def test_a_signed_summary_is_read_as_it_was_made() -> None:
    found = assessed("s", 0.6, 2)
    envelope = sign(summarise(found, MADE), found.plain, KEY)
    assert read(envelope, KEY.public) == summarise(found, MADE)
    assert read(envelope, KEY.public).counts == found.plain["counts"]


def test_a_summary_holds_no_values_machines_and_thresholds() -> None:
    found = assessed("s", 0.6125, 2)
    said = json.dumps(summarise(found, MADE).plain())
    told = {name for each in json.loads(said)["criteria"] for name in each}
    assert told == {"id", "outcome", "declared"}
    assert "0.6125" in json.dumps(found.plain)
    assert "0.6125" not in said
    assert "l/b" in json.dumps(found.plain)
    assert "l/b" not in said


def test_every_changed_byte_of_a_summary_is_refused() -> None:
    envelope = sign(summary(), {}, KEY)
    for place in range(0, len(envelope), 97):
        damaged = envelope[:place] + bytes([envelope[place] ^ 1]) + envelope[place + 1 :]
        with pytest.raises(SignatureError):
            read(damaged, KEY.public)


def test_another_key_and_another_kind_of_statement_are_refused() -> None:
    envelope = sign(summary(), {}, KEY)
    with pytest.raises(SignatureError, match="not by"):
        read(envelope, SigningKey.generate("factory.example/log").public)
    with pytest.raises(SignatureError, match="not written"):
        read(signed(summary().plain(), dsse.PREDICATE_TYPE), KEY.public)
    with pytest.raises(SignatureError):
        dsse.verify(envelope, KEY.public)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"principles": [{"key": "p", "supported": 3}]}, "level of p .* does not follow"),
        ({"areas": []}, "level of work .* does not follow"),
        ({"criteria": [{"id": "ZZ-9.9", "outcome": "supported"}]}, "'ZZ-9.9'"),
        ({"last": "2026-09-01"}, "ends before it begins"),
        ({"made_at": "2026-11-01T08:00:00"}, "time zone"),
        ({"site": "Not A Site"}, "site"),
        ({"persons": ["A"]}, "persons"),
    ],
)
def test_a_summary_that_contradicts_itself_is_refused(changed: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ProgrammeError, match=sentence):
        read(signed({**summary().plain(), **changed}), KEY.public)


def test_what_is_no_assessment_is_not_summarised() -> None:
    with pytest.raises(ProgrammeError, match="no assessment"):
        summarise(Assessed({"site": "s"}, CATALOGUE, {}), MADE)


def test_a_summary_of_a_shipped_catalogue_can_be_signed_and_read() -> None:
    catalogue = shipped("siri")
    found = assessed("s", 0.6, catalogue=catalogue)
    assert read(sign(summarise(found, MADE), found.plain, KEY), KEY.public).catalogue == catalogue


def entry(site: str, oee: float, claimed: int | None = None, catalogue: Framework = CATALOGUE) -> Entry:
    made = summarise(assessed(site, oee, claimed, catalogue), MADE)
    return Entry(site, site.upper(), "imported", made.result(), {"p": 1})


def five() -> list[Entry]:
    return [entry("a", 0.6, 2), entry("b", 0.7, 1), entry("c", 0.4, 0), entry("d", 0.3), entry("e", 0.2, 1)]


def view(*entries: Entry, fewest: int = 5) -> ProgrammeView:
    return programme_view("test", entries, fewest)


def test_common_gaps_and_groups_are_counted_over_sites() -> None:
    found = view(*five())
    gaps = {each.criterion: (each.sites, each.contradicted, each.not_assessable) for each in found.gaps}
    assert gaps == {"AA-1.1": (3, 3, 0), "AA-2.2": (2, 0, 2)}
    assert [each.criterion for each in found.gaps] == ["AA-1.1", "AA-2.2"]
    assert [(each.group, each.sites, each.opens) for each in found.groups] == [("T0", 3, 3)]


def test_claims_stand_beside_what_data_support() -> None:
    (claims,) = view(*five()).claims
    assert (claims.above, claims.equal, claims.below, claims.without) == (2, 2, 0, 1)


def test_bands_are_quartiles_of_supported_levels() -> None:
    (band,) = view(*five()).bands or ()
    assert (band.lowest_quarter, band.median, band.highest_quarter) == (0, 0, 1)


def test_few_sites_have_no_bands_and_no_anonymous_view() -> None:
    found = view(*five()[:4])
    assert found.bands is None
    assert found.bands_refused == "Comparison bands need at least 5 sites; there are 4 with the same catalogue."
    assert len(found.plain()["sites"]) == 4
    with pytest.raises(ProgrammeError, match="at least 5 sites; there are 4"):
        found.plain(anonymous=True)
    with pytest.raises(ProgrammeError, match="at least 3"):
        view(*five(), fewest=2)


def test_an_anonymous_view_names_no_site() -> None:
    said = json.dumps(view(*five()).plain(anonymous=True))
    assert '"sites": []' in said
    assert not any(f'"{name}"' in said for name in ("a", "b", "A", "B"))


def test_a_site_with_another_catalogue_is_listed_but_not_compared() -> None:
    other = Framework.model_validate({**CATALOGUE.plain(), "version": 2})
    found = view(*five(), entry("z", 0.6, 3, other))
    assert [(each.site, each.compared) for each in found.sites][-1] == ("z", False)
    assert (found.compared, found.framework_version) == (5, 1)
    assert found.claims == view(*five()).claims


def test_a_programme_without_sites_is_empty() -> None:
    assert view().plain()["sites"] == ()


@pytest.mark.parametrize(
    ("part", "change", "sentence"),
    [
        ("criteria", lambda each: [*each, each[0]], "every criterion of its catalogue, each once"),
        ("criteria", lambda each: each[:-1], "every criterion of its catalogue, each once"),
        ("open", lambda _: [], "open criteria of the summary do not follow"),
        ("open", lambda each: [{**each[0], "lacking": ["T7"]}, *each[1:]], "technology group 'T7'"),
        ("shown", lambda _: ["T9"], "technology group 'T9'"),
        ("unlocks", lambda _: [{"group": "T1", "opens": ["AA-1.1"]}], "opens criteria which are not open"),
        ("principles", lambda each: [{**each[0], "claimed": 9}], "a level of p above 3"),
    ],
)
def test_a_signed_summary_that_contradicts_itself_is_refused(part: str, change: Any, sentence: str) -> None:
    said = json.loads(json.dumps(summary().plain()))
    with pytest.raises(ProgrammeError, match=sentence):
        read(signed({**said, part: change(said[part])}), KEY.public)
