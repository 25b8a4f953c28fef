"""Nodes that change their aliases, births that are lost, ingest that is killed: no value ever gets a wrong name."""

from random import Random
from typing import NamedTuple

import pytest

from ingest.route import Router
from ingest.sparkplug.host import Host, Options
from ingest.sparkplug.sparkplug_b_pb2 import Metric, Payload
from ingest.sparkplug.state import Node

NAMES = ("a", "b", "c")
START_MS = 1_790_000_000_000


class Packet(NamedTuple):
    """A message of the node; data are QoS 1 and so kept by the broker, births are not."""

    topic: str
    data: bytes
    at_ms: int

    @property
    def is_kept(self) -> bool:
        return "DATA" in self.topic


def said(random: Random, sessions: int, births: int = 1, step: int = 37) -> list[Packet]:
    """What a node says: with each birth of its device aliases mean something else; a value is the place of its name."""
    packets: list[Packet] = []
    at_ms = START_MS

    def say(topic: str, seq: int, *metrics: Metric, back_ms: int = 0) -> None:
        nonlocal at_ms
        at_ms += random.randint(1, 500)
        payload = Payload(timestamp=at_ms - back_ms, seq=seq % 256, metrics=metrics)
        packets.append(Packet(f"spBv1.0/plant/{topic}", payload.SerializeToString(), at_ms))

    for session in range(sessions):
        first = session * step  # so that no session goes on by chance where another ended
        say("NBIRTH/gw", first, Metric(name="bdSeq", datatype=8, long_value=session))
        seq = first
        for _ in range(births):
            names = random.sample(NAMES, random.randint(1, 3))
            defined = [Metric(name=name, alias=alias, datatype=10, is_null=True) for alias, name in enumerate(names)]
            say("DBIRTH/gw/press", seq := seq + 1, *defined)
            for _ in range(random.randint(0, 12)):
                alias = random.randrange(len(names))
                metric = Metric(alias=alias, double_value=float(NAMES.index(names[alias])))
                back_ms = random.choice((0, 0, 0, 400))  # history that the node held back
                if back_ms:
                    metric.is_historical = True
                say("DDATA/gw/press", seq := seq + 1, metric, back_ms=back_ms)
    return packets


class Ingest:
    """A host; what it makes of packets is compared with what they mean."""

    def __init__(self, stored: Node | None) -> None:
        self._host = Host(Options("haidang"), clock_s=lambda: 1000.0)
        self._router = Router([], self._host)
        self._host.load([stored] if stored else [])
        self.read = self.refused = 0

    def take(self, packet: Packet, *, dup: bool = False, kept: bool = False) -> Node | None:
        source = self._router.source(packet.topic)
        for part in self._host.take(source, packet.data, (packet.at_ms + 1) * 1000, dup=dup, kept=kept):
            for name, _, _, value, _ in part.decoded.every_value():
                assert value is None or name == NAMES[int(float(value))], "a value under the name of another"
                self.read += value is not None
            self.refused += sum(rejection.values for rejection in part.decoded.rejected)
            assert not packet.is_kept or part.decoded.count + len(part.decoded.rejected) == 1, "nothing is passed over"
        return self._host.node("plant", "gw")


@pytest.mark.parametrize("births_are_kept", [False, True], ids=["births are QoS 0", "births are QoS 1"])
def test_no_value_gets_a_wrong_name_whenever_ingest_is_killed(births_are_kept: bool) -> None:
    read = refused = 0
    for seed in range(400):
        random = Random(seed)  # noqa: S311 - it chooses tests
        packets = said(random, 5)
        received = random.randint(0, len(packets))  # then it is killed
        stored = max(0, received - random.randint(0, 8))
        acknowledged = max(0, stored - random.randint(0, 8))
        away = min(len(packets), received + random.randint(0, 8))
        first = Ingest(None)
        nodes = [None, *(first.take(packet) for packet in packets[:received])]
        second = Ingest(nodes[stored])
        for packet in packets[acknowledged:received]:
            if packet.is_kept or births_are_kept:
                second.take(packet, dup=True)
        for packet in packets[received:away]:
            if packet.is_kept or births_are_kept:
                second.take(packet)
        for packet in packets[away:]:
            second.take(packet)
        read, refused = read + second.read, refused + second.refused
    assert read > refused > 0, "most is read although nobody answers requests for a rebirth here"


@pytest.mark.parametrize("births", [1, 7], ids=["of the node", "of the device"])
def test_no_value_gets_a_wrong_name_when_more_births_come_again_than_are_kept(births: int) -> None:
    """Another number of workers: what was stored from the sessions of before comes once more, then what is new."""
    read = refused = 0
    for seed in range(80):
        random = Random(seed)  # noqa: S311 - it chooses tests
        packets = said(random, 14 // births, births)
        stored = random.randint(len(packets) // 2, len(packets))
        first = Ingest(None)
        nodes = [first.take(packet) for packet in packets[:stored]]
        second = Ingest(nodes[-1])
        for packet in packets[random.randrange(stored) : stored]:
            second.take(packet, dup=True)
        for packet in packets[stored:]:
            second.take(packet)
        read, refused = read + second.read, refused + second.refused
    assert min(read, refused) > 0


def test_no_value_gets_a_wrong_name_when_the_broker_is_lost_in_an_outage() -> None:
    """What waits for the database was received once, and then again over the next connection; all of it is kept."""
    read = 0
    for seed in range(150):
        random = Random(seed)  # noqa: S311 - it chooses tests
        packets = said(random, 7, step=0)
        stored = random.randrange(len(packets))
        first = Ingest(None)
        nodes = [None, *(first.take(packet) for packet in packets[:stored])]
        second, waiting = Ingest(nodes[-1]), packets[stored : random.randint(stored, len(packets))]
        for packet in waiting:
            second.take(packet, kept=True)
        for packet in waiting:
            second.take(packet, kept=True, dup=True)
        for packet in packets[stored + len(waiting) :]:
            second.take(packet)
        read += second.read
    assert read > 0
