"""The nodes that are known, within bounds: changes in; nodes out, or a refusal where there would be too many."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from ingest.sparkplug.payload import PayloadError
from ingest.sparkplug.state import Change, Device, Node

if TYPE_CHECKING:
    from ingest.route import Source

Key = tuple[str, str]

MOST_NODES = 20_000
MOST_DEVICES = 2_000  # of a node
MOST_NODE_METRICS = 50_000  # in all births that are kept of a node and its devices
MOST_METRICS = 1_000_000  # of all nodes


class Nodes:
    """Every node as it is after everything that was received, and those of which something may have been missed."""

    def __init__(self, forgotten: Callable[[Key], None]) -> None:
        self._forgotten = forgotten  # is told whom room was made of
        self._nodes: dict[Key, Node] = {}
        self._strangers: dict[Key, Source] = {}  # nodes that were not stored yet, perhaps of a site that nobody knows
        self._metrics: dict[Key, int] = {}
        self._all_metrics = 0
        self.doubtful: set[Key] = set()
        self._shared_until: dict[Key, int] = {}

    def load(self, nodes: Iterable[Node], *, shared: bool = False) -> None:
        """Replace what is held by what is stored.

        `shared`: what it says until now was received by somebody else too, and may come here after it was stored.
        """
        self._nodes = {(node.group, node.name): node for node in nodes}
        self._strangers.clear()
        self._metrics = {key: sum(map(_size, node.devices.values())) for key, node in self._nodes.items()}
        self._all_metrics = sum(self._metrics.values())
        if shared:
            self._shared_until.update((key, node.newest_us) for key, node in self._nodes.items())
        self.doubt()

    def shared_until_us(self, key: Key) -> int:
        """Until when what a node said may have been stored by who worked for it before."""
        return self._shared_until.get(key, 0)

    def doubt(self) -> None:
        """Nobody listened for a while."""
        self.doubtful = set(self._nodes)

    def get(self, key: Key) -> Node | None:
        """A node as it is now."""
        return self._nodes.get(key)

    def known_or_new(self, key: Key, source: "Source") -> Node:
        """The node of a message.

        Raises:
            PayloadError: there is no room for another.
        """
        found = self._nodes.get(key)
        if found is not None:
            return found
        if len(self._nodes) >= MOST_NODES and not self._make_room():
            raise PayloadError("too_many_nodes", f"{MOST_NODES:,} Sparkplug nodes are known already")
        self._strangers[key] = source
        return Node(*key)

    def keep(self, change: Change) -> Change:
        """Hold a node as a message left it.

        Raises:
            PayloadError: there is no room for what it has now; it is held as it was.
        """
        node = change.node
        key = (node.group, node.name)
        if change.devices:
            self._count(key, node, change.devices)
        self._nodes[key] = node
        return change

    def _count(self, key: Key, node: Node, changed: Iterable[str]) -> None:
        if len(node.devices) > MOST_DEVICES:
            raise PayloadError("too_many_devices", f"this node has {MOST_DEVICES:,} devices already")
        before, held = self._nodes.get(key, node), self._metrics.get(key, 0)
        old = 0 if before is node else sum(_size(before.device(device)) for device in changed)
        more = sum(_size(node.device(device)) for device in changed) - old
        if more > 0 and held + more > MOST_NODE_METRICS:
            detail = f"the births of this node and its devices would have more than {MOST_NODE_METRICS:,} metrics"
            raise PayloadError("too_many_metrics", detail)
        if more > 0 and self._all_metrics + more > MOST_METRICS:
            raise PayloadError("too_many_metrics", f"{MOST_METRICS:,} metrics of Sparkplug nodes are known already")
        self._metrics[key] = held + more
        self._all_metrics += more

    def _make_room(self) -> bool:
        """Let the oldest node go whose site nobody knows: such ones must not lock out others."""
        for key, source in list(self._strangers.items()):
            del self._strangers[key]
            if not source.site_id and self._nodes.pop(key, None) is not None:
                self._all_metrics -= self._metrics.pop(key, 0)
                self.doubtful.discard(key)
                self._forgotten(key)
                return True
        return False


def _size(device: Device) -> int:
    return sum(len(table.metrics) for table in device.tables)
