"""Slots: how the sessions of one ingest are called, what each subscribes to, which topics are its own. Pure.

The session of a slot has in its name the number of slots and who shares out the topics. So a layout is never changed
under messages that wait in a session: another number of workers has other sessions, and those of before are emptied
under the rules they were filled by (docs/decisions/0014-workers.md).
"""

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

PER_NODE = "spBv1.0/"  # topics with state per node: every slot reads them all, each node belongs to one slot
OWN_DEVICES = b"haidang/v1/"  # the last level of these topics says what kind of message it is, not whose
_OWN = "-own"


@dataclass(frozen=True)
class Slot:
    """One of the sessions that share the work; number 0 of 1 = all of it.

    `is_own`: the slots share out the topics themselves; otherwise the broker does, by shared subscriptions.
    """

    client_id: str
    number: int = 0
    of: int = 1
    is_own: bool = False

    @property
    def session(self) -> str:
        """The MQTT client id."""
        if self.of == 1:
            return self.client_id
        return f"{self.client_id}-{self.number}of{self.of}{_OWN if self.is_own else ''}"

    def filters(self, wanted: Iterable[str], per_node: Sequence[str] = ()) -> list[str]:
        """The topic filters as this slot subscribes to them: shared with the others where it does not matter who reads.

        The group has the name of the client id, whatever the number of slots: each message reaches one session.
        `per_node` are filters of topics that no sharing may keep from a slot, also where another filter covers them.
        """
        if self.of == 1 or self.is_own:
            return list(wanted)
        shared = [text if text.startswith(PER_NODE) else f"$share/{self.client_id}/{text}" for text in wanted]
        return list(dict.fromkeys([*shared, *per_node]))

    def owns(self, name: bytes) -> bool:
        """Whether what has this name belongs to this slot: exactly one of a layout says so, always and everywhere."""
        return self.of == 1 or zlib.crc32(name) % self.of == self.number

    def must_read(self, topic: bytes, *, knows_nodes: bool) -> bool:
        """Whether a message that reached this slot is for it to read; Sparkplug's is for the host to say, if any."""
        if not self.is_own or (knows_nodes and topic.startswith(_NODES)):
            return True
        return self.owns(topic.rpartition(b"/")[0] if topic.startswith(OWN_DEVICES) else topic)


_NODES = PER_NODE.encode()


def layout(client_id: str, workers: int, *, is_own: bool = False) -> list[Slot]:
    """All slots of an ingest with so many workers."""
    return [Slot(client_id, number, workers, is_own and workers > 1) for number in range(workers)]


def of_session(client_id: str, number: int, of: int, session: str) -> Slot:
    """The slot of a session that is known by its name."""
    return Slot(client_id, number, of, session.endswith(f"of{of}{_OWN}"))


def named(slots: Iterable[Slot]) -> str:
    """Slots of one ingest as a text: `0/3 1/3`, or `0/3/own 1/3/own`."""
    return " ".join(f"{slot.number}/{slot.of}{'/own' if slot.is_own else ''}" for slot in slots)


def parse_slots(client_id: str, text: str) -> list[Slot]:
    """The slots that `named` wrote down."""
    parts = (part.split("/") for part in text.split())
    return [Slot(client_id, int(number), int(of), bool(own)) for number, of, *own in parts]
