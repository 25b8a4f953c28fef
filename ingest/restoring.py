"""What is known of Sparkplug nodes: read when a session becomes ours, and after what waits in the sessions of before.

In: a session that was taken, the stored nodes. Out: a host that knows them, and messages that had to wait for it.

A session that somebody else worked under until now has changed the nodes; so has, after a change of the number of
workers, what still waits in the sessions of before: a birth there gives aliases their meaning. Until those are empty,
messages of nodes wait here, unacknowledged.
"""

import time
from collections.abc import Awaitable, Callable, Iterable

import structlog

from ingest.message import Message
from ingest.session import Session
from ingest.sparkplug.host import Host
from ingest.sparkplug.state import Node, doubted
from ingest.sparkplug.topics import STATE, Place

LONGEST_WAIT_S = 300.0  # for sessions of before: much may wait there, or they cannot be emptied

log = structlog.get_logger("ingest")

Read = Callable[[], Awaitable[list[Node]]]
TakeIn = Callable[[list[Message]], None]


class Restoring:
    """Reads the nodes at the right time."""

    def __init__(
        self, host: Host, session: Session, read: Read, take_in: TakeIn, clock_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._host = host
        self._session = session
        self._read = read
        self._take_in = take_in
        self._clock_s = clock_s
        self._tenure = 0
        self._until_s = 0.0
        self._waiting: list[Message] = []
        self.is_waiting = False

    @property
    def is_known(self) -> bool:
        """Whether the nodes were read since the session became ours."""
        return self._tenure == self._session.tenure

    async def begin(self) -> None:
        """Read the nodes before the first message is taken; say whether messages have to wait.

        Raises:
            DatabaseUnavailableError: nobody answers.
        """
        tenure = self._session.tenure
        self.is_waiting = bool(await self._session.sessions_of_before())
        self._until_s = self._clock_s() + LONGEST_WAIT_S
        self._host.load(await self._read())
        self._tenure = tenure
        if self.is_waiting:
            log.info("sparkplug_waits", reason="sessions of another number of workers are emptied first")

    def must_wait(self, place: Place) -> bool:
        """Whether a message of a node of ours cannot be read yet."""
        return self.is_waiting and place.kind != STATE and self._host.is_mine(f"{place.group}/{place.node}")

    def wait(self, message: Message) -> None:
        """Let a message wait."""
        self._waiting.append(message)

    def drop(self) -> list[Message]:
        """Forget what waits, for the broker sends it again; returns it."""
        dropped, self._waiting = self._waiting, []
        return dropped

    async def step(self) -> None:
        """Take in what waits, if it need not wait any longer.

        Raises:
            DatabaseUnavailableError: nobody answers.
        """
        if not self.is_waiting or not self.is_known:
            return
        left = await self._session.sessions_of_before()
        if left and self._clock_s() < self._until_s:
            return
        nodes = await self._read()
        if left:
            log.warning("sessions_not_empty", sessions=left, advice="nodes are asked to introduce themselves again")
            nodes = awaited(nodes)
        self._host.load(nodes, shared=True)
        self.is_waiting = False
        self._take_in(self.drop())


def awaited(nodes: Iterable[Node]) -> list[Node]:
    """Nodes that may have been born again since: what their aliases mean is not known."""
    return [doubted(node).node for node in nodes]
