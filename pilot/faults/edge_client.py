"""Runs an edge node: a connection of its own with a will, messages at QoS 1, an ear for requests to be born again.

What has a PUBACK is owed; what had none when its connection was lost may be stored or not, and is never sent again:
the node would not know under which birth. One thread each; counters and lists may be read from any thread.
"""

import select
import socket
import threading
import time
from contextlib import suppress
from itertools import cycle

from pilot.faults import packets
from pilot.faults.edge import Edge, Packet
from pilot.faults.publisher import CONNECT_TIMEOUT_S, KEEPALIVE_S, RETRY_S, SILENCE_S, TICK_S, receive
from pilot.faults.record import Record

WINDOW = 100
MOST_AT_ONCE = 20


class LeftError(OSError):
    """The node said goodbye."""


class EdgeClient:
    """Sends what a node says, at a rate (messages in a second), to a port of this machine."""

    def __init__(self, edge: Edge, address: tuple[str, int], rate: float) -> None:
        self.edge = edge
        self.owed: list[Record] = []  # acknowledged
        self.unsure: list[Record] = []  # sent, not acknowledged
        self.wills = 0  # connections that were lost
        self.error: Exception | None = None
        self.rate = rate
        self._address = address
        self._ids = cycle(range(2, 65_536))
        self._in_flight: dict[int, Packet] = {}
        self._is_asked = False
        self._due = 0.0
        self._last = time.monotonic()
        self._paused = threading.Event()
        self._idle = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name=edge.name, daemon=True)

    @property
    def is_drained(self) -> bool:
        """Whether it is paused and everything sent is acknowledged, or not owed."""
        return self._paused.is_set() and self._idle.is_set() and not self._in_flight

    def start(self) -> None:
        """Begin, paused."""
        self._paused.set()
        self._thread.start()

    def pause(self) -> None:
        """Say nothing new, and be born again later."""
        self._idle.clear()
        self._paused.set()

    def resume(self) -> None:
        """Go on."""
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
                    if not self._paused.is_set():
                        self._session()
                self._give_up()
                self._idle.set()
                self._keep_samples()
                self._stop.wait(RETRY_S)
        except Exception as error:  # noqa: BLE001 - shown by the thread that looks
            self.error = error

    def _give_up(self) -> None:
        """Nothing more is heard of what is in flight."""
        self.unsure += [packet.record for packet in self._in_flight.values() if packet.record]
        self._in_flight.clear()

    def _keep_samples(self) -> None:
        for _ in range(self._take_due()):
            self.edge.keep(_now_ms())

    def _take_due(self, most: int = MOST_AT_ONCE) -> int:
        """How many messages are due since the last question."""
        now = time.monotonic()
        self._due = 0.0 if self._paused.is_set() else self._due + (now - self._last) * self.rate
        self._last = now
        due = max(0, min(int(self._due), most))
        self._due = min(self._due - due, float(MOST_AT_ONCE))
        return due

    def _session(self) -> None:
        """One life of the node: connection, births, what was kept, data, until the connection is lost."""
        will = self.edge.will()
        with socket.create_connection(self._address, timeout=CONNECT_TIMEOUT_S) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            received = bytearray()
            connection.sendall(packets.connect_with_will(self.edge.name, KEEPALIVE_S, will.topic, will.payload))
            connection.sendall(packets.subscribe(self.edge.topic("NCMD"), 1))
            while not any(kind == "connected" and code == 0 for kind, code in packets.answers(received)):
                received += receive(connection)
            connection.setblocking(False)  # noqa: FBT003 - the socket's own signature
            self._idle.clear()
            try:
                self._converse(connection, received)
            finally:
                self.wills += not self._stop.is_set()
            connection.settimeout(1)
            connection.sendall(packets.DISCONNECT)

    def _converse(self, connection: socket.socket, received: bytearray) -> None:
        outgoing = self._packed([*self.edge.born(_now_ms()), *self.edge.past(_now_ms())])
        heard = pinged = time.monotonic()
        while not self._stop.is_set():
            now = time.monotonic()
            outgoing += self._packed(self._new())
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
                self._hear(received)

    def _new(self) -> list[Packet]:
        """New messages for the time that passed, as the window allows."""
        due = self._take_due(WINDOW - len(self._in_flight))
        if self._paused.is_set():
            self._idle.set()
            return []
        made = []
        if self._is_asked:
            self._is_asked = False
            self.edge.rebirths += 1
            made += self.edge.born(_now_ms())
        for _ in range(due):
            made += self.edge.next(_now_ms())
            if made and made[-1].is_farewell:
                break
        return made

    def _packed(self, made: list[Packet]) -> bytearray:
        out = bytearray()
        for packet in made:
            packet_id = next(one for one in self._ids if one not in self._in_flight)
            self._in_flight[packet_id] = packet
            out += packets.publish(packet.topic, packet.payload, packet_id)
        return out

    def _hear(self, received: bytearray) -> None:
        for kind, packet_id in packets.answers(received):
            if kind == "command":
                self._is_asked = True
            elif kind == "acknowledged" and (packet := self._in_flight.pop(packet_id, None)) is not None:
                if packet.record is not None:
                    self.owed.append(packet.record)
                if packet.is_farewell:
                    raise LeftError("the node left")


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
