"""The MQTT broker of a test: a Mosquitto of its own, else the one inside the `iotcore` wheel.

Both listen on 127.0.0.1 only. `url` speaks MQTT 5; `url_v311` speaks MQTT 3.1.1 (with Mosquitto
they are the same, rumqttd keeps a port for each).
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from pilot.broker import mosquitto_command, rumqttd_command
from pilot.faults.servers import BrokerServer
from pilot.ports import LOCALHOST, free_port
from tests.support.required import missing, required


class Broker(Protocol):
    """A running broker. `keeps_sessions`: a clean restart loses no queued message."""

    @property
    def url(self) -> str: ...
    @property
    def url_v311(self) -> str: ...
    @property
    def keeps_sessions(self) -> bool: ...

    def start(self) -> None: ...
    def stop(self) -> None:
        """Shut it down cleanly."""

    def kill(self) -> None:
        """End it with `kill -9`."""

    def restart(self) -> None: ...


class OwnBroker(BrokerServer):
    """A broker process of this test, started again on the same port and folder."""

    def __init__(self, command: list[str], folder: Path, port: int, port_v311: int, *, keeps_sessions: bool) -> None:
        super().__init__(command, folder / "broker.log", port, port_v311)
        self.keeps_sessions = keeps_sessions

    @property
    def url(self) -> str:
        return f"mqtt://{LOCALHOST}:{self.port}"

    @property
    def url_v311(self) -> str:
        return f"mqtt://{LOCALHOST}:{self.port_v311}"

    def restart(self) -> None:
        self.stop()
        self.start()


class NamedBroker:
    """The broker in HAIDANG_TEST_BROKER_URL; it is not ours to stop."""

    keeps_sessions = False

    def __init__(self, url: str) -> None:
        self.url = url
        self.url_v311 = url

    def start(self) -> None:
        """It runs."""

    def stop(self) -> None:
        missing("mosquitto", "the broker in HAIDANG_TEST_BROKER_URL is not ours to stop")

    kill = restart = stop


def mosquitto_path() -> str | None:
    """The Mosquitto to use: HAIDANG_TEST_MOSQUITTO (a path or `none`), else the one on the path."""
    named = os.environ.get("HAIDANG_TEST_MOSQUITTO")
    if named == "none":
        return None
    return named or shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


@contextmanager
def running_broker() -> Iterator[Broker]:
    """Start a fresh broker for the time of the context (or take the one that the run names)."""
    url = os.environ.get("HAIDANG_TEST_BROKER_URL")
    if url:
        yield NamedBroker(url)
        return
    with tempfile.TemporaryDirectory(prefix="haidang-broker-") as folder:
        broker = _own_broker(Path(folder))
        broker.start()
        try:
            yield broker
        finally:
            broker.kill()


def _own_broker(folder: Path) -> OwnBroker:
    mosquitto = mosquitto_path()
    if mosquitto is not None:
        return _mosquitto(mosquitto, folder)
    if "mosquitto" in required():
        missing("mosquitto", "neither HAIDANG_TEST_MOSQUITTO nor the path names one")
    return _rumqttd(folder)


def _mosquitto(path: str, folder: Path) -> OwnBroker:
    port = free_port()
    return OwnBroker(mosquitto_command(path, folder, port), folder, port, port, keeps_sessions=True)


def _rumqttd(folder: Path) -> OwnBroker:
    port, port_v311 = free_port(), free_port()
    return OwnBroker(rumqttd_command(folder, port, port_v311), folder, port, port_v311, keeps_sessions=False)
