"""Listening to a broker as a guest: a random client id, a session that is forgotten, nothing published.

In: address, topic filters, how long. Out: every message, handed on as it comes.
"""

import secrets
import time
from collections.abc import Callable, Sequence
from urllib.parse import unquote, urlsplit

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from pilot.errors import PilotError
from simulators.tls import BrokerTls

CONNECT_TIMEOUT_S = 10.0
STEP_S = 0.1
_PORTS = {"mqtt": 1883, "mqtts": 8883}
_FIRST_FAILURE = 0x80

# Topic, payload, whether the broker had kept it.
Take = Callable[[str, bytes, bool], None]


class Listener:
    """One connection that only reads; use `listen`."""

    def __init__(self, url: str, filters: Sequence[str], take: Take) -> None:
        self._url = urlsplit(url)
        try:
            self._port = self._url.port or _PORTS[self._url.scheme]
        except (ValueError, KeyError):
            self._port = 0
        if not self._port or not self._url.hostname:
            raise PilotError("The broker's address must be of the form mqtt://user@host:port or mqtts://host:port.")
        self._filters = list(filters)
        self._take = take
        self._refusal = ""
        self._granted = False
        self._client = self._made()

    @property
    def place(self) -> str:
        """The broker's address without credentials."""
        return f"{self._url.scheme}://{self._url.hostname}:{self._port}"

    def listen(self, seconds: float, is_enough: Callable[[], bool], tick: Callable[[float], None]) -> None:
        """Hand on messages for so long, or until there are enough; `tick` hears of the seconds left.

        Raises:
            PilotError: broker not reachable, login or subscription refused, connection lost.
        """
        self._connect()
        try:
            until = time.monotonic() + seconds
            while (left := until - time.monotonic()) > 0 and not is_enough():
                tick(left)
                self._step(min(STEP_S, left))
        finally:
            self._client.disconnect()
            self._client.loop(STEP_S)

    def _made(self) -> mqtt.Client:
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=f"haidang-map-{secrets.token_hex(6)}", protocol=mqtt.MQTTv5
        )
        if self._url.username:
            client.username_pw_set(unquote(self._url.username), unquote(self._url.password or ""))
        if self._url.scheme == "mqtts":
            client.tls_set_context(BrokerTls().context())
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        return client

    def _connect(self) -> None:
        try:
            self._client.connect(self._url.hostname or "", self._port, clean_start=True)
        except (OSError, ValueError) as error:
            raise PilotError(
                f"The broker at {self.place} cannot be reached ({error}). Is it running, is the port open from here?"
            ) from error
        deadline = time.monotonic() + CONNECT_TIMEOUT_S
        while not self._granted:
            self._step(STEP_S)
            if time.monotonic() > deadline:
                raise PilotError(f"The broker at {self.place} does not answer; does it speak MQTT 5 on this port?")

    def _step(self, seconds: float) -> None:
        code = self._client.loop(seconds)
        if self._refusal:
            raise PilotError(self._refusal)
        if code != MQTTErrorCode.MQTT_ERR_SUCCESS:
            raise PilotError(f"The connection to the broker at {self.place} ended: {mqtt.error_string(code)}.")

    def _on_connect(
        self, client: mqtt.Client, _data: object, _flags: mqtt.ConnectFlags, code: ReasonCode, _p: Properties | None
    ) -> None:
        if code.value >= _FIRST_FAILURE:
            self._refusal = (
                f"The broker at {self.place} refuses the login: {code}. Check user and password in the address."
            )
            return
        client.subscribe([(each, SubscribeOptions(qos=1)) for each in self._filters])

    def _on_subscribe(
        self, _client: mqtt.Client, _data: object, _mid: int, codes: list[ReasonCode], _p: Properties | None
    ) -> None:
        pairs = zip(self._filters, codes, strict=False)
        refused = [each for each, code in pairs if code.value >= _FIRST_FAILURE]
        if refused:
            self._refusal = (
                f"The broker at {self.place} does not let this account read {', '.join(refused)}: "
                "use an account that may (that of ingest may), or name less with --topic."
            )
        self._granted = True

    def _on_message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        self._take(message.topic, bytes(message.payload), message.retain)
