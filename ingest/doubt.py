"""A commit in doubt: what is asked of the database before a commit in, whether it was stored out. One thread.

Batches of the broker and replays have each a `Doubt` of their own, with marks of its own: what one of them stores says
nothing about the other.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import uuid4

from ingest import account
from ingest.headers import Key
from ingest.message import Message
from store import raw
from store.pool import Connection


@dataclass(frozen=True)
class Attempt:
    """A batch whose commit was asked for and not yet confirmed."""

    mark: raw.Mark
    transaction: str
    messages: Sequence[Message]
    accounts: dict[Key, account.Account]
    seen: dict[int, int]


class Doubt:
    """Marks of batches, in order, and the one batch of which nobody knows whether it is stored."""

    def __init__(self) -> None:
        self._mark = raw.Mark(uuid4(), 0)
        self._attempt: Attempt | None = None

    @property
    def is_open(self) -> bool:
        """Whether a batch waits to be asked for."""
        return self._attempt is not None

    def next_mark(self) -> raw.Mark:
        """The mark of the next batch."""
        self._mark = raw.Mark(self._mark.writer, self._mark.number + 1)
        return self._mark

    def begin(self, attempt: Attempt) -> None:
        """Remember what is to be committed now."""
        self._attempt = attempt

    def end(self) -> None:
        """Forget it: it is stored; or it was given up, and the broker sends it again."""
        self._attempt = None

    def resolve(self, connection: Connection, messages: Sequence[Message]) -> Attempt | None:
        """Find out about the batch in doubt, if the messages begin with it; null where they are to be written.

        Raises:
            psycopg.Error: nobody answers, or the lost connection is still at work; ask again.
        """
        if self._attempt is not None and not (messages and messages[0] is self._attempt.messages[0]):
            self.end()
        return self.settle(connection)

    def settle(self, connection: Connection) -> Attempt | None:
        """Find out about the batch in doubt; null where there is none or it is not stored.

        Raises:
            psycopg.Error: nobody answers, or the lost connection is still at work; ask again.
        """
        attempt, is_stored = self._attempt, False
        if attempt is not None:
            is_stored = raw.is_stored(connection, attempt.mark, attempt.transaction)
            connection.commit()
        self.end()
        return attempt if is_stored else None
