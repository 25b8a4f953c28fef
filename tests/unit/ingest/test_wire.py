"""Bytes of MQTT: what a PUBLISH holds, however long its parts are and wherever the stream is cut."""

import pytest

from ingest.wire import Protocol, acknowledgements, taken_apart


def varint(number: int) -> bytes:
    found = bytearray()
    while True:
        number, low = divmod(number, 128)
        found.append(low | (0x80 if number else 0))
        if not number:
            return bytes(found)


def publish(payload: bytes, *, properties: bytes = b"", qos: int = 1, dup: bool = False) -> bytes:
    body = b"\x00\x03a/b" + (b"\x12\x34" if qos else b"") + varint(len(properties)) + properties + payload
    return bytes([0x30 | qos << 1 | dup << 3]) + varint(len(body)) + body


def read(data: bytes) -> tuple[int, list[tuple[bytes, bytes, int, bool]]]:
    """How much of the data was used, and what was in it."""
    seen: list[tuple[bytes, bytes, int, bool]] = []
    protocol = Protocol.__new__(Protocol)
    protocol._on_publish = lambda command, packet: seen.append(taken_apart(command, packet))
    protocol._connection = type("Connection", (), {})()
    return protocol._read_packet(data), seen


@pytest.mark.parametrize("size", [0, 1, 100, 127, 128, 16_384, 2_100_000])
@pytest.mark.parametrize("properties", [b"", b"\x26" * 60, b"\x26" * 300])
def test_a_publish_of_any_length_is_taken_apart(size: int, properties: bytes) -> None:
    data = publish(b"x" * size, properties=properties)
    assert read(data) == (len(data), [(b"a/b", b"x" * size, 0x1234, False)])


def test_qos_0_has_no_number_and_a_repeat_is_marked() -> None:
    assert read(publish(b"x", qos=0))[1] == [(b"a/b", b"x", 0, False)]
    assert read(publish(b"x", dup=True))[1] == [(b"a/b", b"x", 0x1234, True)]


def test_what_is_not_all_here_waits() -> None:
    whole = publish(b"x" * 200)
    for cut in range(1, len(whole)):
        used, seen = read(whole + whole[:cut])
        assert (used, len(seen)) == (len(whole), 1)


def test_a_length_of_more_than_four_bytes_is_rubbish() -> None:
    assert read(b"\x30\xff\xff\xff\xff\x01x")[0] == -1


def test_acknowledgements_are_in_order() -> None:
    assert acknowledgements([1, 0x1234]) == b"\x40\x02\x00\x01\x40\x02\x12\x34"
