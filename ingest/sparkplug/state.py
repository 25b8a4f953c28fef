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
MOST_TABLES = 4  # births of a device that are kept, for what comes again or is read again


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


class Table(msgspec.Struct, frozen=True, array_like=True):
    """What metrics and aliases meant from one time (µs UTC) to another; until 0: they still do."""

    since_us: int
    until_us: int
    metrics: tuple[BirthMetric, ...]


class Device(msgspec.Struct, frozen=True):
    """A device of a node, or the node itself; times in µs UTC, the newest table first."""

    life: Life = Life.AWAITED
    born_us: int = 0
    died_us: int = 0
    tables: tuple[Table, ...] = ()

    @property
    def metrics(self) -> tuple[BirthMetric, ...]:
        """What the last birth defined."""
        return self.tables[0].metrics if self.tables else ()


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

    @property
    def memory(self) -> int:
        """Bytes that it takes beside what other changes of the node hold as well."""
        if not self.devices:
            return _NODE
        metrics = sum(len(self.node.device(device).metrics) for device in self.devices)
        return _NODE + _DEVICE * len(self.node.devices) + _METRIC * metrics


class Step(NamedTuple):
    """A node after one number of its sequence: numbers found missing (-1: one came late), whether this is a gap."""

    node: Node
    missing: int = 0
    is_gap: bool = False


_UNKNOWN = Device()
# Bytes of memory, measured: of a node, of a device in its list, of a metric with its name.
_NODE, _DEVICE, _METRIC = 300, 120, 200


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
        key: device if device.life is Life.DEAD else _ended(device, Life.AWAITED, ts_us)
        for key, device in node.devices.items()
    }
    devices[""] = _born(node.device(""), metrics, ts_us)
    newest = max(node.newest_us, ts_us)
    return Change(Node(node.group, node.name, bd_seq, seq, _NO_MISSING, newest, devices), tuple(devices))


def device_born(node: Node, key: str, metrics: tuple[BirthMetric, ...], ts_us: int) -> Change:
    """A device of a node introduces itself."""
    return _with(node, key, _born(node.device(key), metrics, ts_us))


def device_heard(node: Node, key: str) -> Change:
    """A device that nobody introduced speaks."""
    return _with(node, key, msgspec.structs.replace(node.device(key), life=Life.AWAITED))


def device_died(node: Node, key: str, at_us: int) -> Change:
    """A device is gone."""
    return _with(node, key, _ended(node.device(key), Life.DEAD, at_us, died_us=at_us))


def node_died(node: Node, at_us: int) -> Change:
    """A node is gone, and all its devices with it; the change names those that lived."""
    lived = tuple(sorted({"", *(key for key, device in node.devices.items() if device.life is not Life.DEAD)}))
    gone = {key: _ended(node.device(key), Life.DEAD, at_us, died_us=at_us) for key in lived}
    return Change(msgspec.structs.replace(node, devices={**node.devices, **gone}), lived)


def device_doubted(node: Node, key: str) -> Change:
    """A device of which nobody knows whether its last birth still holds: nothing is read by it."""
    return _with(node, key, _ended(node.device(key), Life.AWAITED, node.newest_us))


def is_next(node: Node, seq: int) -> bool:
    """Whether a message follows the last one, so that nothing was missed between them."""
    return node.seq < 0 or (seq - node.seq - 1) % ROUND == 0


def doubted(node: Node) -> Change:
    """A node of which something was missed, a birth perhaps: nothing is read by what its births said."""
    born = tuple(sorted(key for key, device in node.devices.items() if device.life is Life.BORN))
    ended = {key: _ended(node.device(key), Life.AWAITED, node.newest_us) for key in born}
    return Change(msgspec.structs.replace(node, devices={**node.devices, **ended}), born)


def is_repeated_birth(
    node: Node, key: str, metrics: tuple[BirthMetric, ...], ts_us: int, bd_seq: int | None = None
) -> bool:
    """Whether a birth that is delivered again was already taken in: the same metrics in their time, no later session.

    One from before all births that are kept was: it must not hold from now on, as a new one would.
    """
    if bd_seq is not None and bd_seq != node.bd_seq and not _is_behind(bd_seq, node.bd_seq):
        return False
    device = node.device(key)
    if is_forgotten(device, ts_us):
        return True
    ends = [(table, table.until_us or device.born_us) for table in device.tables]
    return any(table.metrics == metrics and table.since_us <= ts_us <= end for table, end in ends)


def is_forgotten(device: Device, ts_us: int) -> bool:
    """Whether the births of a time are kept no more: what they meant by an alias nobody knows."""
    return len(device.tables) == MOST_TABLES and ts_us < device.tables[-1].since_us


def readable(device: Device, ts_us: int, *, again: bool) -> tuple[Table, ...]:
    """The tables by which aliases of a message may be read, if these say the same of them; none where nobody knows.

    Args:
        device: of which a message came.
        ts_us: time of the payload in µs UTC.
        again: whether the message may have been received before, and so belong to an earlier birth.
    """
    if device.life is Life.BORN:
        current, earlier = device.tables[0], device.tables[1:]
        if not again or ts_us >= current.since_us:
            return (current,)
        if is_forgotten(device, ts_us):
            return ()
        then = _valid(earlier, ts_us)
        return (current, *((then,) if then else earlier))
    newest = device.tables[:1]
    return newest if device.life is Life.DEAD and again and _valid(newest, ts_us) else ()


def readable_later(device: Device, ts_us: int) -> tuple[Table, ...]:
    """The tables by which a kept message is read, if these say the same of them: that of its time, else its neighbours.

    Between births the one that it belongs to may be missing: only what stood before and still stands after is sure.
    """
    then = _valid(device.tables, ts_us)
    if then is not None:
        return (then,)
    earlier = [table for table in device.tables if table.since_us <= ts_us]
    later = [table for table in device.tables if table.since_us > ts_us]
    return (*earlier[:1], *later[-1:]) if earlier and later else ()


def _valid(tables: tuple[Table, ...], ts_us: int) -> Table | None:
    found = (table for table in tables if table.since_us <= ts_us and (not table.until_us or ts_us <= table.until_us))
    return next(found, None)


def _born(before: Device, metrics: tuple[BirthMetric, ...], ts_us: int) -> Device:
    born_us = max(ts_us, before.born_us)
    last, earlier = before.tables[:1], before.tables[1:]
    if last and last[0].metrics == metrics:
        tables = (msgspec.structs.replace(last[0], until_us=0), *earlier)
    else:
        closed = [msgspec.structs.replace(table, until_us=table.until_us or born_us) for table in last]
        tables = (Table(born_us, 0, metrics), *closed, *earlier)[:MOST_TABLES]
    return Device(Life.BORN, born_us, before.died_us, tables)


def _ended(device: Device, life: Life, at_us: int, died_us: int = 0) -> Device:
    """A device whose last birth holds no longer."""
    last = [msgspec.structs.replace(table, until_us=table.until_us or at_us) for table in device.tables[:1]]
    return Device(life, device.born_us, died_us or device.died_us, (*last, *device.tables[1:]))


def is_stale_death(node: Node, bd_seq: int) -> bool:
    """Whether a death belongs to an earlier session of the node than the one its last birth began."""
    return node.device("").life is not Life.DEAD and _is_behind(bd_seq, node.bd_seq)


def is_doubtful_death(node: Node, bd_seq: int) -> bool:
    """Whether a death is of a session that no birth began here: missed, or a node that numbers in its own way."""
    return node.is_born and bd_seq >= 0 and bd_seq != node.bd_seq


def death_us(node: Node, at_us: int) -> int:
    """The time of a death in µs: not before what was said last."""
    return max(at_us, node.newest_us + 1)


def _is_behind(bd_seq: int, last: int) -> bool:
    return last >= 0 and bd_seq >= 0 and 0 < (last - bd_seq) % ROUND <= WINDOW


def _with(node: Node, key: str, device: Device) -> Change:
    return Change(msgspec.structs.replace(node, devices={**node.devices, key: device}), (key,))
