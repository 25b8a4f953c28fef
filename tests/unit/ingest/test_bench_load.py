"""The loads of the ingest benchmark: what is sent is what the comparison with the database expects."""

import json

import pytest

from ingest.route import Router
from ingest.sparkplug.host import Host
from ingest.sparkplug.sparkplug_b_pb2 import Payload
from pilot.bench_publisher import DEVICES, Load, assets, contents, names

START_MS = 1_795_334_400_000


def expected(load: Load, count: int) -> dict[str, float]:
    """What bench.sql says of a message: names and values."""
    return {name: (count * 7 + at) % 1000 / 10 for at, name in enumerate(names(load))}


def test_native_messages_hold_what_is_expected() -> None:
    load = Load("bench", 300, 20)
    for count, (topic, payload) in enumerate(contents(load, START_MS)):
        assert json.loads(payload) == {"ts": START_MS + count // DEVICES, "values": expected(load, count)}
        assert Router().source(topic.decode()).asset == assets(load)[count % DEVICES]


def test_sparkplug_nodes_are_born_and_then_speak_by_alias() -> None:
    load = Load("bench", 300, 20, "sparkplug")
    host = Host()
    router = Router(host=host)
    for count, (topic, data) in enumerate(contents(load, START_MS)):
        payload = Payload.FromString(data)
        is_birth = count < DEVICES
        assert payload.seq == count // DEVICES
        assert all(bool(metric.name) == is_birth for metric in payload.metrics)
        source = router.source(topic.decode())
        (part,) = host.take(source, data, START_MS * 1000, dup=False)
        found = {name: value for name, _, ts_us, value, _ in part.decoded.every_value()}
        assert found == pytest.approx(expected(load, count))
        assert {value[2] for value in part.decoded.every_value()} == {(START_MS + count // DEVICES) * 1000}
        assert (source.site, source.asset) == ("bench", assets(load)[count % DEVICES])
