"""What Sparkplug nodes can make us remember has an end: nodes, devices, metrics, names, and what waits of them."""

import pytest

from ingest.decode.result import Decoded
from ingest.message import measured
from ingest.route import Router
from ingest.sparkplug import meaning, nodes
from ingest.sparkplug.arrival import Part
from ingest.sparkplug.host import Host, Options
from ingest.sparkplug.meaning import Meanings
from ingest.sparkplug.sparkplug_b_pb2 import Metric, Payload
from ingest.sparkplug.state import BirthMetric, Change, Node, device_born

NOW_US = 1_800_000_000_000_000


class Hall:
    """A host, its router, and packets for them."""

    def __init__(self) -> None:
        self.host = Host(Options("haidang"), clock_s=lambda: 1000.0)
        self.router = Router([], self.host)

    def say(self, topic: str, *names: str, seq: int = 0) -> list[Part]:
        metrics = [Metric(name=name, alias=place + 1, datatype=10, is_null=True) for place, name in enumerate(names)]
        payload = Payload(timestamp=1_790_000_000_000 + seq, seq=seq, metrics=metrics).SerializeToString()
        return self.host.take(self.router.source(f"spBv1.0/{topic}"), payload, NOW_US, dup=False)


def code(parts: list[Part]) -> str:
    whole = parts[0].decoded.whole
    return whole.code if whole else ""


def names(count: int, first: str = "m") -> list[str]:
    return [f"{first}{number}" for number in range(count)]


def test_nodes_of_unknown_sites_do_not_lock_out_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nodes, "MOST_NODES", 3)
    hall = Hall()
    hall.say("plant/NBIRTH/known", "a")
    hall.router.source("spBv1.0/plant/NBIRTH/known").site_id = 7  # as the writer found out
    for number in range(6):
        assert code(hall.say(f"nobody/NDATA/n{number}", "a")) == ""
    held = [hall.host.node("nobody", f"n{number}") is not None for number in range(6)]
    assert held == [False] * 4 + [True] * 2
    assert hall.host.node("plant", "known") is not None
    assert {key[1] for key in hall.host.known.meanings} == {"known", "n4", "n5"}
    assert hall.host.known.rebirths._wanted == {("nobody", "n4"), ("nobody", "n5")}


def test_nodes_of_known_sites_are_never_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nodes, "MOST_NODES", 2)
    hall = Hall()
    hall.host.load([Node("plant", "a"), Node("plant", "b")])
    assert code(hall.say("plant/NBIRTH/c", "x")) == "too_many_nodes"
    assert code(hall.say("plant/NBIRTH/a", "x")) == ""


def test_births_have_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nodes, "MOST_NODE_METRICS", 10)
    monkeypatch.setattr(nodes, "MOST_METRICS", 15)
    hall = Hall()
    assert code(hall.say("plant/NBIRTH/a", *names(4))) == ""
    assert code(hall.say("plant/DBIRTH/a/d", *names(6), seq=1)) == ""
    assert code(hall.say("plant/DBIRTH/a/e", "one", seq=2)) == "too_many_metrics"
    assert code(hall.say("plant/NBIRTH/b", *names(6))) == "too_many_metrics"
    assert code(hall.say("plant/NBIRTH/b", *names(5))) == ""
    node = hall.host.node("plant", "a")
    assert node is not None
    assert sorted(node.devices) == ["", "d"]
    assert code(hall.say("plant/DBIRTH/a/d", *names(6), seq=2)) == "", "the same again takes no more"


def test_a_refused_birth_leaves_the_meaning_of_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nodes, "MOST_NODE_METRICS", 3)
    hall = Hall()
    hall.say("plant/NBIRTH/a", "x", "y")
    assert code(hall.say("plant/NBIRTH/a", "y", "x", seq=1)) == "too_many_metrics"
    data = Payload(timestamp=1_790_000_000_009, seq=1, metrics=[Metric(alias=1, double_value=1.0)])
    (part,) = hall.host.take(hall.router.source("spBv1.0/plant/NDATA/a"), data.SerializeToString(), NOW_US, dup=False)
    assert [value[0] for value in part.decoded.every_value()] == ["x"]


@pytest.mark.parametrize("kind", ["DDATA", "DBIRTH", "DDEATH"])
def test_refused_devices_are_not_remembered(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setattr(nodes, "MOST_DEVICES", 2)
    hall = Hall()
    hall.say("plant/NBIRTH/a", "x")
    for number in range(9):
        hall.say(f"plant/{kind}/a/d{number}", "x", seq=number + 1)
    assert len(hall.host.known.meanings) <= 3


def test_names_without_a_birth_have_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meaning, "MOST_METRICS", 5)
    meanings = Meanings([], None)
    for name in names(20):
        meanings.define(BirthMetric(name, None, 10))
    assert len(meanings.by_name) == len(meanings._takers) == 5


def test_births_that_wait_are_counted() -> None:
    metrics = tuple(BirthMetric(name, None, 10) for name in names(100))
    birth = device_born(Node("g", "n"), "d", metrics, 1)
    plain = measured(Decoded(effects=(Change(birth.node),)))[1] - measured(Decoded())[1]
    assert 0 < plain < 1_000
    assert measured(Decoded(effects=(birth,)))[1] - measured(Decoded())[1] >= 100 * 100
