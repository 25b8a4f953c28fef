"""Slots: how the sessions of one ingest are called, what each subscribes to. Pure.

The session of a slot has the number of slots in its name. So a layout is never changed under messages that wait in a
session: another number of workers has other sessions, and those of before are emptied under the rules they were
filled by (docs/decisions/0014-workers.md).
"""

from collections.abc import Iterable
from dataclasses import dataclass

PER_NODE = "spBv1.0/"  # topics with state per node: every slot reads them all, each node belongs to one slot


@dataclass(frozen=True)
class Slot:
    """One of the sessions that share the work; number 0 of 1 = all of it."""

    client_id: str
    number: int = 0
    of: int = 1

    @property
    def session(self) -> str:
        """The MQTT client id."""
        return self.client_id if self.of == 1 else f"{self.client_id}-{self.number}of{self.of}"

    def filters(self, wanted: Iterable[str]) -> list[str]:
        """The topic filters as this slot subscribes to them: shared with the others where it does not matter who reads.

        The group has the name of the client id, whatever the number of slots: each message reaches one session.
        """
        if self.of == 1:
            return list(wanted)
        return [text if text.startswith(PER_NODE) else f"$share/{self.client_id}/{text}" for text in wanted]


def layout(client_id: str, workers: int) -> list[Slot]:
    """All slots of an ingest with so many workers."""
    return [Slot(client_id, number, workers) for number in range(workers)]


def named(slots: Iterable[Slot]) -> str:
    """Slots of one ingest as a text: `0/3 1/3`."""
    return " ".join(f"{slot.number}/{slot.of}" for slot in slots)


def parse_slots(client_id: str, text: str) -> list[Slot]:
    """The slots that `named` wrote down."""
    pairs = (part.split("/") for part in text.split())
    return [Slot(client_id, int(number), int(of)) for number, of in pairs]
