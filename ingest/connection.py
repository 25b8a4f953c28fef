"""One MQTT 5 connection over gmqtt, with what ingest needs and gmqtt has not (docs/decisions: gmqtt in ingest).

PUBLISH packets are read here and handed on at once, with neither a task nor a future for each; acknowledgements go out
when the caller says so, and only over the connection that brought the message. `pause` stops the reading itself: some
brokers send more than the window they were told.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from ssl import SSLError
from typing import Any
from urllib.parse import unquote

from gmqtt.client import Client, Message
from gmqtt.mqtt.constants import MQTTv50
from gmqtt.mqtt.handler import MQTTConnectError
from gmqtt.subscription import Subscription

from ingest import tls
from ingest.errors import BrokerRefusedError
from ingest.settings import IngestSettings
from ingest.sparkplug.announce import Outgoing
from ingest.wire import Connection, Protocol, acknowledgements, taken_apart

CONNECT_TIMEOUT_S = 10.0
CLOSE_TIMEOUT_S = 5.0
KEEPALIVE_S = 60
_PORTS = {"mqtt": 1883, "mqtts": 8883}
_PING = 0  # no packet has this number
# Refusals that may pass: server unavailable, busy, quota, use another server, rate exceeded.
_PASSING = {3, 128, 131, 136, 137, 151, 156, 159}

# topic, payload, packet id (0 at QoS 0), whether it was sent before, connection
Receive = Callable[[bytes, bytes, int, bool, "BrokerConnection"], None]


class BrokerUnreachableError(Exception):
    """No connection now; worth another try."""


class BrokerConnection(Client):  # type: ignore[misc]
    """A connection; when it is lost it is of no more use, a new one takes up the session."""

    def __init__(self, settings: IngestSettings, receive: Receive, will: Outgoing | None = None) -> None:
        super().__init__(
            settings.slot.session,
            clean_session=False,
            optimistic_acknowledgement=False,
            will_message=None if will is None else Message(will.topic, will.payload, qos=will.qos, retain=will.retain),
            session_expiry_interval=settings.ingest_session_expiry_s,
            receive_maximum=settings.ingest_receive_maximum,
            maximum_packet_size=settings.ingest_packet_bytes,
        )
        self._settings = settings
        self._receive = receive
        self._gate = asyncio.Event()
        self._gate.set()
        self._answer: asyncio.Future[Sequence[int]] | None = None
        self._asking = asyncio.Lock()
        self._asked: int | None = None  # the number of the request that is not answered yet; pings have none
        self.on_connect = self._connected
        self.on_subscribe = self.on_unsubscribe = self._answered
        self._package_handler._handle_pingresp_packet = self._pong  # noqa: SLF001 - gmqtt tells nobody
        self.session_present = False
        self.received = 0  # messages over this connection
        self.lost = asyncio.Event()
        self.failure: Exception | None = None
        self._ended_by: Exception | None = None
        self.is_paused = False

    async def open(self, subscriptions: Sequence[str]) -> None:
        """Connect, take up the session, subscribe. Messages come before that is done: those the session kept.

        Raises:
            BrokerUnreachableError: nobody answers, or not now.
            BrokerRefusedError: it does not want us.
        """
        broker, files = self._settings.broker, self._settings.tls
        if broker.username:
            self.set_auth_credentials(unquote(broker.username), unquote(broker.password or ""))
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await self._until(
                    self.connect(
                        broker.hostname,
                        broker.port or _PORTS[broker.scheme],
                        ssl=tls.make_context(files) if files else False,
                        keepalive=KEEPALIVE_S,
                        version=MQTTv50,
                    )
                )
            await self.add_filters(subscriptions)
        except MQTTConnectError as error:
            await self.close()
            if error._code in _PASSING:  # noqa: SLF001 - gmqtt has no other way to ask
                raise BrokerUnreachableError(str(error)) from error
            raise BrokerRefusedError(
                f"The broker at {self.place} refuses the connection: {error}. Check HAIDANG_BROKER_URL."
            ) from error
        except (OSError, TimeoutError) as error:
            await self.close()
            refusal = tls.refusal(error, self.place, broker.hostname or "") if files else ""
            if refusal:
                raise BrokerRefusedError(refusal) from error
            hint = tls.hint(error, self.place) if files else ""
            raise BrokerUnreachableError(hint or str(error) or "no answer in time") from error

    @property
    def place(self) -> str:
        """The broker's address without credentials."""
        broker = self._settings.broker
        return f"{broker.hostname}:{broker.port or _PORTS[broker.scheme]}"

    def acknowledge(self, packet_ids: Sequence[int]) -> None:
        """Acknowledge messages in this order; nothing happens when the connection is gone."""
        if not packet_ids or self.lost.is_set() or self._connection is None or self._connection.is_closing():
            return
        self._connection.send_package(acknowledgements(packet_ids))

    def say(self, message: Outgoing) -> None:
        """Publish; nothing happens when the connection is gone."""
        if not self.lost.is_set() and self._connection is not None and not self._connection.is_closing():
            self.publish(message.topic, message.payload, qos=message.qos, retain=message.retain)

    def pause(self) -> None:
        """Stop reading from the socket."""
        self.is_paused = True
        self._gate.clear()

    def resume(self) -> None:
        """Read on."""
        self.is_paused = False
        self._gate.set()

    async def close(self, *, forget: bool = False) -> None:
        """Disconnect; the broker keeps the session, unless it is to forget it with all that is in it."""
        self.lost.set()
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                await self.disconnect(**({"session_expiry_interval": 0} if forget else {}))

    async def reconnect(self, delay: bool = False) -> None:  # noqa: ARG002 - gmqtt's signature
        """What gmqtt calls when the connection is gone."""
        self.lost.set()

    async def _until(self, connecting: Any) -> None:
        """Wait for the connection, or for its loss before it was made."""
        tasks = {asyncio.ensure_future(connecting), asyncio.ensure_future(self.lost.wait())}
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
            if self.lost.is_set():
                if isinstance(self._ended_by, SSLError):  # TLS 1.3 refuses a certificate only after the handshake
                    raise self._ended_by
                raise ConnectionError(
                    "the broker closed the connection at once; it must speak MQTT 5, and TLS needs mqtts://"
                )
        finally:
            for task in tasks:
                task.cancel()

    async def add_filters(self, topics: Sequence[str]) -> None:
        """Subscribe to topic filters, at least once each.

        Raises:
            BrokerRefusedError: the account may not read one of them.
            TimeoutError, ConnectionError: no answer.
        """
        if not topics:
            return
        asked = [Subscription(topic, qos=1, retain_handling_options=1) for topic in topics]
        granted = await self._ask(lambda: self.subscribe(asked))
        refused = [topic for topic, code in zip(topics, granted, strict=True) if code >= 0x80]
        if refused:
            await self.close()
            raise BrokerRefusedError(
                f"The broker at {self.place} does not allow to read {', '.join(refused)}: give this account the right."
            )

    async def remove_filters(self, topics: Sequence[str]) -> None:
        """End subscriptions. Some brokers do not answer when there is no such subscription.

        Raises:
            TimeoutError, ConnectionError: no answer.
        """
        # As bytes: gmqtt counts the characters of a text, the packet has bytes.
        await self._ask(lambda: self.unsubscribe([topic.encode() for topic in topics]))

    async def ping(self) -> None:
        """Ask for a sign of life; what the broker sent before its answer has been received by then.

        Raises:
            TimeoutError, ConnectionError: no answer.
        """
        await self._ask(self._ping)

    def _ping(self) -> int:
        self._connection._send_ping_request()  # noqa: SLF001 - gmqtt has no other
        return _PING

    def _pong(self, _command: int, _packet: bytes) -> None:
        if self._asked == _PING:
            self._answered(self, _PING, ())

    async def _ask(self, send: Callable[[], int]) -> Sequence[int]:
        """Send a request, which has a number, and wait for its answer; no time runs while messages come before it."""
        async with self._asking:
            if self.lost.is_set():
                raise ConnectionError("the connection is gone")
            answer = self._answer = asyncio.get_running_loop().create_future()
            self._asked = send()  # nothing is read before the loop goes on: no answer is missed
            gone = asyncio.ensure_future(self.lost.wait())
            try:
                return await self._patiently(answer, gone)
            finally:
                self._asked = None
                gone.cancel()

    async def _patiently(self, answer: asyncio.Future[Sequence[int]], gone: asyncio.Future[Any]) -> Sequence[int]:
        while True:
            before = self.received
            await asyncio.wait({answer, gone}, timeout=CONNECT_TIMEOUT_S, return_when=asyncio.FIRST_COMPLETED)
            if answer.done():
                return answer.result()
            if gone.done():
                raise ConnectionError("the broker closed the connection")
            if self.received == before and not self.is_paused:
                raise TimeoutError("the broker does not answer")

    def _connected(self, _client: Any, flags: int, _result: int, _properties: Any) -> None:
        self.session_present = bool(flags & 1)

    def _answered(self, _client: Any, mid: int, codes: Sequence[int], _properties: Any = None) -> None:
        """Take an answer; one to a request that was given up comes late and says nothing of this one."""
        if mid == self._asked and self._answer is not None and not self._answer.done():
            self._answer.set_result(codes)

    async def _create_connection(self, host: str, port: int, ssl: Any, clean_session: bool, keepalive: int) -> Any:
        """As gmqtt's own, with our protocol in it."""
        self._exit_reconnecting_state()
        self._connack_received.clear()
        self._connection_lost.clear()
        factory = partial(
            Protocol,
            connection_state=self._connection_state,
            id_generator=self._package_handler.id_generator,
            gate=self._gate,
            on_publish=self._on_publish,
            on_lost=self._note_end,
        )
        transport, protocol = await asyncio.get_running_loop().create_connection(factory, host, port, ssl=ssl)
        return Connection(transport, protocol, clean_session, keepalive, package_handler=self._package_handler)

    def _note_end(self, error: Exception | None) -> None:
        self._ended_by = self._ended_by or error

    def _on_publish(self, command: int, packet: bytes) -> None:
        self.received += 1
        try:
            self._receive(*taken_apart(command, packet), self)
        except Exception as error:  # noqa: BLE001 - gmqtt's reading task would swallow it; the service ends with it
            self.failure = error
            self.lost.set()
