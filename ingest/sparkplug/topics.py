"""Topics of Sparkplug: text in, who speaks and what kind of message it is out; and the other way."""

from typing import NamedTuple

NAMESPACE = "spBv1.0"
SUBSCRIPTION = f"{NAMESPACE}/#"
_OF_NODES = frozenset({"NBIRTH", "NDEATH", "NDATA", "NCMD"})
_OF_DEVICES = frozenset({"DBIRTH", "DDEATH", "DDATA", "DCMD"})
COMMANDS = frozenset({"NCMD", "DCMD"})
DATA = frozenset({"NDATA", "DDATA"})
STATE = "STATE"


class Place(NamedTuple):
    """Who speaks: a device of a node of a group, the node itself where the device is empty, or a host (STATE)."""

    kind: str
    group: str
    node: str
    device: str = ""

    @property
    def key(self) -> tuple[str, str]:
        return self.group, self.node

    @property
    def identity(self) -> str:
        """Who speaks, whatever the kind of message: what mappings match, and the key of the device."""
        return "/".join([NAMESPACE, self.group, self.node, *([self.device] if self.device else [])])

    def topic(self, kind: str) -> str:
        """The topic of another kind of message of the same speaker."""
        return "/".join([NAMESPACE, self.group, kind, self.node, *([self.device] if self.device else [])])


def parse(topic: str) -> Place | str:
    """The place of a topic, or what is wrong with it."""
    levels = topic.split("/")
    if levels[0] != NAMESPACE or not all(levels):
        return "spBv1.0/GROUP/TYPE/NODE[/DEVICE] was expected"
    if len(levels) == 3 and levels[1] == STATE:
        return Place(STATE, "", levels[2])
    if len(levels) == 4 and levels[2] in _OF_NODES:
        return Place(levels[2], levels[1], levels[3])
    if len(levels) == 5 and levels[2] in _OF_DEVICES:
        return Place(levels[2], levels[1], levels[3], levels[4])
    if len(levels) in (4, 5) and levels[2] in _OF_NODES | _OF_DEVICES:
        speaker = "node" if levels[2] in _OF_NODES else "device"
        return f"{levels[2]} is a message of a {speaker}, the topic says otherwise"
    return "spBv1.0/GROUP/TYPE/NODE[/DEVICE] was expected"
