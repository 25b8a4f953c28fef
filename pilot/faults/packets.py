"""The few MQTT 3.1.1 packets that a publisher at QoS 1 needs. Pure."""

from collections.abc import Iterator

DUP = 0x08
_PUBACK = 0x40
_CONNACK = 0x20
_PUBLISH = 0x30


def connect(client_id: str, keepalive_s: int) -> bytes:
    """CONNECT to a session that outlives the connection."""
    name = client_id.encode()
    body = b"\x00\x04MQTT\x04\x00" + keepalive_s.to_bytes(2, "big") + len(name).to_bytes(2, "big") + name
    return b"\x10" + length(len(body)) + body


def publish(topic: str, payload: bytes, packet_id: int) -> bytearray:
    """PUBLISH at QoS 1, sent for the first time."""
    name = topic.encode()
    body = len(name).to_bytes(2, "big") + name + packet_id.to_bytes(2, "big") + payload
    return bytearray(b"\x32" + length(len(body)) + body)


def length(size: int) -> bytes:
    """A length as MQTT writes it."""
    out = bytearray()
    while True:
        size, byte = divmod(size, 128)
        out.append(byte | (0x80 if size else 0))
        if not size:
            return bytes(out)


def answers(received: bytearray) -> Iterator[tuple[str, int]]:
    """Take whole packets off the front: ("connected", return code), ("acknowledged", packet id), ("command", 0) for a
    message that was subscribed to, ("other", type).

    All packets that such a publisher is sent are shorter than 128 bytes.
    """
    while len(received) >= 2 and len(received) >= 2 + received[1]:
        kind, body = received[0] & 0xF0, bytes(received[2 : 2 + received[1]])
        del received[: 2 + len(body)]
        if kind == _CONNACK:
            yield "connected", body[1]
        elif kind == _PUBACK:
            yield "acknowledged", int.from_bytes(body[:2], "big")
        elif kind == _PUBLISH:
            yield "command", 0
        else:
            yield "other", kind


PING = b"\xc0\x00"
DISCONNECT = b"\xe0\x00"


def connect_with_will(client_id: str, keepalive_s: int, will_topic: str, will: bytes) -> bytes:
    """CONNECT to a session that ends with the connection, with a will at QoS 1."""
    body = b"\x00\x04MQTT\x04\x0e" + keepalive_s.to_bytes(2, "big")
    body += b"".join(len(part).to_bytes(2, "big") + part for part in (client_id.encode(), will_topic.encode(), will))
    return b"\x10" + length(len(body)) + body


def subscribe(topic: str, packet_id: int) -> bytes:
    """SUBSCRIBE to a topic at QoS 0."""
    name = topic.encode()
    body = packet_id.to_bytes(2, "big") + len(name).to_bytes(2, "big") + name + b"\x00"
    return b"\x82" + length(len(body)) + body
