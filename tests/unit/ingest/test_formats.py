"""Formats besides the native one: what a mapping may not say, topics, compression, and two formats of one recording."""

import gzip
import re
import time
import zlib
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from ingest import intake
from ingest.decode import compression, mtconnect_xml, shdr
from ingest.decode.result import Decoded, Rejection
from ingest.mapping import Mapping, topics
from ingest.route import Router, without_covered
from ingest.sparkplug.host import Host
from model.data import state_models
from model.packml import STATES

EXAMPLES = Path(__file__).parents[3] / "examples"
MOST = 1 << 20
NUMBER: dict[str, Any] = {
    "topic": "meters/{meter}/{register}",
    "site": "plant",
    "asset": "utilities/{meter}",
    "format": "number",
    "tag": "{register}",
    "time": "receive",
    "values": [{"from": "e", "name": "energy_kwh", "quantity": "active_energy", "unit": "kWh"}],
}
RUN = {"kind": "production_run", "key": "{job}"}
DELTA = {"kind": "delta", "interval_s": 60, "interval_label": "end"}


def mapping(**changes: Any) -> Mapping:
    return Mapping.model_validate({**NUMBER, **changes})


def decoded(rules: Mapping, topic: str, payload: bytes, received_us: int = 7) -> Decoded:
    return intake.decode(Router([rules]).source(topic), intake.opened(payload, MOST), received_us)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"time": {}}, "time needs `from`"),
        ({"time": {"from": "t", "receive": True}}, "either `from` or `receive`"),
        ({"format": "shdr"}, "`tag` is for format packml or number"),
        ({"values": [{**NUMBER["values"][0], **DELTA}]}, "would count twice"),
        ({"format": "json", "events": [RUN]}, "`tag` is for format"),
        ({"tag": "{phase}"}, "{phase} is not a segment"),
        ({"topic": "meters/{meter...}/x", "tag": ""}, "only at the end"),
        ({"topic": "meters/{meter}/{meter}", "tag": ""}, "same name"),
        ({"topic": "meters/m{meter}-{register}"}, "one in a level"),
        ({"topic": "meters/{meter}", "tag": "", "values": []}, "exactly one entry"),
        ({"values": [{**NUMBER["values"][0], "texts": {"1": "ON"}}]}, "texts are for states"),
        ({"values": [{**NUMBER["values"][0], "name": "{phase}_kwh"}]}, "{phase} is not a segment"),
        ({"records": "$.d"}, "`records` is for format json"),
    ],
)
def test_a_mapping_that_contradicts_itself_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        mapping(**changes)
    assert said in str(caught.value)


def test_an_event_that_counts_needs_a_time_of_its_own() -> None:
    fields = {"topic": "a/{m}", "site": "s", "asset": "{m}", "format": "json", "time": "receive"}
    with pytest.raises(ValidationError, match="count twice"):
        Mapping.model_validate({**fields, "events": [RUN]})
    assert Mapping.model_validate({**fields, "events": [{"kind": "job_change", "texts": {"job": "j"}}]}).time.receive


@pytest.mark.parametrize(
    ("pattern", "subscription", "topic", "found"),
    [
        ("a/{x}/b", "a/+/b", "a/1/b", {"x": "1"}),
        ("a/{x}/{rest...}", "a/+/#", "a/1/b/c", {"x": "1", "rest": "b/c"}),
        ("a/{x}/{rest...}", "a/+/#", "a/1", {"x": "1", "rest": ""}),
        ("a/m{x}", "a/+", "a/m1", {"x": "1"}),
        ("a/m{x}", "a/+", "a/n1", None),
        ("{all...}", "#", "a/b", {"all": "a/b"}),
    ],
)
def test_places_of_a_topic(pattern: str, subscription: str, topic: str, found: dict[str, str] | None) -> None:
    rules = mapping(topic=pattern, asset="", tag="", values=NUMBER["values"])
    assert rules.subscription == subscription
    assert rules.segments(topic) == found


def test_a_filter_that_another_covers_is_not_subscribed_to() -> None:
    assert topics.covers("a/+/#", "a/b/c/d")
    assert topics.covers("a/#", "a")
    assert not topics.covers("a/+", "a/b/c")
    assert not topics.covers("a/b/c", "a/+/c")
    assert without_covered(["a/#", "a/b", "c", "a/#", "+/c"]) == ["a/#", "c", "+/c"]
    rules = mapping(topic="umh/v1/acme/{plant}/_historian/{tag...}", format="umh", asset="", tag="", time={}, values=[])
    assert rules.subscription not in Router([rules]).subscriptions


def test_a_mapping_of_umh_topics_goes_before_the_built_in_reading() -> None:
    rules = mapping(topic="umh/v1/acme/{plant}/_raw/{tag...}", format="umh", asset="", tag="", time={}, values=[])
    router = Router([rules])
    assert router.source("umh/v1/acme/x/_raw/a").site == "plant"
    assert router.source("umh/v1/other/x/_raw/a").site == "x"
    without = Router([rules], reads_umh=False)
    assert without.source("umh/v1/acme/x/_raw/a").site == "plant"
    assert not without.source("umh/v1/other/x/_raw/a").site
    assert without.subscriptions == ["haidang/v1/#", "umh/v1/acme/+/_raw/#"]


def test_the_numbers_of_packml_are_the_states_of_the_shipped_model() -> None:
    assert len(STATES) == 18
    assert set(STATES.values()) <= set(state_models()["packml"])


def test_repeated_equal_values_are_all_kept_and_counters_stay_as_they_are() -> None:
    fields = {**NUMBER, "format": "json", "tag": "", "time": {"from": "t", "format": "unix_s"}}
    rules = Mapping.model_validate(fields)
    payload = b'[{"t":1,"e":5},{"t":2,"e":5},{"t":3,"e":5.0},{"t":4,"e":2}]'
    assert [value[3] for value in decoded(rules, "meters/m/x", payload).values] == [5.0, 5.0, 5.0, 2.0]


def test_the_time_of_receipt_is_taken_only_where_the_mapping_says_so() -> None:
    assert decoded(mapping(), "meters/m/e", b"5", received_us=42).values[0][2] == 42
    timed = mapping(time={"from": "t", "format": "unix_s"})
    assert decoded(timed, "meters/m/e", b'{"value":5,"t":3}', received_us=42).values[0][2] == 3_000_000
    assert decoded(timed, "meters/m/e", b"5", received_us=42).rejected[0].code == "bad_time"


def test_a_bomb_is_refused_without_being_inflated() -> None:
    bomb = gzip.compress(bytes(32 << 20), 1)
    assert len(bomb) < MOST
    began = time.process_time()
    found = compression.plain(bomb, MOST)
    assert isinstance(found, Rejection)
    assert found.code == "too_large"
    assert time.process_time() - began < 0.2


def test_a_text_that_begins_like_zlib_is_still_a_text() -> None:
    assert compression.plain(b"x^2 is a text", MOST) == b"x^2 is a text"
    assert compression.plain(zlib.compress(b"{}"), MOST) == b"{}"


def test_a_document_of_entities_is_refused_at_once() -> None:
    levels = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 50}">' for n in range(1, 12))
    bomb = f'<!DOCTYPE a [<!ENTITY l0 "ha">{levels}]><MTConnectStreams>&l11;</MTConnectStreams>'.encode()
    began = time.process_time()
    rules = Mapping.model_validate({"topic": "a", "site": "s", "asset": "a", "format": "mtconnect_xml"})
    found = mtconnect_xml.decode(bomb, rules)
    assert found.whole is not None
    assert time.process_time() - began < 0.2


def test_xml_and_shdr_of_one_recording_say_the_same(shared_data: Path) -> None:
    fields = yaml.safe_load((EXAMPLES / "lathe-mazak03" / "mapping.yaml").read_text("utf-8"))
    folder = shared_data / "mtconnect-nist-mazak03"
    document = gzip.decompress((folder / "agent_streams_Mazak03_2016-05-23.xml.gz").read_bytes())
    xml = mtconnect_xml.decode(document, Mapping.model_validate({**fields, "format": "mtconnect_xml"}))
    lines = gzip.decompress((folder / "raw" / "Mazak03-20160523-20160524.txt.gz").read_bytes()).splitlines()
    window = b"\n".join(line for line in lines if b"2016-05-23T19:4" <= line[:17] <= b"2016-05-23T20:26:45.96")
    adapter = shdr.decode(window, Mapping.model_validate(fields))
    first = min(value[2] for value in adapter.values)
    assert {value for value in xml.values if value[2] >= first} == set(adapter.values)
    assert len(set(adapter.values)) > 3_500


def test_the_mappings_of_the_documentation_are_mappings() -> None:
    text = (EXAMPLES.parent / "docs" / "mapping.md").read_text("utf-8")
    blocks = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)]
    whole = [block for block in blocks if "topic" in block]
    assert len(whole) >= 5
    for block in whole:
        Mapping.model_validate(block)
    packml_rules = next(block for block in blocks if "StateCurrent" in str(block) and "topic" not in block)
    base = next(block for block in whole if block["format"] == "packml")
    assert Mapping.model_validate({**base, **packml_rules}).by_tag["status.statecurrent"].word(1) == "IDLE"


@pytest.mark.parametrize(
    "topic",
    [
        f"umh/v1/{'e' * 20_000}/plant/_historian/t",
        f"umh/v1/{'e' * 190}/plant/hall/_historian/t",
        f"gw/{'m' * 20_000}/x",
        f"spBv1.0/{'g' * 20_000}/NDATA/node",
    ],
)
def test_no_device_has_a_name_that_the_database_has_no_room_for(topic: str) -> None:
    fields = {"topic": "gw/{m}/x", "site": "s", "asset": "a", "format": "json", "time": "receive", "values": []}
    sparkplug = {**fields, "topic": "spBv1.0/{g}/{n}", "format": "sparkplug", "time": {}}
    rules = [Mapping.model_validate({**fields, "unmapped": "propose"}), Mapping.model_validate(sparkplug)]
    source = Router(rules, Host()).source(topic)
    whole = source.decode(b"{}").whole
    assert (source.device, source.place) == ("", None)
    assert whole is not None
    assert whole.code == "bad_topic"
    assert len(whole.detail) < 300


def test_names_of_a_topic_are_told_apart_from_message_to_message() -> None:
    rules = {"topic": "gw/{m}", "site": "p", "asset": "{m}", "unmapped": "propose", "values": []}
    source = Router([Mapping.model_validate({**rules, "format": "json", "time": {"from": "t", "format": "unix_ms"}})])
    first, second = (source.source("gw/1").decode(f'{{"t": 1, "{name}": 5}}'.encode()) for name in ("a b", "a_b"))
    assert [value[0] for value in first.values] == ["a_b"]
    assert [each.code for each in second.rejected] == ["name_taken"]
    assert source.source("gw/2").decode(b'{"t": 1, "a_b": 5}').values


def test_the_id_of_an_item_may_change_between_documents_but_not_its_device() -> None:
    rules = {"topic": "mt/{m}", "site": "p", "asset": "{m}", "format": "mtconnect_xml", "unmapped": "propose"}
    source = Router([Mapping.model_validate({**rules, "values": []})]).source("mt/1")
    text = (
        '<MTConnectStreams><Streams><DeviceStream name="{device}"><ComponentStream><Samples>'
        '<Load name="load" dataItemId="{item}" timestamp="2026-11-22T08:00:0{second}Z">5</Load>'
        "</Samples></ComponentStream></DeviceStream></Streams></MTConnectStreams>"
    )
    found = [
        source.decode(text.format(device=device, item=item, second=second).encode())
        for second, (device, item) in enumerate([("m1", "x1"), ("m1", "x9"), ("m2", "x1")])
    ]
    assert [len(each.values) for each in found] == [1, 1, 0]
    assert [each.code for each in found[2].rejected] == ["name_taken"]
