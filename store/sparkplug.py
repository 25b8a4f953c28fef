"""What Sparkplug nodes said of themselves: rows in and out, times in µs UTC (0 = none)."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from model.instants import instant, micros
from store.pool import Connection
from store.queries import load

_SQL = load("sparkplug")


class NodeRow(NamedTuple):
    """A node: its session and where its sequence stands."""

    group: str
    node: str
    bd_seq: int
    seq: int
    newest_us: int
    site_id: int = 0


class DeviceRow(NamedTuple):
    """A device; `births` is JSON."""

    group: str
    node: str
    device: str
    life: int
    born_us: int
    died_us: int
    births: str
    site_id: int = 0


def read_nodes(connection: Connection) -> list[NodeRow]:
    """Read all nodes."""
    rows = connection.execute(_SQL["nodes"])
    return [NodeRow(group, node, bd_seq, seq, _us(newest)) for group, node, bd_seq, seq, newest in rows]


def read_devices(connection: Connection) -> list[DeviceRow]:
    """Read all devices, those that stand for a node itself among them."""
    rows = connection.execute(_SQL["devices"])
    return [
        DeviceRow(group, node, device, life, _us(born), _us(died), births)
        for group, node, device, life, born, died, births in rows
    ]


def keep(connection: Connection, nodes: Sequence[NodeRow], devices: Iterable[DeviceRow]) -> None:
    """Keep nodes and devices as they are now, in the open transaction."""
    node_rows = [
        {
            "group": row.group,
            "node": row.node,
            "site_id": row.site_id,
            "bd_seq": row.bd_seq,
            "seq": row.seq,
            "newest_at": _instant(row.newest_us),
        }
        for row in sorted(nodes)  # in one order always: two workers never wait for each other
    ]
    device_rows = [
        {
            "group": row.group,
            "node": row.node,
            "device": row.device,
            "site_id": row.site_id,
            "life": row.life,
            "born_at": _instant(row.born_us),
            "died_at": _instant(row.died_us),
            "births": row.births,
        }
        for row in sorted(devices)
    ]
    cursor = connection.cursor()
    if node_rows:
        cursor.executemany(_SQL["keep_node"], node_rows)
    if device_rows:
        cursor.executemany(_SQL["keep_device"], device_rows)


def _instant(us: int) -> datetime | None:
    return instant(us) if us else None


def _us(at: datetime | None) -> int:
    return 0 if at is None else micros(at)
