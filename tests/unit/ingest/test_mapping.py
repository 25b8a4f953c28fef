"""Mapping files: what is wrong is said at the start; times and persons are handled as the rules say."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from ingest.decode import mapped, shdr
from ingest.decode.result import Person
from ingest.decode.scalars import REMOVED
from ingest.decode.times import TimeError, mapped_time, shdr_time, slot_times
from ingest.errors import MappingError
from ingest.mapping import Mapping, SlotRule, TimeRule, load, load_all
from simulators.mapping_section import load as load_replay

EXAMPLES = Path(__file__).parents[3] / "examples"
BASE: dict[str, Any] = {
    "topic": "gw/{site}/{machine}/json",
    "site": "{site}",
    "asset": "hall/{machine}",
    "format": "json",
    "time": {"from": "t", "format": "unix_ms"},
    "values": [{"from": "$.m.temp[0]", "name": "temperature_c", "quantity": "temperature", "unit": "°F"}],
}


def mapping(**changes: Any) -> Mapping:
    return Mapping.model_validate({**BASE, **changes})


def test_examples_load_and_their_replay_topics_fit_their_patterns() -> None:
    files = sorted(EXAMPLES.glob("*/mapping.yaml"))
    assert len(load_all([EXAMPLES])) == len(files) == 4
    for file in (each for each in files if load(each).replay is not None):
        topic = load_replay(file).topic.replace("{machineNo}", "NO.01")
        assert load(file).place(topic) is not None


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"asset": "hall/{robot}"}, "{robot} is not a segment of the topic"),
        ({"topic": "gw/+/json", "site": "s", "asset": "a"}, "write {name}"),
        ({"time": {"from": "t", "format": "%H:%M"}}, "needs the zone"),
        ({"time": {"from": "t", "zone": "Mars/Base"}}, "not an IANA time zone"),
        ({"values": [{"from": "a", "name": "a", "quantity": "heat"}]}, "not a listed quantity"),
        ({"values": [{"from": "a", "name": "a", "quantity": "mass", "unit": "kW"}]}, "does not measure mass"),
        ({"values": [{"from": "a", "name": "a", "quantity": "active_energy", "kind": "delta"}]}, "kind delta needs"),
        ({"values": [*BASE["values"], {"from": "b", "name": "temperature_c", "quantity": "ratio"}]}, "same `name`"),
        ({"surprise": 1}, "Extra inputs"),
        (
            {"persons": ["who"], "events": [{"kind": "job_change", "key": "{who}"}]},
            "may not hold the person field who",
        ),
    ],
)
def test_a_wrong_mapping_is_refused_with_its_place(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    file = tmp_path / "mapping.yaml"
    file.write_text(yaml.safe_dump({**BASE, **changes}), "utf-8")
    with pytest.raises(MappingError, match="is not usable") as caught:
        load(file)
    assert said in str(caught.value)


def test_a_missing_mapping_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match="cannot be read"):
        load(tmp_path / "none.yaml")


def test_paths_reach_into_records() -> None:
    result = mapped.decode(b'[{"t":1795334400000,"m":{"temp":[212]}},{"t":1795334401000,"m":{}}]', mapping())
    assert [value[3] for value in result.values] == [212.0, None]


def test_unmapped_members_can_be_proposed() -> None:
    found = mapped.decode(b'{"t":1,"x":{"y":1},"power_kw":"3.5","note":"ok","empty":""}', mapping(unmapped="propose"))
    assert {(value[0], value[3]) for value in found.values} == {
        ("temperature_c", None),
        ("power_kw", 3.5),
        ("note", "ok"),
        ("x.y", 1.0),
    }


def test_persons_are_taken_out_of_compressed_payloads_too() -> None:
    rules = mapping(persons=["who"])
    kept = mapped.redacted(gzip.compress(json.dumps({"t": "x", "who": "An"}).encode()), rules)
    assert json.loads(kept) == {"t": "x", "who": REMOVED}
    assert mapped.redacted(gzip.compress(b" " * (3 << 20)), rules) == b""


def test_persons_are_marked_and_taken_out_of_what_is_kept() -> None:
    rules = mapping(
        persons=["who"],
        events=[{"kind": "job_change", "key": "{job}", "texts": {"job": "job", "operator": "who"}}],
    )
    payload = json.dumps({"t": 1_795_334_400_000, "who": "Nguyễn Văn An", "job": "J1"}).encode()
    event = mapped.decode(payload, rules).events[0]
    assert type(event.payload["operator"]) is Person
    assert "Nguyễn".encode() not in mapped.redacted(payload, rules)
    assert mapped.redacted(b"\xffNguy", rules) == b""


@pytest.mark.parametrize("who", [{"name": "Nguyễn"}, ["Nguyễn"]])
def test_a_person_in_an_object_or_list_is_not_shown(who: object) -> None:
    rules = mapping(
        values=[{"from": "who", "name": "operator", "quantity": "text", "person": True}],
        persons=["chief"],
        events=[{"kind": "job_change", "key": "{job}", "texts": {"by": "chief"}, "numbers": {"good": "chief"}}],
    )
    result = mapped.decode(json.dumps({"t": 1_795_334_400_000, "who": who, "chief": who}).encode(), rules)
    assert [rejection.code for rejection in result.rejected] == ["wrong_type", "wrong_type"]
    assert "Nguy" not in str(result.rejected)
    bare = json.dumps([who, "Nguyễn", [who]]).encode()
    assert "Nguy" not in str(mapped.decode(json.dumps([["Nguyễn"]]).encode(), rules).whole)
    assert "Nguy" not in mapped.redacted(bare, rules).decode()
    assert "Nguy" not in json.dumps(json.loads(mapped.redacted(json.dumps({"who": who}).encode(), rules)))


def test_what_is_kept_of_a_record_may_hold_any_text_that_came() -> None:
    payload = rb'{"t": 1, "who": "An", "note": "a\ud800\u0000b"}'
    kept = mapped.redacted(payload, mapping(persons=["who"]))
    assert json.loads(kept) == {"t": 1, "who": REMOVED, "note": "a\ud800\x00b"}


def test_midnight_can_close_the_day() -> None:
    rule = {"from": "t", "format": "%d/%m/%Y %H:%M", "zone": "Asia/Seoul"}
    opens = mapped_time("01/01/2018 00:00", TimeRule.model_validate(rule))
    closes = mapped_time("01/01/2018 00:00", TimeRule.model_validate({**rule, "midnight": "closes_day"}))
    assert closes - opens == 86_400_000_000
    assert closes == mapped_time("01/01/2018 23:45", TimeRule.model_validate(rule)) + 900_000_000


def test_a_skipped_wall_time_is_refused_and_a_doubled_one_is_the_first() -> None:
    rule = TimeRule.model_validate({"from": "t", "format": "%Y-%m-%d %H:%M", "zone": "America/New_York"})
    with pytest.raises(TimeError, match="does not exist"):
        mapped_time("2016-03-13 02:30", rule)
    doubled = mapped_time("2016-11-06 01:30", rule)
    assert mapped_time("2016-11-06 00:30", rule) + 3_600_000_000 == doubled


def test_a_slot_over_midnight_belongs_to_its_date() -> None:
    rule = SlotRule.model_validate(
        {"date": "d", "slot": "s", "starts": {"3": "22:00"}, "hours": 8, "zone": "Asia/Ho_Chi_Minh"}
    )
    start, end = slot_times("2018-11-05", 3, rule)
    assert (start, end - start) == (1_541_430_000_000_000, 8 * 3_600_000_000)
    with pytest.raises(TimeError, match="no date"):
        slot_times("05.11.2018", "3", rule)


@pytest.mark.parametrize(
    "text", ["2016-05-23T11:40:26.5032081Z", "2016-05-23T11:40:26.503208@12.5", "2016-05-23T11:40:26.503208"]
)
def test_shdr_times_are_utc_to_the_microsecond(text: str) -> None:
    assert shdr_time(text) == 1_464_003_626_503_208


def test_items_that_no_rule_names_can_be_proposed() -> None:
    rules = Mapping.model_validate(
        {"topic": "a/{m}", "site": "s", "asset": "x/{m}", "format": "shdr", "unmapped": "propose"}
    )
    found = shdr.decode(b"2016-05-23T11:40:26Z|Xload|5|tool|A7|gone|UNAVAILABLE", rules)
    assert [(value[0], value[3]) for value in found.values] == [("Xload", 5.0), ("tool", "A7"), ("gone", "UNAVAILABLE")]
