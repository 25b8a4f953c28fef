"""A worker's session at the broker: held by a lease, its subscriptions known, emptied when it is no longer wanted.

In: settings, a connection, the topic filters wanted. Out: a session that nobody else works under, and a row in the
database that says what it is subscribed to, so that a later start knows what to take back.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

import structlog

from ingest.connection import BrokerConnection
from ingest.errors import SessionInUseError
from ingest.leases import Lease
from ingest.leftovers import leftovers
from ingest.settings import IngestSettings
from ingest.slots import layout
from ingest.waiting import in_thread, pause
from store.errors import DatabaseUnavailableError
from store.leases import Worker

T = TypeVar("T")

ASK_AGAIN_S = 1.0
QUIET_S = 0.3

Pause = Callable[[float], Awaitable[None]]

log = structlog.get_logger("ingest")


class Session:
    """What a worker does with its session beside reading messages."""

    def __init__(self, settings: IngestSettings) -> None:
        slot = settings.slot
        self.is_leftover = settings.ingest_drain != ""
        self.is_emptied = False
        self.tenure = 0  # how often the lease was taken
        self.overlaps = True  # until it is known: what comes may also be in a session of another layout
        self._had_others = False
        self._slots = layout(slot.client_id, slot.of, is_own=slot.is_own)
        self._name = slot.session
        # The supervisor holds the row that has the name of the whole: emptying that session is done under its lease.
        self._is_lent = self.is_leftover and slot.of == 1
        self._lease = Lease(
            settings.database_url,
            slot,
            role="drain" if self.is_leftover else "worker",
            holder=settings.ingest_holder,
            ttl_s=settings.ingest_lease_s,
        )
        self._taken = asyncio.Event()
        self._settled: BrokerConnection | None = None
        self.state = "starting"
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="lease")

    # -- the lease ------------------------------------------------------------------------------------

    async def hold(self, pause: Pause, stopping: asyncio.Event) -> bool:
        """Wait until the session is ours; false when the end came first.

        Raises:
            SessionInUseError: it was to be emptied, and somebody works under it.
        """
        said = ""
        await self._check()
        while not self._taken.is_set() and not stopping.is_set():
            try:
                other = await self._in_thread(self._lease.borrow if self._is_lent else self._lease.take)
            except DatabaseUnavailableError:
                await pause(ASK_AGAIN_S)
                continue
            if other is None:
                self.tenure += 1
                await self._look_beside()
                self._taken.set()
            elif self.is_leftover:
                raise SessionInUseError(other)
            else:
                if other.split(",")[0] != said:
                    log.warning("session_in_use", reason=other, advice="waiting for it")
                said = other.split(",")[0]
                await pause(ASK_AGAIN_S)
        return not stopping.is_set()

    async def watch(self, lost: Callable[[], Awaitable[None]], pause: Pause, stopping: asyncio.Event) -> None:
        """Renew the lease for ever; call `lost` when somebody else has taken it."""
        while not stopping.is_set():
            await self._taken.wait()
            await pause(self._lease.renew_every_s)
            if self._is_lent or stopping.is_set():
                continue
            with suppress(DatabaseUnavailableError):  # who cannot renew goes on until somebody else takes it
                if not await self._in_thread(lambda: self._lease.renew(self.state)):
                    self._taken.clear()
                    await lost()
                elif self.overlaps:
                    await self._look_beside()

    async def _look_beside(self) -> None:
        """Learn whether there are sessions of before; what they had may come a little after they are gone."""
        with suppress(DatabaseUnavailableError):
            others = await self.sessions_of_before()
            self.overlaps = self.is_leftover or bool(others) or self._had_others
            self._had_others = bool(others)

    async def _check(self) -> None:
        """Notice at once that somebody else has taken what was ours: in an outage, say."""
        if self._taken.is_set() and not self._is_lent:
            with suppress(DatabaseUnavailableError):  # goes on, as `watch` does
                if not await self._in_thread(lambda: self._lease.renew(self.state)):
                    self._taken.clear()

    @property
    def holder(self) -> str:
        return self._lease.claim.holder

    async def sessions_of_before(self) -> list[str]:
        """Sessions of another number of workers that may hold messages still; who empties one has none to wait for.

        Raises:
            DatabaseUnavailableError: nobody answers.
        """
        if self.is_leftover:
            return []
        return [slot.session for slot in leftovers(await self.all_sessions(), self._slots)]

    async def all_sessions(self) -> list[Worker]:
        """All sessions of this ingest, as the database knows them."""
        return await self._in_thread(self._lease.workers)

    async def close(self) -> None:
        """Give the session free."""
        with suppress(DatabaseUnavailableError):
            if self._taken.is_set() and not self._is_lent:
                await self._in_thread(self._lease.release)
        await self._in_thread(self._lease.close)
        self._thread.shutdown()

    # -- subscriptions --------------------------------------------------------------------------------

    async def announce(self, wanted: Sequence[str]) -> None:
        """Record what the session is about to be subscribed to, before it is.

        Raises:
            DatabaseUnavailableError: nobody answers.
        """
        known = self._lease.subscriptions
        if not self._is_lent and (known is None or set(wanted) - set(known)):
            await self._note(sorted({*wanted, *(known or ())}))

    async def settle(self, connection: BrokerConnection, wanted: Sequence[str]) -> None:
        """End the subscriptions of before that are not wanted any more.

        Raises:
            DatabaseUnavailableError, ConnectionError: no answer.
        """
        self.state = "connected"
        keeps = connection.session_present or connection is self._settled
        self._settled = connection
        unwanted = sorted(set(self._lease.subscriptions or ()) - set(wanted)) if keeps else []
        if unwanted:
            try:
                await connection.remove_filters(unwanted)
            except TimeoutError:
                log.warning("not_unsubscribed", filters=unwanted, advice="their messages go on to come")
                return
            log.info("unsubscribed", filters=unwanted)
        await self._note(sorted(wanted))

    # -- the end of a session -------------------------------------------------------------------------

    async def empty(self, connection: BrokerConnection, possible: Sequence[str], held: Callable[[], int]) -> None:
        """End all subscriptions and wait until what was in the session is stored and acknowledged.

        The proof: everything received is acknowledged, and pings are answered without a message in between. A broker
        that had one would have sent it before the answer.

        Raises:
            TimeoutError, ConnectionError: the connection does not hold that long.
        """
        self.state = "draining"
        if not connection.session_present:
            return
        known = self._lease.subscriptions
        await connection.remove_filters(sorted(set(possible if known is None else known)))
        while True:
            while held():
                await self._wait(connection, QUIET_S)
            before = connection.received
            await connection.ping()  # an answer to a ping of the client's own may come first:
            await connection.ping()  # the second is not before ours
            await self._wait(connection, QUIET_S)
            if connection.received == before and not held():
                return

    async def forget(self) -> None:
        """Note that the broker keeps nothing under this name."""
        self.is_emptied = True
        if self._is_lent:
            await self._note([])
        else:
            await self._in_thread(self._lease.forget)
            self._taken.clear()

    async def _note(self, subscriptions: Sequence[str]) -> None:
        await self._in_thread(lambda: self._lease.note_subscriptions(subscriptions, self.state))

    async def _wait(self, connection: BrokerConnection, seconds: float) -> None:
        await pause(seconds, connection.lost)
        if connection.lost.is_set():
            raise ConnectionError("the broker closed the connection")

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await in_thread(self._thread, work)
