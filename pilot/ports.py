"""Free and busy TCP ports on this machine."""

import socket
import time

LOCALHOST = "127.0.0.1"


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((LOCALHOST, 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    """Whether somebody listens on the port of this machine."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((LOCALHOST, port)) == 0


def wait_for_port(port: int, timeout_s: float) -> bool:
    """Wait until the port answers; false when the deadline passes first."""
    deadline = time.monotonic() + timeout_s
    while not answers(port):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True
