"""Batches of messages in, committed ones out, acknowledged in order of receipt; one is planned while one is stored.

Two threads work for it: one plans, one stores. A plan is used for the batch after the one that was just stored, for its
first try only, and only while the registry is as it was then; when a batch fails, what was planned behind it is thrown
away.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

import structlog

from ingest.arrivals import Arrivals
from ingest.columns import Plan
from ingest.message import Message
from ingest.metrics import Metrics
from ingest.waiting import OwnThread, Signals
from ingest.writer import NotStoredError, Writer
from store.errors import DatabaseUnavailableError

T = TypeVar("T")

RETRY_S = 0.3

log = structlog.get_logger("ingest")


@dataclass(frozen=True)
class Batch:
    """What is stored and acknowledged together; `counted` are the messages that stand in accounts."""

    messages: list[Message]
    counted: list[Message]
    plan: Plan | None

    def place_after(self, stored: int) -> int:
        """How many messages are done when so many of those that count are stored."""
        if stored == 0:
            return 0
        last = self.counted[stored - 1]
        return next(place for place, message in enumerate(self.messages) if message is last) + 1

    def rest(self, stored: int) -> "Batch":
        """What is left when so many of those that count are stored: to be planned anew."""
        return Batch(self.messages[self.place_after(stored) :], self.counted[stored:], None)


class Storing:
    """Plans and stores what arrives; `sit_out` is called when the database is away for longer."""

    def __init__(self, arrivals: Arrivals, writer: Writer, metrics: Metrics, signals: Signals, outage_s: float) -> None:
        self._arrivals = arrivals
        self._writer = writer
        self._metrics = metrics
        self._signals = signals
        self._outage_s = outage_s
        self._in_work: deque[list[Message]] = deque()  # the batch that is stored, and the one that is planned behind it
        self._planning, self._thread = OwnThread("planner"), OwnThread("writer")

    async def run(self, sit_out: Callable[[DatabaseUnavailableError], Awaitable[None]]) -> None:
        """Work until the end is asked for and nothing is left."""
        following, is_sound = self._begin_next(), True
        try:
            while (batch := await following) is not None:
                following = self._begin_next()
                try:
                    is_sound = await self._store(batch if is_sound else batch.rest(0))
                except DatabaseUnavailableError as error:
                    await _abandon(following)
                    await sit_out(error)
                    following, is_sound = self._begin_next(), True
        finally:
            await _abandon(following)

    def _begin_next(self) -> asyncio.Task[Batch | None]:
        return asyncio.create_task(self._next(), name="plan the next batch")

    async def _next(self) -> Batch | None:
        messages = await self._arrivals.next_batch(self._signals.all_came)
        if messages is None:
            return None
        self._in_work.append(messages)
        counted = [message for message in messages if not message.only_acknowledge]
        plan = await self._planning.do(lambda: self._writer.planner.plan_ahead(counted))
        return Batch(messages, counted, plan)

    async def _store(self, batch: Batch) -> bool:
        """Store a batch and acknowledge it; for a short while an outage is met by trying again.

        Returns:
            Whether it went as planned: only then is the plan that was made meanwhile of use.

        Raises:
            DatabaseUnavailableError: the outage lasts.
        """
        failing_since: float | None = None
        while True:
            try:
                report = await self.in_thread(lambda one=batch: self._writer.write(one.counted, one.plan))  # type: ignore[misc]
            except NotStoredError as error:
                self._release(batch.messages[: batch.place_after(error.committed)])
                batch = batch.rest(error.committed)
                self._in_work[0] = batch.messages
                failing_since = failing_since or time.monotonic()
                if self._signals.stopping.is_set() or time.monotonic() - failing_since > self._outage_s:
                    raise
                log.warning("store_failed", messages=len(batch.messages), error=str(error))
                await asyncio.sleep(RETRY_S)
            else:
                self._in_work.popleft()
                self._release(batch.messages)
                self._metrics.note(report)
                return failing_since is None and not report.bisected

    def _release(self, messages: list[Message]) -> None:
        arrivals = self._arrivals
        arrivals.release(messages)
        connection = arrivals.connection
        if connection is not None and connection.is_paused and arrivals.is_low and not self._signals.stopping.is_set():
            connection.resume()

    def drop(self) -> None:
        """Forget what is in work and what waits: the broker sends it again."""
        self._arrivals.drop(self._in_work)
        self._in_work.clear()

    async def in_thread(self, work: Callable[[], T]) -> T:
        """Do something on the writer's thread, between two batches."""
        return await self._thread.do(work)

    @property
    def stuck_s(self) -> float:
        """For how many seconds nothing has come of what a thread was asked for."""
        return max(self._planning.stuck_s, self._thread.stuck_s)

    async def close(self) -> None:
        """End connections and threads."""
        await self.in_thread(self._writer.close)
        self._thread.shutdown()
        self._planning.shutdown()


async def _abandon(following: asyncio.Task[Batch | None]) -> None:
    """Give up a plan that is being made, or waited for; its messages stay in work."""
    following.cancel()
    with suppress(asyncio.CancelledError):
        await following
