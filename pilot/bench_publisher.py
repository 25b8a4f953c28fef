"""A publisher for benchmarks, as its own process: MQTT 3.1.1 packets, as fast as they are acknowledged or at a rate.

Not a client for anything else: it knows CONNECT, PUBLISH at QoS 1, and counts PUBACKs.
"""

import json
import socket
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from operator import add
from urllib.parse import urlsplit

from pilot import bench_sparkplug

WINDOW = 5_000  # messages without an acknowledgement
CHUNK = 500
TICK_S = 0.005  # between the chunks of a load that is sent at a rate
DEVICES = 20
TIMEOUT_S = 60.0
_CONNACK_OK = b"\x20\x02\x00\x00"


@dataclass(frozen=True)
class Load:
    """What to send: so many messages of so many values each, spread over twenty devices; `native` or `sparkplug`."""

    site: str
    messages: int
    values_per_message: int
    format: str = "native"

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


def assets(load: Load) -> list[str]:
    """Paths of the assets that the devices of the load speak for."""
    if load.format == "sparkplug":
        return [bench_sparkplug.node(device) for device in range(DEVICES)]
    return [topic(load.site, device).split("/", 3)[3].removesuffix("/data") for device in range(DEVICES)]


def packets(load: Load, start_ms: int) -> Iterator[bytes]:
    """PUBLISH packets; each device has a message for every millisecond, so no key comes twice."""
    for count, (head, payload) in enumerate(contents(load, start_ms)):
        yield packet(head, payload, count % 65_535 + 1)


def contents(load: Load, start_ms: int) -> Iterator[tuple[bytes, bytes]]:
    """Topics and payloads."""
    return _sparkplug(load, start_ms) if load.format == "sparkplug" else _native(load, start_ms)


def packet(head: bytes, payload: bytes, packet_id: int) -> bytes:
    """A PUBLISH packet at QoS 1 for a topic."""
    body = len(head).to_bytes(2, "big") + head + packet_id.to_bytes(2, "big") + payload
    return b"\x32" + _length(len(body)) + body


def _native(load: Load, start_ms: int) -> Iterator[tuple[bytes, bytes]]:
    topics = [topic(load.site, device).encode() for device in range(DEVICES)]
    named = [f'"{name}":' for name in names(load)]
    texts = [str(at % 1000 / 10) for at in range(2000)]
    for count in range(load.messages):
        first = count * 7 % 1000
        values = ",".join(map(add, named, texts[first : first + len(named)]))
        payload = f'{{"ts":{start_ms + count // DEVICES},"values":{{{values}}}}}'.encode()
        yield topics[count % DEVICES], payload


def _sparkplug(load: Load, start_ms: int) -> Iterator[tuple[bytes, bytes]]:
    """The first message of each device is its birth; the others name their metrics by alias."""
    heads = [bench_sparkplug.topic(load.site, "NDATA", device).encode() for device in range(DEVICES)]
    named = names(load)
    for count in range(load.messages):
        device, seq, first = count % DEVICES, count // DEVICES, count * 7 % 1000
        if seq == 0:
            head = bench_sparkplug.topic(load.site, "NBIRTH", device).encode()
            yield head, bench_sparkplug.birth(named, [(first + at) % 1000 for at in range(len(named))], start_ms)
        else:
            yield heads[device], bench_sparkplug.data(len(named), first, start_ms + seq, seq % 256)


def open_connection(url: str, name: str) -> socket.socket:
    """Connect to a broker.

    Raises:
        ConnectionError: it does not want us.
    """
    parts = urlsplit(url)
    connection = socket.create_connection((parts.hostname or "127.0.0.1", parts.port or 1883), timeout=TIMEOUT_S)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    body = b"\x00\x04MQTT\x04\x02\x00\x00" + len(name).to_bytes(2, "big") + name.encode()
    connection.sendall(b"\x10" + _length(len(body)) + body)
    if connection.recv(4) != _CONNACK_OK:
        connection.close()
        raise ConnectionError("the broker refused the publisher")
    return connection


def publish(url: str, load: Load, start_ms: int, messages_per_s: float = 0.0) -> None:
    """Send everything, timed from `start_ms` on, and return when all of it is acknowledged; 0 = at any rate."""
    with open_connection(url, "bench-publisher") as connection:
        _send_all(connection, load, start_ms, messages_per_s)
        connection.sendall(b"\xe0\x00")


def _send_all(connection: socket.socket, load: Load, start_ms: int, messages_per_s: float) -> None:
    acknowledged = rest = 0
    chunk: list[bytes] = []
    size = max(1, min(CHUNK, int(messages_per_s * TICK_S))) if messages_per_s else CHUNK
    began = time.monotonic()
    for sent, one in enumerate(packets(load, start_ms), 1):
        chunk.append(one)
        if len(chunk) == size or sent == load.messages:
            if messages_per_s:
                time.sleep(max(0.0, began + sent / messages_per_s - time.monotonic()))
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
    publish(sys.argv[1], Load(**json.loads(sys.argv[2])), int(sys.argv[3]), float(sys.argv[4]))
