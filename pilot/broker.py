"""An MQTT broker for the embedded stack: a Mosquitto found on the path, else the one inside the `iotcore` wheel.

Both listen on 127.0.0.1 only and take anybody there: for trying things out, not for a factory.
"""

import getpass
import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pilot.errors import PilotError
from pilot.ports import LOCALHOST, free_port, wait_for_port

START_TIMEOUT_S = 15.0
STOP_TIMEOUT_S = 10.0

_MOSQUITTO = """\
listener {port} 127.0.0.1
allow_anonymous true
persistence true
persistence_location {folder}/
max_queued_messages 0
set_tcp_nodelay true
log_dest stderr
log_type error
log_type warning
log_type notice
user {user}
"""

_RUMQTTD = """\
id = 0
[router]
id = 0
max_connections = 1000
max_outgoing_packet_count = 200
max_segment_size = 104857600
max_segment_count = 10
[v4.1]
name = "v4"
listen = "127.0.0.1:{port_v311}"
next_connection_delay_ms = 1
[v4.1.connections]
connection_timeout_ms = 60000
max_payload_size = 16777216
max_inflight_count = 500
dynamic_filters = true
[v5.1]
name = "v5"
listen = "127.0.0.1:{port}"
next_connection_delay_ms = 1
[v5.1.connections]
connection_timeout_ms = 60000
max_payload_size = 16777216
max_inflight_count = 500
dynamic_filters = true
"""


@contextmanager
def embedded_broker(folder: Path) -> Iterator[tuple[str, str]]:
    """Run a broker for the time of the context.

    Yields:
        Its address and its name.

    Raises:
        PilotError: no broker program is at hand, or it did not start.
    """
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    name, command = _command(folder, port)
    with (folder / "broker.log").open("ab") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        if not wait_for_port(port, START_TIMEOUT_S):
            raise PilotError(f"The MQTT broker ({name}) did not start: see {folder / 'broker.log'}.")
        yield f"mqtt://{LOCALHOST}:{port}", name
    finally:
        _stop(process)


def mosquitto_command(program: str, folder: Path, port: int) -> list[str]:
    """Write the configuration of a Mosquitto and return what starts it.

    It loses no queued message over a clean restart and limits no queue.
    """
    # Started by root, Mosquitto changes to a user that may not write the folder: it stays who it is.
    text = _MOSQUITTO.format(port=port, folder=folder.resolve(), user=getpass.getuser())
    return [program, "-c", _write(folder / "mosquitto.conf", text)]


def rumqttd_command(folder: Path, port: int, port_v311: int) -> list[str]:
    """Write the configuration of the broker in the `iotcore` wheel and return what starts it."""
    config = _write(folder / "rumqttd.toml", _RUMQTTD.format(port=port, port_v311=port_v311))
    return [sys.executable, "-m", "pilot.broker", config]


def _command(folder: Path, port: int) -> tuple[str, list[str]]:
    mosquitto = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
    if mosquitto:
        return "Mosquitto", mosquitto_command(mosquitto, folder, port)
    if importlib.util.find_spec("iotcore") is None:
        raise PilotError("No MQTT broker here: install Mosquitto, or `pip install 'haidang[embedded]'`.")
    return "rumqttd (iotcore)", rumqttd_command(folder, port, free_port())


def _write(path: Path, text: str) -> str:
    path.write_text(text, "utf-8")
    return str(path)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


if __name__ == "__main__":
    from iotcore.iotcore import IotCoreBroker

    IotCoreBroker(config_path=sys.argv[1]).run_forever()
