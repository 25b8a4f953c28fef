"""Batches close by size; waits grow and stay random; MQTT lengths are read as they are written."""

import asyncio
from collections import deque

from hypothesis import given
from hypothesis import strategies as st

from ingest.backoff import Backoff
from ingest.batch import Batcher, middle_of, take_joined
from ingest.connection import BrokerConnection
from ingest.message import measured
from ingest.settings import IngestSettings
from ingest.wire import variable_length
from pilot.bench_publisher import Load, packets
from tests.unit.ingest.builders import NOW_US, known_source, message


def test_a_batch_closes_by_number_of_values() -> None:
    batcher = Batcher(3)
    two = message(known_source(), [("a", None, NOW_US, 1.0, 0), ("b", None, NOW_US, 1.0, 0)])
    none = message(known_source(), [])
    assert [measured(two.decoded)[0], measured(none.decoded)[0]] == [2, 1]
    assert [batcher.add(two, 2), batcher.add(none, 1)] == [False, True]
    assert [len(batcher.take()), len(batcher)] == [2, 0]
    assert not batcher.add(two, 2)


def test_the_messages_of_one_packet_are_never_torn_apart() -> None:
    """A death and what it says of its devices are acknowledged as one, so they are stored as one."""
    source, batcher = known_source(), Batcher(2)
    death = [message(source, []) for _ in range(5)]
    for one in death[1:]:
        one.is_derived = True
    assert [batcher.add(one, 1) for one in death][-1]
    assert batcher.take() == death
    batch = [message(source, []), *death, message(source, [])]
    assert [middle_of(batch), middle_of(batch[1:]), middle_of(batch[:6]), middle_of(death)] == [1, 5, 1, 0]


def test_waiting_batches_are_stored_together_in_order_and_within_bounds() -> None:
    source = known_source()
    batches = [[message(source, []) for _ in range(size)] for size in (3, 3, 3, 1, 1, 1, 1)]
    everything = [one for batch in batches for one in batch]
    ready = deque(batches)
    sizes, taken = [], []
    while ready:
        joined = take_joined(ready, 6)
        sizes.append(len(joined))
        taken += joined
    assert sizes == [6, 6, 1]  # six messages at most, four batches at most
    assert [*map(id, taken)] == [*map(id, everything)]


@given(st.floats(0, 1))
def test_waits_grow_up_to_a_bound_and_begin_anew(draw: float) -> None:
    backoff = Backoff(0.5, 30.0, lambda: draw)
    waits = [backoff.next_s() for _ in range(20)]
    assert waits == sorted(waits)
    assert 0.25 <= waits[0] <= 0.5
    assert 15.0 <= waits[-1] <= 30.0
    backoff.reset()
    assert backoff.next_s() == waits[0]


@given(st.integers(0, 268_435_455))
def testvariable_lengths_are_read(size: int) -> None:
    written, rest = bytearray(b"\x30"), size
    while True:
        rest, byte = divmod(rest, 128)
        written.append(byte | (0x80 if rest else 0))
        if not rest:
            break
    assert variable_length(bytes(written), 0) == (size, len(written))
    if len(written) > 2:
        assert variable_length(bytes(written[:-1]), 0) == (0, 0)


def test_publish_packets_are_taken_apart() -> None:
    got: list[tuple[bytes, bytes, int, bool]] = []

    async def take() -> None:
        settings = IngestSettings(database_url="postgresql://nobody@127.0.0.1:1/none")
        connection = BrokerConnection(settings, lambda *parts: got.append(parts[:4]))
        for packet in packets(Load("s", 2, 1), 1000):
            body = packet[2:]
            topic_end = 2 + int.from_bytes(body[:2], "big")
            # MQTT 5 has properties between packet id and payload: here 0x80 0x01 = 128 bytes of them.
            five = body[: topic_end + 2] + b"\x80\x01" + bytes(128) + body[topic_end + 2 :]
            connection._on_publish(0x3A, five)
            connection._on_publish(0x32, body[: topic_end + 2] + b"\x00" + body[topic_end + 2 :])

    asyncio.run(take())
    assert [(topic, packet_id, dup) for topic, _, packet_id, dup in got] == [
        (b"haidang/v1/s/area/line/unit00/data", 1, True),
        (b"haidang/v1/s/area/line/unit00/data", 1, False),
        (b"haidang/v1/s/area/line/unit01/data", 2, True),
        (b"haidang/v1/s/area/line/unit01/data", 2, False),
    ]
    assert got[0][1] == got[1][1] == b'{"ts":1000,"values":{"value00_kw":0.0}}'
