"""A publisher for benchmarks, as its own process: MQTT 3.1.1 packets, sent as fast as they are acknowledged.

Not a client for anything else: it knows CONNECT, PUBLISH at QoS 1, and counts PUBACKs.
"""

import json
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from urllib.parse import urlsplit

WINDOW = 5_000  # messages without an acknowledgement
CHUNK = 500
DEVICES = 20
TIMEOUT_S = 60.0
_CONNACK_OK = b"\x20\x02\x00\x00"


@dataclass(frozen=True)
class Load:
    """What to send: so many messages of so many values each, spread over twenty devices."""

    site: str
    messages: int
    values_per_message: int

    @property
    def values(self) -> int:
        return self.messages * self.values_per_message

    def start_ms(self) -> int:
        """The time of the first message so that the last one is of now, in ms since 1970."""
        return int(time.time() * 1000) - self.messages // DEVICES - 1

    def to_json(self) -> str:
        return json.dumps(asdict(self))


def topic(site: str, device: int) -> str:
    """Topic of a device of the load."""
    return f"haidang/v1/{site}/area/line/unit{device:02d}/data"


def names(load: Load) -> list[str]:
    """Names of the values of each message of the load."""
    return [f"value{number:02d}_kw" for number in range(load.values_per_message)]


def packets(load: Load, start_ms: int) -> Iterator[bytes]:
    """PUBLISH packets; each device has a message for every millisecond, so no key comes twice."""
    topics = [topic(load.site, device).encode() for device in range(DEVICES)]
    named = names(load)
    for count in range(load.messages):
        values = ",".join(f'"{name}":{(count * 7 + at) % 1000 / 10}' for at, name in enumerate(named))
        payload = f'{{"ts":{start_ms + count // DEVICES},"values":{{{values}}}}}'.encode()
        head = topics[count % DEVICES]
        packet_id = count % 65_535 + 1
        body = len(head).to_bytes(2, "big") + head + packet_id.to_bytes(2, "big") + payload
        yield b"\x32" + _length(len(body)) + body


def publish(url: str, load: Load, start_ms: int) -> None:
    """Send everything, timed from `start_ms` on, and return when all of it is acknowledged."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname or "127.0.0.1", parts.port or 1883), timeout=TIMEOUT_S) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        name = b"bench-publisher"
        body = b"\x00\x04MQTT\x04\x02\x00\x00" + len(name).to_bytes(2, "big") + name
        connection.sendall(b"\x10" + _length(len(body)) + body)
        if connection.recv(4) != _CONNACK_OK:
            raise ConnectionError("the broker refused the publisher")
        _send_all(connection, load, start_ms)
        connection.sendall(b"\xe0\x00")


def _send_all(connection: socket.socket, load: Load, start_ms: int) -> None:
    acknowledged = rest = 0
    chunk: list[bytes] = []
    for sent, packet in enumerate(packets(load, start_ms), 1):
        chunk.append(packet)
        if len(chunk) == CHUNK or sent == load.messages:
            connection.sendall(b"".join(chunk))
            chunk.clear()
            while sent - acknowledged > (WINDOW if sent < load.messages else 0):
                received = connection.recv(65_536)
                if not received:
                    raise ConnectionError("the broker closed the connection of the publisher")
                rest += len(received)
                acknowledged += rest // 4
                rest %= 4


def _length(size: int) -> bytes:
    """A length as MQTT writes it."""
    out = bytearray()
    while True:
        size, byte = divmod(size, 128)
        out.append(byte | (0x80 if size else 0))
        if not size:
            return bytes(out)


if __name__ == "__main__":
    publish(sys.argv[1], Load(**json.loads(sys.argv[2])), int(sys.argv[3]))
