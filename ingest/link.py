"""A worker's connection to the broker: made when the database answers and the session is ours, made again when lost.

In: settings, what to subscribe to, a session; out: messages to `Arrivals`, over one connection at a time.
"""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress

import structlog

from ingest.arrivals import Arrivals
from ingest.backoff import Backoff
from ingest.connection import BrokerConnection, BrokerUnreachableError
from ingest.mapping import Mapping
from ingest.route import Router
from ingest.session import Session
from ingest.settings import IngestSettings
from ingest.waiting import Signals
from store.errors import DatabaseUnavailableError

RETRY_S = 0.3
LOOK_EVERY_S = 0.3  # whether what was waited for is there
LINGER_S = 0.3  # after a host said that it goes: what nodes sent before they read it

log = structlog.get_logger("ingest")


class Link:
    """Keeps a worker connected."""

    def __init__(
        self, settings: IngestSettings, router: Router, session: Session, arrivals: Arrivals, signals: Signals
    ) -> None:
        self._settings = settings
        self._router = router
        self._session = session
        self._arrivals = arrivals
        self._signals = signals
        self._metrics = arrivals.metrics
        self._host = router.host

    async def keep_connected(self) -> None:
        """Connect, again and again, until the end is asked for."""
        backoff = Backoff()
        while not self._signals.stopping.is_set():
            await self._signals.database_up.wait()
            if not await self._session.hold(self._signals.pause, self._signals.stopping):
                return
            if not await self._know_nodes():
                continue
            connection = self._new_connection()
            try:
                await self._take_up(connection)
            except BrokerUnreachableError as error:
                if connection.failure is not None:
                    raise connection.failure from error
                log.warning("broker_unreachable", broker=connection.place, error=str(error))
                await self._signals.pause(backoff.next_s())
                continue
            backoff.reset()
            self._arrivals.forgive_absence()
            await connection.lost.wait()
            await self._note_loss(connection, backoff)

    def _new_connection(self) -> BrokerConnection:
        will = self._host.will(time.time_ns() // 1_000_000) if self._host else None
        if self._host is not None:
            self._host.doubt()
        connection = BrokerConnection(self._settings, self._arrivals.receive, will)
        self._arrivals.connection = connection
        return connection

    async def _note_loss(self, connection: BrokerConnection, backoff: Backoff) -> None:
        if not self._arrivals.held:
            self._arrivals.served_at = time.monotonic()
        self._session.state = "away"
        self._metrics.connected.set(0)
        if connection.failure is not None:
            raise connection.failure
        if self._signals.database_up.is_set() and not self._signals.stopping.is_set():
            log.warning("broker_lost", broker=connection.place)
            self._metrics.outages.labels("broker").inc()
            await connection.close()
            await self._signals.pause(backoff.next_s())

    async def _know_nodes(self) -> bool:
        """Read the nodes when the session has become ours: until then somebody else may have changed them."""
        nodes, database_up, stopping = self._arrivals.nodes, self._signals.database_up, self._signals.stopping
        if nodes is None:
            return True
        self._arrivals.forget_waiting()
        if nodes.is_known:
            return True
        while self._arrivals.held and database_up.is_set() and not stopping.is_set():
            await self._signals.pause(LOOK_EVERY_S)  # what is held is to be in what is read
        if not database_up.is_set() or stopping.is_set():
            return False
        try:
            await nodes.begin()
        except DatabaseUnavailableError as error:
            log.warning("database_unreachable", error=str(error))
            await self._signals.pause(RETRY_S)
            return False
        return True

    async def end_waiting(self) -> None:
        """Take in what nodes said, once the sessions of before are empty."""
        nodes = self._arrivals.nodes
        while nodes is not None and not self._signals.stopping.is_set():
            await self._signals.pause(LOOK_EVERY_S)
            if nodes.is_waiting and self._signals.database_up.is_set():
                with suppress(DatabaseUnavailableError):  # it waits
                    await nodes.step()
                if self._arrivals.connection is not None:
                    self._arrivals.say(self._arrivals.connection)

    async def _take_up(self, connection: BrokerConnection) -> None:
        """Connect and subscribe to what is wanted and to nothing else; empty a session that is not wanted any more.

        Raises:
            BrokerUnreachableError: broker or database did not go along.
        """
        wanted = self._wanted()
        try:
            await self._session.announce(wanted)
            await connection.open(wanted)
            online = self._host.online() if self._host else None
            if online is not None:
                connection.say(online)
            log.info("broker_connected", broker=connection.place, subscriptions=wanted)
            self._metrics.connected.set(1)
            if self._session.is_leftover:
                await self._empty(connection)
            else:
                await self._session.settle(connection, wanted)
        except (OSError, DatabaseUnavailableError) as error:
            await connection.close()
            raise BrokerUnreachableError(str(error)) from error

    async def _empty(self, connection: BrokerConnection) -> None:
        filters = self._router.subscriptions
        possible = [*filters, *self._settings.slot.filters(filters, self._router.per_node)]
        await self._session.empty(connection, possible, lambda: self._arrivals.held)
        await connection.close(forget=True)
        await self._session.forget()
        log.info("session_emptied", session=self._settings.slot.session, messages=connection.received)
        self._signals.stopping.set()

    def _wanted(self) -> list[str]:
        if self._session.is_leftover:
            return []
        return self._settings.slot.filters(self._router.subscriptions, self._router.per_node)

    async def session_lost(self) -> None:
        """Leave a session that somebody else works under now; what is held is stored, and comes to them as a repeat."""
        log.error("session_taken", session=self._settings.slot.session)
        if self._arrivals.connection is not None:
            await self._arrivals.connection.close()

    async def reload(self, mappings: Sequence[Mapping]) -> None:
        """Use other mapping files from now on; the session is subscribed to their topics, and to no others."""
        self._router.use(mappings)
        connection, wanted = self._arrivals.connection, self._wanted()
        if connection is None or connection.lost.is_set() or self._session.is_leftover:
            return
        try:
            await self._session.announce(wanted)
            await connection.add_filters(wanted)
            await self._session.settle(connection, wanted)
        except (OSError, DatabaseUnavailableError) as error:
            log.warning("subscriptions_not_changed", error=str(error), advice="connecting anew")
            await connection.close()

    async def take_no_more(self) -> None:
        """Stop reading; nodes of Sparkplug are told before, and what they sent until then is taken."""
        if self._arrivals.connection is not None and self._say_offline(self._arrivals.connection):
            await asyncio.sleep(LINGER_S)
        if self._arrivals.connection is not None:  # an outage of the database may have taken it meanwhile
            self._arrivals.connection.pause()

    async def disconnect(self) -> None:
        """Leave the broker, which keeps what was not acknowledged."""
        connection, self._arrivals.connection = self._arrivals.connection, None
        if connection is not None:
            self._say_offline(connection)
            await connection.close()

    def _say_offline(self, connection: BrokerConnection) -> bool:
        """Tell nodes to keep their data for later; false where nothing was to be said."""
        offline = self._host.offline(time.time_ns() // 1_000_000) if self._host else None
        if offline is not None and self._host is not None and not connection.lost.is_set():
            connection.say(offline)
        return offline is not None
