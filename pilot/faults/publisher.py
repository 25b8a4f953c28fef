"""A publisher that never forgets: what is not acknowledged is sent again, in order and marked so, when it is back.

A message counts as acknowledged on its PUBACK only. The state (packets in flight, next number) outlives every
connection. One thread each; the counters may be read from any thread.
"""

import select
import socket
import threading
import time
from contextlib import suppress
from itertools import cycle

from pilot.faults import packets
from pilot.faults.feed import Feed, Outgoing

WINDOW = 800  # messages without an acknowledgement
CONNECT_TIMEOUT_S = 3.0
SILENCE_S = 20.0  # a broker that does not even answer a ping for so long is given up
KEEPALIVE_S = 10
RETRY_S = 0.1
TICK_S = 0.02
MOST_AT_ONCE = 100


class Publisher:
    """Sends a feed at a rate (messages in a second) to a port of this machine."""

    def __init__(self, name: str, address: tuple[str, int], feed: Feed, rate: float) -> None:
        self.feed = feed
        self.sent = self.sent_values = 0  # distinct messages that were sent at least once
        self.acknowledged = 0  # distinct messages of these with a PUBACK
        self.copies = 0  # sent beside these, because they were asked for or not acknowledged
        self.error: Exception | None = None
        self._name = name
        self._address = address
        self.rate = rate
        self._ids = cycle(range(1, 65_536))
        self._in_flight: dict[int, tuple[bytearray, tuple[int, int, str]]] = {}
        self._waiting: dict[tuple[int, int, str], bool] = {}  # sent, no copy of it acknowledged
        self._paused = threading.Event()
        self._stop = threading.Event()
        self._idle = threading.Event()
        self._owed = 0.0
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)

    @property
    def unacknowledged(self) -> list[tuple[int, int, str]]:
        """Keys of the messages that were sent and never acknowledged; when nothing is sent any more."""
        return list(self._waiting)

    @property
    def is_drained(self) -> bool:
        """Whether it is paused and everything sent is acknowledged."""
        return self._paused.is_set() and self._idle.is_set() and not self._in_flight

    def start(self) -> None:
        """Begin to publish."""
        self._thread.start()

    def pause(self) -> None:
        """Make no new messages; what is held back is still sent."""
        self._idle.clear()
        self._paused.set()

    def resume(self) -> None:
        """Make new messages again."""
        self._paused.clear()

    def stop(self) -> None:
        """End the thread, whatever is in flight."""
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join(10)

    # -- the thread -----------------------------------------------------------------------------------

    def _work(self) -> None:
        try:
            while not self._stop.is_set():
                with suppress(OSError):
                    self._session()
                self._stop.wait(RETRY_S)
        except Exception as error:  # noqa: BLE001 - shown by the thread that looks
            self.error = error

    def _session(self) -> None:
        """One connection, from CONNECT to its loss."""
        with socket.create_connection(self._address, timeout=CONNECT_TIMEOUT_S) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            received = bytearray()
            connection.sendall(packets.connect(self._name, KEEPALIVE_S))
            while not any(kind == "connected" and code == 0 for kind, code in packets.answers(received)):
                received += receive(connection)
            connection.setblocking(False)  # noqa: FBT003 - the socket's own signature
            self._converse(connection, received)
            connection.settimeout(1)
            connection.sendall(packets.DISCONNECT)

    def _converse(self, connection: socket.socket, received: bytearray) -> None:
        outgoing = self._again()
        last = heard = pinged = time.monotonic()
        while not self._stop.is_set():
            now = time.monotonic()
            outgoing += self._new(now - last)
            last = now
            if now - heard > SILENCE_S:
                raise TimeoutError("the broker is silent")
            if now - max(heard, pinged) > KEEPALIVE_S / 4:
                pinged, outgoing = now, outgoing + packets.PING
            readable, writable, _ = select.select([connection], [connection] if outgoing else [], [], TICK_S)
            if writable:
                del outgoing[: connection.send(outgoing)]
            if readable:
                received += receive(connection)
                heard = now
                for kind, packet_id in packets.answers(received):
                    if kind == "acknowledged":
                        self._note_acknowledged(packet_id)

    def _again(self) -> bytearray:
        """Everything in flight, marked as sent before, in its first order."""
        out = bytearray()
        for packet, _ in self._in_flight.values():
            packet[0] |= packets.DUP
            out += packet
        self.copies += len(self._in_flight)
        return out

    def _new(self, seconds: float) -> bytearray:
        """New messages for the time that passed, as the window allows."""
        out = bytearray()
        if self._paused.is_set():
            for message in self.feed.flush():
                out += self._packet(message)
            self._owed = 0.0
            self._idle.set()
            return out
        self._owed += seconds * self.rate
        for _ in range(min(int(self._owed), WINDOW - len(self._in_flight), MOST_AT_ONCE)):
            out += self._packet(self.feed.take())
            self._owed -= 1
        return out

    def _packet(self, message: Outgoing) -> bytearray:
        packet_id = next(one for one in self._ids if one not in self._in_flight)
        packet = packets.publish(message.topic, message.payload, packet_id)
        if not message.is_repeat:
            self._waiting[message.key] = True
            self.sent += 1
            self.sent_values += message.values
        else:
            self.copies += 1
        self._in_flight[packet_id] = packet, message.key
        return packet

    def _note_acknowledged(self, packet_id: int) -> None:
        packet = self._in_flight.pop(packet_id, None)
        if packet is not None and self._waiting.pop(packet[1], False):
            self.acknowledged += 1


def receive(connection: socket.socket) -> bytes:
    """What came, or an error where the other side is gone."""
    data = connection.recv(65_536)
    if not data:
        raise ConnectionError("the broker closed the connection")
    return data
