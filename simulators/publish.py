"""Publishing at QoS 1 over one MQTT 5 connection, in order, with a bounded number of messages in flight.

In: topics and payloads. Out: counts of what was sent and what the broker acknowledged.
paho-mqtt is driven from the caller's own thread: three times the rate of aiomqtt and twice that of paho's own thread.
"""

import contextlib
import random
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self
from urllib.parse import SplitResult, unquote, urlsplit

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from simulators.errors import BrokerUnreachableError, NotAcknowledgedError, SettingsError
from simulators.tls import BrokerTls

DEFAULT_WINDOW = 100  # messages, if the broker names no Receive Maximum
CONNECT_TIMEOUT_S = 10.0
_PORTS = {"mqtt": 1883, "mqtts": 8883}
_FIRST_FAILURE = 0x80  # reason codes from here on are refusals


class Publisher:
    """A connection to a broker; use as a context manager. Belongs to one thread."""

    def __init__(
        self, url: str, *, client_id: str, tls: BrokerTls | None = None, patience_s: float | None = 60.0
    ) -> None:
        """Prepare a connection.

        Args:
            url: mqtt:// or mqtts://, with user and password.
            client_id: name at the broker.
            tls: files for mqtts://; without them those of the environment.
            patience_s: how long to wait without any acknowledgement (None: for ever).
        """
        self._url = _parse(url)
        self._patience_s = patience_s
        self._window = DEFAULT_WINDOW
        self._refused = 0
        self._connected_once = False
        self._failure = ""
        self.published = 0
        self.acknowledged = 0
        self._client = self._make_client(client_id, tls or BrokerTls())

    def _make_client(self, client_id: str, tls: BrokerTls) -> mqtt.Client:
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=mqtt.MQTTv5)
        if self._url.username:
            client.username_pw_set(unquote(self._url.username), unquote(self._url.password or ""))
        if self._url.scheme == "mqtts":
            client.tls_set_context(tls.context())
        client.max_inflight_messages_set(65_535)  # the window is kept here, by what the broker allows
        client.on_connect = self._on_connect
        client.on_publish = self._on_publish
        client.on_disconnect = self._on_disconnect
        return client

    @property
    def place(self) -> str:
        """Broker address without the password."""
        return f"{self._url.scheme}://{self._url.hostname}:{_port(self._url)}"

    @property
    def in_flight(self) -> int:
        """Messages sent and not yet answered."""
        return self.published - self.acknowledged - self._refused

    # -- use --------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        self._connect()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError, ValueError):
            self._client.disconnect()
            self._client.loop(0.1)

    def publish(self, topic: str, payload: bytes, qos: int = 1) -> None:
        """Send a message, waiting while the window is full."""
        self._wait(lambda: self.in_flight < self._window)
        self._client.publish(topic, payload, qos)
        self.published += 1

    def drain(self) -> None:
        """Wait until everything sent is acknowledged; raise if the broker refused or did not answer."""
        self._wait(lambda: self.in_flight == 0)
        if self._refused:
            raise NotAcknowledgedError(self._refused, f"refused by {self.place}: {self._failure}")

    def tend(self, seconds: float) -> None:
        """Keep the connection alive and take acknowledgements for a while."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._step(left)

    # -- connection -------------------------------------------------------------------------------

    def _connect(self) -> None:
        try:
            self._client.connect(self._url.hostname or "", _port(self._url))
        except (OSError, ValueError) as error:
            raise self._unreachable(str(error)) from error
        deadline = time.monotonic() + CONNECT_TIMEOUT_S
        while not self._connected_once:
            code = self._client.loop(0.2)
            if code != MQTTErrorCode.MQTT_ERR_SUCCESS and not self._connected_once:
                raise self._unreachable(self._failure or mqtt.error_string(code))
            if time.monotonic() > deadline:
                raise self._unreachable(f"no answer within {CONNECT_TIMEOUT_S:.0f} s")

    def _unreachable(self, why: str) -> BrokerUnreachableError:
        return BrokerUnreachableError(
            f"no connection to the MQTT broker at {self.place} ({why}); is it running, and is HAIDANG_BROKER_URL right?"
        )

    def _wait(self, done: Callable[[], bool]) -> None:
        answered, since = self.acknowledged + self._refused, time.monotonic()
        while not done():
            self._step(1.0)
            if self.acknowledged + self._refused != answered:
                answered, since = self.acknowledged + self._refused, time.monotonic()
            elif self._patience_s is not None and time.monotonic() - since > self._patience_s:
                raise NotAcknowledgedError(self.in_flight, f"{self.place} has been silent for {self._patience_s:.0f} s")

    def _step(self, seconds: float) -> None:
        code = self._client.loop(min(seconds, 1.0))
        if code != MQTTErrorCode.MQTT_ERR_SUCCESS:
            self._reconnect(min(seconds, 1.0))

    def _reconnect(self, within_s: float) -> None:
        """Try once to come back after a random part of the wait; paho sends again what was not acknowledged."""
        time.sleep(random.uniform(0.2, 1.0) * within_s)
        with contextlib.suppress(OSError):  # still away: the caller's patience decides
            self._client.reconnect()

    # -- callbacks --------------------------------------------------------------------------------

    def _on_connect(
        self, _client: mqtt.Client, _data: Any, _flags: Any, code: ReasonCode, properties: Properties | None
    ) -> None:
        if code.is_failure:
            self._failure = str(code)
            return
        self._connected_once = True
        self._window = int(getattr(properties, "ReceiveMaximum", DEFAULT_WINDOW))

    def _on_disconnect(self, _client: mqtt.Client, _data: Any, _flags: Any, code: ReasonCode, _more: Any) -> None:
        self._failure = str(code)

    def _on_publish(
        self, _client: mqtt.Client, _data: Any, _mid: int, code: ReasonCode, _properties: Properties
    ) -> None:
        if code.value >= _FIRST_FAILURE:
            self._refused += 1
            self._failure = str(code)
        else:
            self.acknowledged += 1


def _port(url: SplitResult) -> int:
    return url.port or _PORTS[url.scheme]


def _parse(url: str) -> SplitResult:
    parts = urlsplit(url)
    try:
        good = parts.scheme in _PORTS and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        good = False
    if not good:
        raise SettingsError("the broker URL must look like mqtt://user:password@host:1883 or mqtts://host:8883")
    return parts
