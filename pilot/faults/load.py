"""What the harness sends: every value of every message follows from device and number, so SQL can say what is missing.

Pure: a load, a device and a number in; topics and payloads out.
"""

import hashlib
import json
import time
from dataclasses import dataclass

from model.vocabulary import symbol_id

SITE = "faults"
STATES = tuple(f"S{number}" for number in range(5))
JOB_EVERY = 50  # numbers of a device between two events
FUTURE_MS = 400 * 86_400_000
STEP_MS = 1  # between two numbers of a device
POISON = ("garbage", "no_values", "wrong_type", "in_future", "unknown_site", "wrong_unit")
PARTLY = "wrong_unit"  # the numbered message around it is good and must be stored
DEVICE_FACTOR = 1000  # devices at most


@dataclass(frozen=True)
class Load:
    """So many devices, each message with so many values (one of them a text)."""

    devices: int
    values: int
    start_ms: int

    @property
    def names(self) -> list[str]:
        """Names of the values of a message: a counter, gauges, a state."""
        return ["good_count", *(f"v{place:02d}_kw" for place in range(1, self.values - 1)), "state"]


def make_load(devices: int, values: int) -> Load:
    """A load whose times begin an hour ago."""
    return Load(devices, values, int(time.time() * 1000) - 3_600_000)


def asset(device: int) -> str:
    """Path of the machine of a device."""
    return f"hall/line{device // 10:02d}/m{device:03d}"


def topic(device: int) -> str:
    """Data topic of a device."""
    return f"haidang/v1/{SITE}/{asset(device)}/data"


def number_value(device: int, number: int, place: int) -> float:
    """The value at a place of a message; exact in a double."""
    return number * DEVICE_FACTOR + device + place / 16


def state(device: int, number: int) -> str:
    """The state of a message."""
    return STATES[(number * 7 + device) % len(STATES)]


def has_event(number: int) -> bool:
    """Whether the message of a number brings an event too."""
    return number % JOB_EVERY == 0


def job(device: int, number: int) -> str:
    """The event of a message that has one."""
    return f"J{device}-{number}"


def size(load: Load, number: int) -> int:
    """How many values and events of a message are to be stored."""
    return load.values + has_event(number)


def payload(load: Load, device: int, number: int, *, partly_bad: bool = False) -> bytes:
    """The message of a device and number; it may carry one bad value beside the good ones."""
    values: dict[str, float | str] = {"good_count": number * DEVICE_FACTOR + device}
    for place, name in enumerate(load.names[1:-1], 1):
        values[name] = number_value(device, number, place)
    values["state"] = state(device, number)
    if has_event(number):
        values["job"] = job(device, number)
    document: dict[str, object] = {"ts": time_ms(load, number), "seq": number, "values": values}
    if partly_bad:
        values["oil_bar"] = 3
        document["units"] = {"oil_bar": "kg"}
    return json.dumps(document, separators=(",", ":")).encode()


def poison(load: Load, device: int, number: int, kind: str) -> tuple[str, bytes]:
    """Topic and payload of a message that must be refused as a whole."""
    ts, where = time_ms(load, number), topic(device)
    if kind == "garbage":
        return where, b"\xff\x00garbage %d %d" % (device, number)
    if kind == "no_values":
        return where, b'{"ts": %d, "number": %d}' % (ts, number)
    if kind == "wrong_type":
        return where, b'{"ts": %d, "values": {"v01_kw": "much %d"}}' % (ts, number)
    if kind == "in_future":
        return where, b'{"ts": %d, "values": {"v01_kw": %d}}' % (ts + FUTURE_MS, number)
    return where.replace(f"/{SITE}/", "/nowhere/"), payload(load, device, number)


def time_ms(load: Load, number: int) -> int:
    """Time of the message of a number, in ms since 1970."""
    return load.start_ms + number * STEP_MS


def digest(where: str, content: bytes) -> bytes:
    """The key under which a refused message is kept."""
    return hashlib.sha256(where.encode() + b"\x00" + content).digest()


def symbols() -> list[int]:
    """The numbers under which the states are stored, in the order of STATES."""
    return [symbol_id(text) for text in STATES]
