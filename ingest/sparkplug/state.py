"""What is known of Sparkplug nodes, and how each message changes it. Pure: a node and a message in, a node out.

A node is one sequence of numbers (0 to 255, round and round) shared by its own messages and those of its devices. A
message that comes again is told from one that is new: by being the next number, by the broker's mark, by its time.
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import NamedTuple

import msgspec

ROUND = 256
WINDOW = 128  # numbers behind the last that may still come late
_MASK = (1 << WINDOW) - 1
_NO_MISSING = 0


class Life(IntEnum):
    """What the last birth or death said of a node or device."""

    DEAD = 0
    AWAITED = 1  # heard, or known from before its node was born again: what its aliases mean is not known
    BORN = 2


class BirthMetric(msgspec.Struct, frozen=True, array_like=True):
    """A metric as a birth defines it; the datatype is Sparkplug's number."""

    name: str
    alias: int | None
    datatype: int
    unit: str | None = None


class Device(msgspec.Struct, frozen=True):
    """A device of a node, or the node itself; times in µs UTC."""

    life: Life = Life.AWAITED
    born_us: int = 0
    died_us: int = 0
    metrics: tuple[BirthMetric, ...] = ()


class Node(msgspec.Struct, frozen=True):
    """A node with its devices; the device '' is the node itself. `seq` is -1 where no number was seen."""

    group: str
    name: str
    bd_seq: int = -1
    seq: int = -1
    missing: int = _NO_MISSING  # bit k: the number k + 1 before the last is missing
    newest_us: int = 0  # time of the newest payload
    devices: Mapping[str, Device] = {}

    def device(self, key: str) -> Device:
        """A device as far as it is known."""
        return self.devices.get(key, _UNKNOWN)

    @property
    def is_born(self) -> bool:
        return self.device("").life is Life.BORN


class Change(NamedTuple):
    """What a message made of a node, and the devices whose births or deaths are new."""

    node: Node
    devices: tuple[str, ...] = ()


class Step(NamedTuple):
    """A node after one number of its sequence: numbers found missing (-1: one came late), whether this is a gap."""

    node: Node
    missing: int = 0
    is_gap: bool = False


_UNKNOWN = Device()


def advance(node: Node, seq: int, ts_us: int, *, dup: bool) -> Step:
    """Count a message of the sequence.

    Args:
        node: before the message.
        seq: its number; what is left out in the encoding is 0.
        ts_us: time of the payload in µs UTC.
        dup: whether the broker delivers it again.
    """
    newest = max(node.newest_us, ts_us)
    if node.seq < 0:
        return Step(moved(node, seq, _NO_MISSING, newest))
    ahead = (seq - node.seq - 1) % ROUND
    if ahead == 0:
        return Step(moved(node, seq, node.missing << 1 & _MASK, newest))
    behind = (node.seq - seq) % ROUND
    bit = 1 << behind - 1 if 0 < behind <= WINDOW else 0
    if bit & node.missing:
        return Step(moved(node, node.seq, node.missing & ~bit, newest), missing=-1)
    if is_repeat(node, behind, ts_us, dup=dup):
        return Step(node)
    lost = (1 << min(ahead, WINDOW)) - 1
    return Step(moved(node, seq, (node.missing << ahead + 1 | lost) & _MASK, newest), missing=ahead, is_gap=True)


def is_repeat(node: Node, behind: int, ts_us: int, *, dup: bool) -> bool:
    """Whether a number that is not the next one was seen before, rather than following a gap."""
    if dup and ts_us < node.newest_us:
        return True  # a broker may deliver thousands again: more than one round
    return behind < WINDOW and (dup or ts_us <= node.newest_us)


def moved(node: Node, seq: int, missing: int, newest_us: int) -> Node:
    """The node at another place of its sequence."""
    return Node(node.group, node.name, node.bd_seq, seq, missing, newest_us, node.devices)


def node_born(node: Node, metrics: tuple[BirthMetric, ...], bd_seq: int, seq: int, ts_us: int) -> Change:
    """A node introduces itself: its sequence begins anew, its devices must introduce themselves again."""
    devices = {
        key: device if device.life is Life.DEAD else msgspec.structs.replace(device, life=Life.AWAITED)
        for key, device in node.devices.items()
    }
    before = node.device("")
    devices[""] = Device(Life.BORN, max(ts_us, before.born_us), before.died_us, metrics)
    newest = max(node.newest_us, ts_us)
    return Change(Node(node.group, node.name, bd_seq, seq, _NO_MISSING, newest, devices), tuple(devices))


def device_born(node: Node, key: str, metrics: tuple[BirthMetric, ...], ts_us: int) -> Change:
    """A device of a node introduces itself."""
    before = node.device(key)
    return _with(node, key, Device(Life.BORN, max(ts_us, before.born_us), before.died_us, metrics))


def device_heard(node: Node, key: str) -> Change:
    """A device that nobody introduced speaks."""
    return _with(node, key, msgspec.structs.replace(node.device(key), life=Life.AWAITED))


def device_died(node: Node, key: str, at_us: int) -> Change:
    """A device is gone."""
    return _with(node, key, msgspec.structs.replace(node.device(key), life=Life.DEAD, died_us=at_us))


def node_died(node: Node, at_us: int) -> Change:
    """A node is gone, and all its devices with it; the change names those that lived."""
    lived = tuple(sorted({"", *(key for key, device in node.devices.items() if device.life is not Life.DEAD)}))
    gone = {key: msgspec.structs.replace(node.device(key), life=Life.DEAD, died_us=at_us) for key in lived}
    return Change(msgspec.structs.replace(node, devices={**node.devices, **gone}), lived)


def is_repeated_birth(node: Node, key: str, ts_us: int, *, dup: bool) -> bool:
    """Whether a birth that is delivered again was already taken in."""
    return dup and ts_us <= node.device(key).born_us


def is_stale_death(node: Node, bd_seq: int) -> bool:
    """Whether a death belongs to an earlier session of the node than the one its last birth began."""
    return node.is_born and node.bd_seq >= 0 and bd_seq >= 0 and 0 < (node.bd_seq - bd_seq) % ROUND <= WINDOW


def is_doubtful_death(node: Node, bd_seq: int) -> bool:
    """Whether a death is of a session that no birth began here: missed, or a node that numbers in its own way."""
    return node.is_born and bd_seq >= 0 and bd_seq != node.bd_seq


def death_us(node: Node, at_us: int) -> int:
    """The time of a death in µs: not before what was said last."""
    return max(at_us, node.newest_us + 1)


def _with(node: Node, key: str, device: Device) -> Change:
    return Change(msgspec.structs.replace(node, devices={**node.devices, key: device}), (key,))
