"""Sparkplug payloads of any kind: short and long way agree, nothing from outside ends the host or eats its memory."""

import time
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.decode.result import Decoded
from ingest.mapping import Mapping
from ingest.message import Message
from ingest.route import Router
from ingest.sparkplug import packets
from ingest.sparkplug.host import Host, Options
from ingest.sparkplug.nodes import MOST_DEVICES
from ingest.sparkplug.payload import MOST_METRICS
from ingest.sparkplug.rebirths import Rebirths
from ingest.sparkplug.shapes import MOST_LEARNED, Shapes
from ingest.sparkplug.sparkplug_b_pb2 import Metric, Payload

NOW_US = 1_800_000_000_000_000
KINDS = {
    "double_value": (10, st.floats()),
    "float_value": (9, st.floats(width=32)),
    "int_value": (3, st.integers(0, 2**32 - 1)),
    "long_value": (4, st.integers(0, 2**64 - 1)),
    "boolean_value": (11, st.booleans()),
}
DATA = "spBv1.0/plant/DDATA/gw/press"


def born(*metrics: Metric, mapping: Mapping | None = None) -> tuple[Router, Host]:
    """A host that knows a device with these metrics."""
    host = Host(Options("haidang"), clock_s=lambda: 1000.0)
    router = Router([mapping] if mapping else [], host)
    for topic, payload in (("NBIRTH/gw", Payload(timestamp=1)), ("DBIRTH/gw/press", Payload(timestamp=1, seq=1))):
        payload.metrics.extend(metrics if topic.startswith("D") else [Metric(name="bdSeq", datatype=8, long_value=1)])
        take(router, host, f"spBv1.0/plant/{topic}", payload.SerializeToString())
    return router, host


def take(router: Router, host: Host, topic: str, data: bytes, *, dup: bool = False) -> list[Decoded]:
    source = router.source(topic)
    if source.place is None:
        return [source.decode(data)]
    return [part.decoded for part in host.take(source, data, NOW_US, dup=dup)]


def shown(decoded: list[Decoded]) -> Any:
    """Everything that comes out, NaN being like NaN."""
    return repr([(one.every_value(), one.rejected, one.ignored, one.missing, one.effects) for one in decoded])


@st.composite
def devices(draw: st.DrawFn) -> tuple[list[str], list[list[Any]], bool, bool]:
    """The kinds of a device's metrics, several messages of values, and whether metrics have times and names."""
    kinds = draw(st.lists(st.sampled_from(sorted(KINDS)), min_size=2, max_size=6))
    rows = draw(st.lists(st.tuples(*(KINDS[kind][1] for kind in kinds)), min_size=2, max_size=6))
    return kinds, [list(row) for row in rows], draw(st.booleans()), draw(st.booleans())


@given(devices())
@settings(max_examples=80, deadline=None)
def test_the_short_way_gives_what_the_long_way_gives(device: Any) -> None:
    kinds, rows, timed, named = device
    birth = [
        Metric(name=f"m{place}", alias=place + 1, datatype=KINDS[kind][0], is_null=True)
        for place, kind in enumerate(kinds)
    ]
    with_shapes, without = born(*birth), born(*birth)
    for seq, row in enumerate(rows, 2):
        payload = Payload(timestamp=1_790_000_000_000 + seq, seq=seq)
        for place, (kind, value) in enumerate(zip(kinds, row, strict=True)):
            metric = Metric(name=f"m{place}") if named else Metric(alias=place + 1)
            if timed:
                metric.timestamp = 1_790_000_000_000 + seq
            setattr(metric, kind, value)
            payload.metrics.append(metric)
        data = payload.SerializeToString()
        without[1].known.meanings["plant", "gw", "press"].shapes = Shapes()
        assert shown(take(*with_shapes, DATA, data)) == shown(take(*without, DATA, data))


def test_the_short_way_is_taken() -> None:
    router, host = born(*[Metric(name=f"m{n}", alias=n, datatype=10, double_value=0.0) for n in range(1, 21)])
    for seq in range(2, 100):
        metrics = [Metric(alias=n, double_value=seq / n) for n in range(1, 21)]
        data = Payload(timestamp=1_790_000_000_000 + seq, seq=seq, metrics=metrics).SerializeToString()
        (found,) = take(router, host, DATA, data)
        assert [value[3] for value in found.every_value()] == [seq / n for n in range(1, 21)]
    assert host.known.meanings["plant", "gw", "press"].shapes.read(data) is not None


def test_a_shape_of_before_a_birth_means_nothing_after_it() -> None:
    def birth(first: str, second: str) -> list[Metric]:
        return [Metric(name=name, alias=n, datatype=10, double_value=0.0) for n, name in ((1, first), (2, second))]

    router, host = born(*birth("a", "b"))
    data = [
        Payload(
            timestamp=1_790_000_000_000 + seq,
            seq=seq,
            metrics=[Metric(alias=1, double_value=1.0), Metric(alias=2, double_value=2.0)],
        )
        for seq in (2, 3, 4, 2, 3)
    ]
    take(router, host, DATA, data[0].SerializeToString())
    take(router, host, DATA, data[1].SerializeToString())
    again = Payload(timestamp=1_790_000_001_000, seq=4, metrics=birth("b", "a")).SerializeToString()
    take(router, host, "spBv1.0/plant/DBIRTH/gw/press", again)
    (found,) = take(router, host, DATA, data[2].SerializeToString())
    assert [(value[0], value[3]) for value in found.every_value()] == [("b", 1.0), ("a", 2.0)]


@given(
    st.binary(max_size=400),
    st.sampled_from(["NBIRTH/gw", "DBIRTH/gw/press", "DDATA/gw/press", "NDEATH/gw", "DDEATH/gw/press"]),
    st.booleans(),
)
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_taken_or_refused(data: bytes, topic: str, dup: bool) -> None:
    router, host = born(Metric(name="a", alias=1, datatype=10, double_value=1.0))
    for decoded in take(router, host, f"spBv1.0/plant/{topic}", data, dup=dup):
        msgspec.json.encode([decoded.whole, decoded.rejected, decoded.ignored])


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_bent_messages_are_taken_or_refused(data: st.DataObject) -> None:
    router, host = born(Metric(name="a", alias=1, datatype=10, double_value=1.0))
    metrics = [Metric(alias=1, double_value=3.0), Metric(name="b", datatype=12, string_value="x", timestamp=5)]
    bent = bytearray(Payload(timestamp=1_790_000_000_000, seq=2, metrics=metrics).SerializeToString())
    for _ in range(data.draw(st.integers(1, 4))):
        bent[data.draw(st.integers(0, len(bent) - 1))] = data.draw(st.integers(0, 255))
    for decoded in take(router, host, DATA, bytes(bent)):
        assert all(0 < value[2] < 2**63 for value in decoded.every_value())


def test_a_bomb_is_refused_before_it_is_unpacked() -> None:
    router, host = born()
    (found,) = take(router, host, DATA, b"\x12\x00" * (MOST_METRICS + 1))
    assert found.whole is not None
    assert found.whole.code == "too_large"
    nested = b""
    for _ in range(2000):  # sets of properties in sets: never taken apart below the first
        nested = b"\x4a" + _length(len(nested)) + nested
    (deep,) = take(router, host, DATA, b"\x12" + _length(len(nested)) + nested)
    assert deep.whole is not None or deep.rejected


def _length(size: int) -> bytes:
    out = b""
    while size > 0x7F:
        out, size = out + bytes([size & 0x7F | 0x80]), size >> 7
    return out + bytes([size])


def test_a_node_has_no_end_of_devices() -> None:
    router, host = born()
    data = Payload(timestamp=1_790_000_000_000, seq=2, metrics=[Metric(name="a", datatype=10, double_value=1.0)])
    codes = set()
    for number in range(MOST_DEVICES + 3):
        (found,) = take(router, host, f"spBv1.0/plant/DDATA/gw/d{number}", data.SerializeToString())
        codes.add(found.whole.code if found.whole else "")
    assert codes == {"", "too_many_devices"}


def test_what_belongs_to_another_worker_is_only_acknowledged() -> None:
    host = Host(Options(), is_mine=lambda node: node != "plant/gw")
    router = Router([], host)
    data = Payload(timestamp=1, seq=0).SerializeToString()
    for topic, mine in (("NDATA/gw", False), ("NDATA/other", True), ("NCMD/other", False), ("NBIRTH/gw", False)):
        message = Message(router.source(f"spBv1.0/plant/{topic}"), data, NOW_US, Decoded())
        found = packets.messages(host, message, data)
        assert [one.only_acknowledge for one in found] == [not mine]
    assert host.node("plant", "gw") is None


def test_a_refused_message_is_read_again_once_its_birth_is_known() -> None:
    router, host = born()
    metric = Metric(name="temperature_c", alias=7, datatype=10, double_value=1.0)
    data = Payload(timestamp=1_790_000_000_000, seq=2, metrics=[Metric(alias=7, double_value=5.0)]).SerializeToString()
    (refused,) = take(router, host, DATA, data)
    assert [rejection.code for rejection in refused.rejected] == ["unknown_alias"]
    birth = Payload(timestamp=1_789_999_999_000, seq=3, metrics=[metric]).SerializeToString()  # it came late
    take(router, host, "spBv1.0/plant/DBIRTH/gw/press", birth)
    before = host.node("plant", "gw")
    again = router.source(DATA).decode(data)
    assert [value[:1] + value[3:] for value in again.every_value()] == [("temperature_c", 5.0, 0)]
    assert host.node("plant", "gw") is before


def test_a_mapping_names_scales_and_leaves_out() -> None:
    mapping = Mapping.model_validate(
        {
            "topic": "spBv1.0/plant/{node}/{device}",
            "site": "demo",
            "asset": "hall/{node}-{device}",
            "format": "sparkplug",
            "values": [
                {"from": "Mode", "name": "state", "quantity": "state", "texts": {"1": "IDLE", "2": "EXECUTE"}},
                {"from": "Power W", "name": "power_kw", "quantity": "active_power", "unit": "kW", "scale": 0.001},
                {"from": "Temp", "name": "temperature_c", "quantity": "temperature", "unit": "°C", "range": [-50, 300]},
            ],
        }
    )
    router, host = born(mapping=mapping)
    metrics = [
        Metric(name="Mode", datatype=3, int_value=2),
        Metric(name="Power W", datatype=10, double_value=1500.0),
        Metric(name="Temp", datatype=10, double_value=9999.0),
        Metric(name="Recipe", datatype=16, dataset_value=b"x"),
    ]
    (found,) = take(
        router, host, DATA, Payload(timestamp=1_790_000_000_000, seq=2, metrics=metrics).SerializeToString()
    )
    assert {value[0]: (value[3], value[4]) for value in found.every_value()} == {
        "state": ("EXECUTE", 0),
        "power_kw": (1.5, 0),
        "temperature_c": (9999.0, 2),
    }
    assert found.ignored == 1
    assert not found.rejected
    assert (router.source(DATA).site, router.source(DATA).asset) == ("demo", "hall/gw-press")


def test_an_empty_text_is_no_signal_where_nothing_was_said_yet() -> None:
    """Births say it of what never was; a machine without a state says it later too. Elsewhere a text may be empty."""
    empty = [Metric(name=name, datatype=12, string_value="") for name in ("state", "mode", "message")]
    router, host = born(*empty)
    birth = Payload(timestamp=1_790_000_000_000, seq=2, metrics=empty).SerializeToString()
    (at_birth,) = take(router, host, "spBv1.0/plant/DBIRTH/gw/press", birth)
    assert [value[3:] for value in at_birth.every_value()] == [(None, 3)] * 3
    data = Payload(timestamp=1_790_000_000_001, seq=3, metrics=empty).SerializeToString()
    (later,) = take(router, host, DATA, data)
    assert [value[3:] for value in later.every_value()] == [(None, 3), (None, 3), ("", 0)]


@pytest.mark.parametrize(("every_s", "expected"), [(30.0, 3), (0.0, 0)])
def test_a_node_is_asked_rarely(every_s: float, expected: int) -> None:
    rebirths = Rebirths(every_s, 10.0)
    rebirths.want(("g", "n"))
    assert sum(rebirths.is_due(("g", "n"), float(now)) for now in range(90)) == expected
    rebirths.came(("g", "n"))
    assert not rebirths.is_due(("g", "n"), 1000.0)


def test_not_all_nodes_are_asked_at_once() -> None:
    rebirths = Rebirths(30.0, 10.0)
    nodes = [("g", str(number)) for number in range(1000)]
    for node in nodes:
        rebirths.want(node)
    assert sum(rebirths.is_due(node, 100.0) for node in nodes) == 50
    assert sum(rebirths.is_due(node, 101.0) for node in nodes) == 10


def test_a_scale_that_makes_a_number_infinite_refuses_it() -> None:
    rules = {"site": "plant", "asset": "{node}/{device}", "format": "sparkplug"}
    values = [{"from": "E", "name": "energy", "quantity": "number", "scale": 1000}]
    mapping = Mapping.model_validate({**rules, "topic": "spBv1.0/plant/{node}/{device}", "values": values})
    router, host = born(Metric(name="E", datatype=10, double_value=1), mapping=mapping)
    payload = Payload(timestamp=2, seq=2)
    payload.metrics.append(Metric(name="E", datatype=10, double_value=1e307))
    (found,) = take(router, host, DATA, payload.SerializeToString())
    assert found.every_value() == []
    assert [each.code for each in found.rejected] == ["not_finite"]


@pytest.mark.parametrize(("metrics", "is_learned"), [(MOST_LEARNED, True), (MOST_LEARNED + 1, False)])
def test_learning_a_shape_takes_time_as_the_payload_is_long(metrics: int, is_learned: bool) -> None:
    router, host = born(*[Metric(name=f"m{n}", alias=n, datatype=10, double_value=0.0) for n in range(1, metrics + 1)])
    sent = [Metric(alias=n, double_value=n / 7, timestamp=1_790_000_000_000) for n in range(1, metrics + 1)]
    data = Payload(timestamp=1_790_000_000_000, seq=2, metrics=sent).SerializeToString()
    began = time.process_time()
    take(router, host, DATA, data)
    assert time.process_time() - began < 0.1, "0.01 s; the square of it was 0.26 s"
    assert (host.known.meanings["plant", "gw", "press"].shapes.read(data) is not None) == is_learned
