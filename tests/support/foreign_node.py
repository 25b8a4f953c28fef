"""A Sparkplug node by another project's library (pysparkplug), in an environment of its own: run as a script.

It needs an MQTT client older than ours, so it cannot be imported here. Says "born", "asked", and counts what it sends;
when it is asked for a rebirth it leaves and comes back, which is all that this library offers.
"""

import sys
import threading
import time

import pysparkplug as spb  # type: ignore[import-not-found,unused-ignore]

ASKED = threading.Event()


def metric(name: str, datatype: object, value: object) -> object:
    return spb.Metric(timestamp=spb.get_current_timestamp(), name=name, datatype=datatype, value=value)


def state_of(number: int) -> list[object]:
    return [
        metric("temperature_c", spb.DataType.DOUBLE, 20.0 + number / 10),
        metric("offset", spb.DataType.INT16, -number),
        metric("state", spb.DataType.STRING, "EXECUTE" if number % 2 else "HELD"),
    ]


def on_command(_node: object, message: object) -> None:
    if any(each.name == "Node Control/Rebirth" and each.value for each in message.payload.metrics):  # type: ignore[attr-defined]
        ASKED.set()


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def main(port: int) -> None:
    control = metric("Node Control/Rebirth", spb.DataType.BOOLEAN, value=False)
    node = spb.EdgeNode("demo-plant", "foreign", [control], cmd_callback=on_command)
    node.register(spb.Device("press", state_of(0)))
    node.connect("127.0.0.1", port=port)
    say("born")
    number = 0
    while True:
        if ASKED.is_set():
            ASKED.clear()
            say("asked")
            node.disconnect()
            node.connect("127.0.0.1", port=port)
            say("born again")
        number += 1
        node.update_device("press", state_of(number))
        say(f"sent {number}")
        time.sleep(0.1)  # the pace of a machine


if __name__ == "__main__":
    main(int(sys.argv[1]))
