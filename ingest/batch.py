"""Collects messages until a batch is full. Pure: who feeds it closes it by age."""

from collections import deque
from collections.abc import Sequence

from ingest.message import Message

MOST_JOINED = 4


class Batcher:
    """The batch in the making; closed by number of values."""

    def __init__(self, most_values: int) -> None:
        self._most_values = most_values
        self._messages: list[Message] = []
        self._values = 0

    def __len__(self) -> int:
        return len(self._messages)

    def add(self, message: Message, values: int) -> bool:
        """Add a message of so many values; true when the batch is full now.

        The messages of one packet stay together, since they are acknowledged together: whoever adds them closes the
        batch after the last, so it may be fuller than full.
        """
        self._messages.append(message)
        self._values += values
        return self._values >= self._most_values

    def take(self) -> list[Message]:
        """Hand out the batch and begin a new one."""
        taken, self._messages, self._values = self._messages, [], 0
        return taken


def middle_of(messages: Sequence[Message]) -> int:
    """Where to halve a batch without tearing the messages of one packet apart; 0 where there is only one packet."""
    places = [place for place, message in enumerate(messages) if place and not message.is_derived]
    return min(places, key=lambda place: abs(place - len(messages) // 2), default=0)


def take_joined(ready: deque[list[Message]], most_messages: float) -> list[Message]:
    """The oldest batch; where the worker is behind, several as one, since each commit waits for the disk.

    Not more than so many messages: the broker's window must leave room for others while these are stored.
    """
    batch = ready.popleft()
    for _ in range(MOST_JOINED - 1):
        if not ready or len(batch) + len(ready[0]) > most_messages:
            break
        batch += ready.popleft()
    return batch
