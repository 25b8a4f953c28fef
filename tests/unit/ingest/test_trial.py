"""A trial says what becomes of messages, what no rule names, and suggests mappings that read what nothing reads."""

import base64
import gzip
import json
from itertools import islice
from pathlib import Path
from typing import Any

import yaml

from ingest.mapping import Mapping, load
from ingest.sparkplug.sparkplug_b_pb2 import Metric, Payload
from ingest.trial import Trial
from ingest.trial_seen import MOST_REASONS, MOST_SERIES, OTHERS, TopicSeen

EXAMPLES = Path(__file__).parents[3] / "examples"
NOW_US = 1_795_334_460_000_000
T = 1_795_334_400_000
RULES: dict[str, Any] = {
    "topic": "gw/{machine}",
    "site": "plant",
    "asset": "hall/{machine}",
    "format": "json",
    "time": {"from": "t", "format": "unix_ms"},
    "values": [
        {"from": "P", "name": "power_kw", "quantity": "active_power", "unit": "W"},
        {"from": "$.oil.p", "name": "oil_pressure_bar", "quantity": "pressure", "unit": "kPa"},
        {"from": "gone", "name": "gone", "quantity": "number"},
    ],
}


def see(trial: Trial, topic: str, payload: Any) -> TopicSeen:
    sent = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    trial.see(topic, sent, NOW_US)
    return trial.topics[topic]


def suggested(*messages: tuple[str, Any]) -> tuple[Mapping, Trial]:
    """The one mapping that is suggested for these messages, and a trial of it on them."""
    first = Trial()
    for topic, payload in messages:
        see(first, topic, payload)
    (text,) = first.new_mappings()
    found = Mapping.model_validate(yaml.safe_load(text))
    second = Trial([("new.yaml", found)])
    for topic, payload in messages:
        see(second, topic, payload)
    assert not second.unread
    assert not any(seen.refused for seen in second.topics.values())
    return found, second


def test_values_are_shown_as_they_would_be_stored() -> None:
    trial = Trial([("a.yaml", Mapping.model_validate(RULES))])
    seen = see(trial, "gw/m1", {"t": T, "P": 1500, "oil": {"p": 250}})
    assert (seen.read_by, seen.site, seen.asset) == ("a.yaml", "plant", "hall/m1")
    shown = {each.name: (each.rule, each.last, each.unit, each.last_us) for each in seen.series.values()}
    assert shown["power_kw"] == ("P", 1.5, "kW", T * 1000)
    assert shown["oil_pressure_bar"] == ("$.oil.p", 2.5, "bar", T * 1000)
    assert {rule.source: rule.count for rule in trial.rules} == {"P": 1, "$.oil.p": 1, "gone": 0}


def test_what_no_rule_names_is_listed_with_a_rule_that_would_read_it() -> None:
    trial = Trial([("a.yaml", Mapping.model_validate({**RULES, "persons": ["who"]}))])
    see(trial, "gw/m1", {"t": T, "P": 1, "oil": {"p": 2, "temperature_c": 60}, "who": {"name": "An"}, "mode": "AUTO"})
    rules = yaml.safe_load(trial.more_rules()["a.yaml"])["values"]
    assert rules == [
        {"from": "$.oil.temperature_c", "name": "oil.temperature_c", "quantity": "temperature", "unit": "°C"},
        {"from": "mode", "name": "mode", "quantity": "mode"},
    ]
    assert "An" not in str(trial.topics)


def test_refusals_are_counted_with_their_reason() -> None:
    trial = Trial([("a.yaml", Mapping.model_validate(RULES))])
    see(trial, "gw/m1", b"\xff")
    see(trial, "gw/m1", {"t": "x", "P": 1})
    seen = see(trial, "gw/m1", {"t": T + 3_600_000, "P": 1})
    assert {code for code, _ in seen.refused} == {"undecodable", "bad_time", "in_future"}
    other = see(
        trial, "haidang/v1/plant/a/data", {"ts": T, "values": {"power_kw": 1, "x": 1}, "units": {"power_kw": "s"}}
    )
    assert [code for code, _ in other.refused] == ["wrong_unit"]


def test_a_topic_of_nobody_is_unread_and_no_refusal() -> None:
    trial = Trial()
    seen = see(trial, "somewhere/else", b"hello")
    assert trial.unread == [seen]
    assert not seen.refused
    assert trial.new_mappings() == []


def test_json_of_several_machines_becomes_one_mapping() -> None:
    payload = {"ts": "2026-11-22T08:00:00Z", "temperature_c": 20, "m": {"power_w": "5"}, "ok": True, "text": "a"}
    found, trial = suggested(("hall/7/env", payload), ("hall/8/env", payload))
    assert (found.topic, found.asset, found.time.source) == ("hall/{unit}/env", "{unit}", "ts")
    seen = trial.topics["hall/7/env"]
    assert {each.name for each in seen.series.values()} == {"temperature_c", "m.power_w", "ok", "text"}


def test_lists_of_named_values_become_items() -> None:
    document = {
        "at": T // 1000,
        "data": [{"id": "T1", "val": 30, "unit": "°C"}, {"id": "p-2", "val": 4, "unit": "bar"}],
    }
    found, trial = suggested(("lists/1", document))
    assert (found.records, found.time.source, found.time.format) == ("$.data", "$$.at", "unix_s")
    assert {each.quantity for each in trial.topics["lists/1"].series.values()} == {"temperature", "pressure"}


def test_meters_and_packml_tags_are_read_by_their_topics() -> None:
    found, trial = suggested(("m/a/energy_kwh", b"23.5 kWh"), ("m/a/u", b"230"), ("m/b/u", b"231"))
    assert (found.format, found.topic, found.time.receive) == ("number", "m/{unit}/{tag...}", True)
    assert all(rule.count for rule in trial.rules)
    found, trial = suggested(("S/A/L1/Status/StateCurrent", b"6"), ("S/A/L2/Admin/ProdProcessedCount/0/AccCount", b"7"))
    assert (found.format, found.topic) == ("packml", "S/A/{unit}/{tag...}")
    assert next(iter(trial.topics["S/A/L1/Status/StateCurrent"].series.values())).last == "EXECUTE"


def test_machine_tools_are_known_by_their_first_characters() -> None:
    found, _ = suggested(("mt/1", b"2026-11-22T08:00:00Z|Xload|5|execution|ACTIVE"))
    assert found.format == "shdr"
    xml = b"<?xml version='1.0'?><MTConnectStreams><Streams/></MTConnectStreams>"
    found, _ = suggested(("mt/1", xml))
    assert found.format == "mtconnect_xml"


def test_births_and_data_of_a_sparkplug_device_are_one_speaker(shared_data: Path) -> None:
    trial = Trial([("lines.yaml", load(EXAMPLES / "packing-lines" / "mapping.yaml"))])
    with gzip.open(shared_data / "packml-sparkplug-planta" / "planta.jsonl.gz", "rt", encoding="utf-8") as lines:
        for line in islice(lines, 2_000):
            record = json.loads(line)
            trial.see(record["topic"], base64.b64decode(record["payload_b64"]), round(record["t"] * 1e6))
    seen = trial.topics["spBv1.0/PlantA/Packing-Line1/Line1"]
    assert (seen.read_by, seen.asset) == ("lines.yaml", "packing/Line1")
    assert all(rule.count for rule in trial.rules)
    assert seen.unmatched["Status.StateCurrent"].source == "Status/StateCurrent"
    assert not any(each.refused for each in trial.topics.values())


def test_topics_beyond_the_bound_are_counted_only() -> None:
    trial = Trial()
    for number in range(520):
        trial.see(f"t/{number}", b"1", NOW_US)
    assert (len(trial.topics), trial.left_out, trial.messages) == (500, 20, 520)


def test_rules_for_metrics_that_no_birth_has_name_them_as_they_are_sent() -> None:
    rules: dict[str, Any] = {
        "topic": "spBv1.0/plant/{node}/{device}",
        "site": "plant",
        "asset": "{device}",
        "format": "sparkplug",
        "values": [{"from": "P", "name": "power_kw", "quantity": "active_power", "unit": "kW"}],
    }
    stamp = NOW_US // 1000

    def tried(values: list[dict[str, Any]]) -> Trial:
        trial = Trial([("a.yaml", Mapping.model_validate({**rules, "values": values}))])
        sent = {"NBIRTH/gw": ["bdSeq"], "DBIRTH/gw/m": ["P"], "DDATA/gw/m": ["P", "Admin/Count 1/0/ID"]}
        for kind, names in sent.items():
            payload = Payload(timestamp=stamp, seq=0 if kind.startswith("N") else len(names))
            payload.metrics.extend(Metric(name=name, datatype=10, double_value=1, timestamp=stamp) for name in names)
            trial.see(f"spBv1.0/plant/{kind}", payload.SerializeToString(), NOW_US)
        return trial

    (text,) = tried(rules["values"]).more_rules().values()
    (more,) = yaml.safe_load(text)["values"]
    assert more["from"] == "Admin/Count 1/0/ID"
    assert all(rule.count for rule in tried([*rules["values"], more]).rules)


def test_reasons_and_names_beyond_the_bound_are_counted_only() -> None:
    trial = Trial([("a.yaml", Mapping.model_validate(RULES))])
    for number in range(40):
        seen = see(trial, "gw/m1", {"t": f"x{number}", "P": 1, "oil": {"p": 2}})
    assert len(seen.refused) <= MOST_REASONS + 1
    assert seen.refused["bad_time", OTHERS] == 40 - MOST_REASONS
    seen = see(trial, "gw/m1", {"t": T, **{f"n{number}": 1 for number in range(600)}})
    assert len(seen.unmatched) == MOST_SERIES
    assert seen.more_unmatched


def test_decimal_commas_are_seen() -> None:
    found, trial = suggested(("m/a/energy_kwh", b"23,5 kWh"), ("m/a/u", b"230"), ("m/b/u", b"1.231,5"))
    assert found.decimal == "comma"
    assert [rule.unit for rule in found.values] == ["kWh", ""]
    assert next(iter(trial.topics["m/b/u"].series.values())).last == 1231.5
    found, _ = suggested(("m/a/u", b"23.5"), ("m/b/u", b"24"))
    assert found.decimal == "point"


def test_lists_in_a_record_get_a_word() -> None:
    first = Trial()
    payload = {"t": T, "speed": 5, "Motor Speed": [1, 2], "axes": {"load": [3]}}
    see(first, "fab/press1/data", payload)
    (text,) = first.new_mappings()
    assert """from: "$['Motor Speed'][0]"\n""" in text
    assert """from: "$.axes.load[0]"\n""" in text
    found = Mapping.model_validate(yaml.safe_load(text))
    assert (found.asset, [rule.source for rule in found.values]) == ("press1", ["speed"])
    path = text.partition("from: \"$['")[2].partition("'")[0]
    rule = {"from": f"$['{path}'][0]", "name": "motor", "quantity": "number"}
    second = Trial([("a.yaml", Mapping.model_validate({**yaml.safe_load(text), "values": [rule]}))])
    assert next(iter(see(second, "fab/press1/data", payload).series.values())).last == 1.0


def test_a_number_with_its_unit_is_a_text_in_json() -> None:
    found, _ = suggested(("a/b/m1", {"t": T, "E": "23.5 kWh", "P": "5"}))  # refuses nothing
    assert {rule.source: rule.quantity for rule in found.values} == {"E": "text", "P": "number"}


def test_what_is_refused_is_no_unknown_format() -> None:
    trial = Trial()
    for tag in ("x y", "x_y"):
        seen = see(trial, f"umh/v1/acme/plant/m/_historian/{tag}", {"timestamp_ms": T, "value": 1})
    assert [code for code, _ in seen.refused] == ["name_taken"]
    assert trial.new_mappings() == []


def test_a_tag_that_would_be_called_like_a_rule_is_left_out() -> None:
    rules = {"topic": "{line}/{tag...}", "site": "plant", "asset": "{line}", "format": "packml", "time": "receive"}
    trial = Trial([("a.yaml", Mapping.model_validate(rules))])
    seen = see(trial, "l1/state", b"6")
    assert (seen.ignored, seen.unmatched) == (1, {})
