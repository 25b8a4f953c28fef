"""What messages made of nodes, to and from the database: in the transaction of their batch, and back at a start."""

from collections.abc import Iterable, Sequence

import msgspec

from ingest.decode.result import Effect
from ingest.sparkplug.state import Change, Device, Life, Node, Table
from store import sparkplug
from store.pool import Connection
from store.sparkplug import DeviceRow, NodeRow

_TABLES = msgspec.json.Decoder(tuple[Table, ...])


def keep(connection: Connection, effects: Iterable[tuple[Sequence[Effect], int]]) -> None:
    """Keep what the messages of a batch made of their nodes, each with the id of its site; 0 = not known, not kept."""
    nodes: dict[tuple[str, str], tuple[Node, int]] = {}
    changed: dict[tuple[str, str], set[str]] = {}
    for of_message, site_id in effects:
        for change in of_message if site_id else ():
            if not isinstance(change, Change):
                continue
            node, devices = change
            key = (node.group, node.name)
            nodes[key] = node, site_id
            if devices:
                changed.setdefault(key, set()).update(devices)
    if nodes:
        rows = [
            NodeRow(node.group, node.name, node.bd_seq, node.seq, node.newest_us, site_id)
            for node, site_id in nodes.values()
        ]
        devices_ = [device_row(*nodes[key], device) for key, found in changed.items() for device in found]
        sparkplug.keep(connection, rows, devices_)


def restore(connection: Connection) -> list[Node]:
    """Read all nodes with their devices."""
    devices: dict[tuple[str, str], dict[str, Device]] = {}
    for row in sparkplug.read_devices(connection):
        device = Device(Life(row.life), row.born_us, row.died_us, _TABLES.decode(row.births))
        devices.setdefault((row.group, row.node), {})[row.device] = device
    return [
        Node(row.group, row.node, row.bd_seq, row.seq, 0, row.newest_us, devices.get((row.group, row.node), {}))
        for row in sparkplug.read_nodes(connection)
    ]


def device_row(node: Node, site_id: int, key: str) -> DeviceRow:
    """A device of a node as a row."""
    device = node.device(key)
    births = msgspec.json.encode(device.tables).decode()
    return DeviceRow(node.group, node.name, key, int(device.life), device.born_us, device.died_us, births, site_id)
