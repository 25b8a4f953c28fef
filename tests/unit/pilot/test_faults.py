"""The pure parts of the fault harness: plan, load, feed, packets, measures, verdict."""

import itertools
import json
import time
from collections import Counter

import pytest

from ingest.decode.native import decode
from ingest.route import Router
from ingest.sparkplug.host import Host
from ingest.sparkplug.sparkplug_b_pb2 import Payload
from model.vocabulary import Quality
from pilot.faults import packets
from pilot.faults.edge import Edge, Packet
from pilot.faults.feed import Feed
from pilot.faults.kinds import KINDS
from pilot.faults.load import Load, digest, payload, topic
from pilot.faults.measure import Sample, caught_up_s, first_commit_s, longest_stall_s, rate_per_s
from pilot.faults.record import asset_key, names, value
from pilot.faults.report import as_json, lines
from pilot.faults.result import PhaseResult, Result
from pilot.faults.schedule import plan

LOAD = Load(devices=3, values=4, start_ms=1_795_000_000_000)


@pytest.mark.parametrize(("minutes", "at_once"), [(0.0, 9), (60.0, 1)])
def test_every_fault_comes_once_before_any_comes_again(minutes: float, at_once: int) -> None:
    phases = list(itertools.takewhile(lambda phase: phase.is_due, plan(KINDS, minutes=minutes, seed=3)))
    names = [occurrence.kind.name for phase in phases for occurrence in phase.occurrences]
    assert sorted(names) == sorted(kind.name for kind in KINDS)
    assert max(len(phase.occurrences) for phase in phases) <= at_once


def test_the_seed_decides_and_two_faults_never_act_on_the_same_thing() -> None:
    phases = list(itertools.islice(plan(KINDS, minutes=1, seed=7), 60))
    assert phases == list(itertools.islice(plan(KINDS, minutes=1, seed=7), 60))
    assert phases != list(itertools.islice(plan(KINDS, minutes=1, seed=8), 60))
    for phase in phases:
        resources = [occurrence.kind.resource for occurrence in phase.occurrences]
        if not phase.is_due:
            assert len(set(resources)) == len(resources)
        for resource in set(resources):
            times = [(one.at_s, one.at_s + one.for_s) for one in phase.occurrences if one.kind.resource == resource]
            assert all(end < begin for (_, end), (begin, _) in itertools.pairwise(sorted(times)))


def test_a_message_is_what_ingest_reads_and_says_whose_it_is() -> None:
    decoded = decode(payload(LOAD, device=2, number=50))
    assert {(value[0], value[3]) for value in decoded.every_value()} == {
        *(("good_count", 50_002.0), ("v01_kw", 50_002 + 1 / 16), ("v02_kw", 50_002 + 2 / 16), ("state", "S2"))
    }
    assert [event.key for event in decoded.events] == ["J2-50"]
    assert decoded.seq == (50,)
    assert not decoded.rejected


def test_disorder_keeps_every_number_and_tells_copies_apart() -> None:
    feed = Feed(LOAD, [0, 2], seed=4, in_disorder=True)
    taken = [*(feed.take() for _ in range(900)), *feed.flush()]
    firsts = Counter(one.key for one in taken if not one.is_repeat)
    assert set(firsts.values()) == {1}
    numbered = {key for key in firsts if not key[2]}
    assert numbered == {(device, number, "") for device, end in feed.next_number.items() for number in range(1, end)}
    copies = [one for one in taken if one.is_repeat]
    assert len(copies) > 20
    assert {one.key for one in copies} <= set(firsts)
    order = [one.key[1] for one in taken if one.key[0] == 0 and not one.key[2]]
    assert order != sorted(order)
    assert {one.digest for one in feed.refusals} <= {digest(one.topic, one.payload) for one in taken}
    assert {one.whole for one in feed.refusals} == {True, False}


def test_without_disorder_numbers_come_in_order() -> None:
    feed = Feed(LOAD, [1], seed=4)
    taken = [feed.take() for _ in range(5)]
    assert [one.key[1] for one in taken] == [1, 2, 3, 4, 5]
    assert [json.loads(one.payload)["seq"] for one in taken] == [1, 2, 3, 4, 5]
    assert not feed.refusals


def taken(host: Host, sent: list[Packet]) -> dict[tuple[str, str], set[float | str | None]]:
    """What a host understands of packets: values by device and name."""
    router = Router((), host)
    found: dict[tuple[str, str], set[float | str | None]] = {}
    for packet in sent:
        source = router.source(packet.topic)
        for part in host.take(source, packet.payload, time.time_ns() // 1000, dup=False):
            assert not part.decoded.rejected
            for name, _, _, content, quality in part.decoded.every_value():
                if quality != Quality.NO_SIGNAL:
                    key = name if isinstance(name, str) else name[0]
                    found.setdefault((part.source.asset, key), set()).add(content)
    return found


def test_an_edge_node_says_what_it_is_and_where_each_value_belongs() -> None:
    edge, now_ms = Edge(3, seed=2), time.time_ns() // 1_000_000
    edge.will()
    edge.kept = [edge.sample(now_ms - 1000)]
    sent = [*edge.born(now_ms), *edge.past(now_ms), *(one for _ in range(80) for one in edge.next(now_ms))]
    first = sent[0].payload
    sent += [*edge.born(now_ms), *(one for _ in range(80) for one in edge.next(now_ms))]
    found = taken(Host(), [one for one in sent if not one.is_farewell])
    for speaker in (6, 7):
        path = asset_key(speaker)[1]
        records = [one.record for one in sent if one.record is not None and one.record.speaker == speaker]
        for place, name in enumerate(names()):
            told = {value(speaker, one.number, place) for one in records if one.mask >> place & 1}
            assert found[path, name] == told
    births = [Payload.FromString(one) for one in (first, next(one.payload for one in edge.born(now_ms)))]
    aliases = [{metric.name: metric.alias for metric in birth.metrics if metric.HasField("alias")} for birth in births]
    assert aliases[0].keys() == aliases[1].keys() == set(names())
    assert aliases[0] != aliases[1]


def test_messages_for_a_site_that_is_known_late_say_where_they_belong() -> None:
    feed = Feed(LOAD, [1], seed=4, late_wanted=2)
    late, after = [feed.take() for _ in range(2)], feed.take()
    assert [one.topic for one in late] == ["haidang/v1/faults-late-1/late/m001/data"] * 2
    assert after.topic == topic(1)
    records = [one.late for one in feed.refusals]
    assert [one.number for one in records if one] == [1, 2]
    values = {(name, content) for name, _, _, content, _ in decode(late[0].payload).every_value()}
    assert values == {(name, value(1001, 1, place)) for place, name in enumerate(names())}


def test_packets_are_those_of_mqtt() -> None:
    packet = packets.publish(topic(1), b"x" * 200, 258)
    assert packet[0] == 0x32
    assert packet[1:3] == packets.length(len(packet) - 3)
    assert packet[5 + len(topic(1)) : 7 + len(topic(1))] == b"\x01\x02"
    received = bytearray(b"\x20\x02\x00\x00\x40\x02\x01\x02\xd0\x00\x40")
    assert list(packets.answers(received)) == [("connected", 0), ("acknowledged", 258), ("other", 0xD0)]
    assert received == b"\x40"


def samples(*rows: tuple[float, int, int, int]) -> list[Sample]:
    return [Sample(*row) for row in rows]


def test_a_stall_is_time_without_a_commit_while_something_waits() -> None:
    quiet = samples((0, 0, 0, 0), (5, 0, 0, 0), (6, 10, 10, 2), (20, 10, 10, 2))
    assert longest_stall_s(quiet) == 0
    waiting = samples((0, 0, 0, 0), (5, 10, 0, 0), (7, 20, 0, 0), (8, 30, 20, 4), (9, 40, 20, 4), (9.5, 40, 40, 8))
    assert longest_stall_s(waiting) == pytest.approx(7)  # from before the first message was seen to wait


def test_rates_and_returns() -> None:
    seen = samples((0, 0, 0, 0), (1, 100, 50, 10), (2, 200, 50, 10), (3, 300, 60, 12), (4, 300, 300, 60))
    assert rate_per_s(seen, 0, 1) == 50
    assert rate_per_s(seen, 3, 4) == 240
    assert rate_per_s(seen, 1, 1.1) is None
    assert caught_up_s(seen, 1.5, slack_values=10) == 4
    assert caught_up_s(seen[:4], 1.5, slack_values=10) is None
    assert first_commit_s(seen, 1.5) == 1.5
    assert first_commit_s(seen, 3.5) is None


def result(**changes: int) -> Result:
    phase = PhaseResult("one", ["worker_kill"], sent=10, acknowledged=10, stored=8, rejected=2, is_drained=True)
    for name, changed in changes.items():
        setattr(phase, name, changed)
    account = {"received": 10, "processed": 8, "rejected": 2, "redelivered": 0, "decoded": 40, "stored": 40}
    return Result(
        setting="here",
        phases=[phase],
        beside=None,
        ledger={**account, "duplicate": 0, "conflict": 0, "rejected_value": 0},
        problems=[],
        left_out=[],
        seconds=1.0,
    )


def test_the_verdict_is_good_only_when_everything_is() -> None:
    good = result()
    assert good.is_good
    assert "nothing lost" in lines(good)[-1]
    assert json.loads(as_json(good))["good"] is True
    for bad in (result(lost=1), result(doubled=1), result(misplaced=1), result(lost_values=1), result(stored=7)):
        assert not bad.is_good
        assert "NOT GOOD" in lines(bad)[-1]
    off = result()
    off.problems.append("an account does not add up")
    assert not off.is_good
    nothing = result()
    nothing.phases.clear()
    assert not nothing.is_good
