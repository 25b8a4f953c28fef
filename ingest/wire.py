"""MQTT on the wire: bytes of the broker in, packets out; PUBLISH without detour over gmqtt's own packets.

gmqtt makes a task for each PUBLISH and acknowledges it when it likes; here they are taken apart and handed on at once.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, cast

import numpy as np
from gmqtt.mqtt.connection import MQTTConnection
from gmqtt.mqtt.package import Package
from gmqtt.mqtt.protocol import MQTTProtocol

_PUBLISH = 0x30
_PUBACK = np.dtype([("type", "u1"), ("length", "u1"), ("packet_id", ">u2")])
_LARGEST_HEADER = 5
LEAVE_TIMEOUT_S = 2.0


class Protocol(MQTTProtocol):  # type: ignore[misc]
    """Reads packets only while the gate is open, PUBLISH packets without detour."""

    def __init__(
        self,
        *args: Any,
        gate: asyncio.Event,
        on_publish: Callable[[int, bytes], None],
        on_lost: Callable[[Exception | None], None],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self._gate = gate
        self._on_publish = on_publish
        self._on_lost = on_lost
        self._is_left = False
        self._ended = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        """Take bytes in, unless the broker was left: they come again to who takes up the session."""
        if not self._is_left:
            super().data_received(data)

    def eof_received(self) -> bool | None:
        """Note that the broker says nothing more."""
        self._ended.set()
        return cast("bool | None", super().eof_received())

    def connection_lost(self, exc: Exception | None) -> None:
        self._ended.set()
        self._on_lost(exc)
        super().connection_lost(exc)

    async def leave(self) -> None:
        """Wait until the broker has taken what was written, and ended the connection.

        A socket that is closed over unread bytes resets the connection: the broker may lose acknowledgements by that.
        """
        self._is_left = True
        if self._transport is None or self._transport.is_closing():  # none: TLS did not come about
            return
        if self._transport.can_write_eof():
            self._transport.write_eof()
        self._transport.resume_reading()
        with suppress(TimeoutError):
            async with asyncio.timeout(LEAVE_TIMEOUT_S):
                await self._ended.wait()

    async def read(self, n: int = -1) -> bytes:
        await self._gate.wait()
        data: bytes = await super().read(n)
        return data

    def _read_packet(self, data: bytes) -> int:
        """Take whole packets out of the data; returns how much was used, -1 for rubbish."""
        at, size = 0, len(data)
        self._connection._last_data_in = time.monotonic()  # noqa: SLF001 - gmqtt has no setter
        while size - at >= 2:
            length, head = data[at + 1], 2
            if length & 0x80:
                length, head = variable_length(data, at)
                if head == 0:
                    break
                if head > _LARGEST_HEADER:
                    return -1
            end = at + head + length
            if end > size:
                break
            command = data[at]
            if command & 0xF0 == _PUBLISH:
                self._on_publish(command, data[at + head : end])
            else:
                self._connection.put_package(Package(command, data[at + head : end]))
            at = end
        return at


class Connection(MQTTConnection):  # type: ignore[misc]
    """Ends only when the broker has taken what was written to it."""

    async def close(self) -> None:
        """Leave the broker, then close the socket."""
        await self._protocol.leave()
        await super().close()


def variable_length(data: bytes, at: int) -> tuple[int, int]:
    """Length of a packet and of its header; header 0 = not all here yet, above the largest = malformed."""
    length = shift = 0
    for place in range(at + 1, at + _LARGEST_HEADER):
        if place >= len(data):
            return 0, 0
        byte = data[place]
        length |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return length, place + 1 - at
        shift += 7
    return 0, _LARGEST_HEADER + 1


def taken_apart(command: int, packet: bytes) -> tuple[bytes, bytes, int, bool]:
    """Take a PUBLISH apart: topic, payload, packet id (0 at QoS 0), whether it was sent before; no properties."""
    at = 2 + (packet[0] << 8 | packet[1])
    topic = packet[2:at]
    packet_id = 0
    if command & 0x06:
        packet_id = packet[at] << 8 | packet[at + 1]
        at += 2
    if packet[at] < 0x80:
        at += 1 + packet[at]
    else:
        length, head = variable_length(packet, at - 1)
        at += head - 1 + length
    return topic, packet[at:], packet_id, bool(command & 0x08)


def acknowledgements(packet_ids: Sequence[int]) -> bytes:
    """PUBACK packets for messages, in this order."""
    packets = np.empty(len(packet_ids), _PUBACK)
    packets["type"], packets["length"], packets["packet_id"] = 0x40, 2, packet_ids
    return packets.tobytes()
