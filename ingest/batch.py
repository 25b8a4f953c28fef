"""Collects messages until a batch is full or old enough. Pure: the clock is given."""

from collections.abc import Callable

from ingest.message import Message


class Batcher:
    """The batch in the making; closed by number of values or by age."""

    def __init__(self, most_values: int, age_s: float, clock: Callable[[], float]) -> None:
        self._most_values = most_values
        self._age_s = age_s
        self._clock = clock
        self._messages: list[Message] = []
        self._values = 0
        self._since = 0.0

    def __len__(self) -> int:
        return len(self._messages)

    def add(self, message: Message) -> bool:
        """Add a message; true when the batch is full now. A message without values counts as one."""
        if not self._messages:
            self._since = self._clock()
        self._messages.append(message)
        decoded = message.decoded
        self._values += len(decoded.values) or len(decoded.events) or 1
        return self._values >= self._most_values

    @property
    def due_in_s(self) -> float | None:
        """Seconds until the batch is old enough, None while it is empty."""
        return max(0.0, self._since + self._age_s - self._clock()) if self._messages else None

    def take(self) -> list[Message]:
        """Hand out the batch and begin a new one."""
        taken, self._messages, self._values = self._messages, [], 0
        return taken
