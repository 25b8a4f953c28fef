"""The service: messages in over MQTT, batches out to the writer, acknowledgements back after each commit, in order.

One event loop receives and decodes, one thread stores; the next batch is decoded while the last one commits. What is
held in memory is bounded here. Unacknowledged messages belong to the broker: in an outage they are dropped and come
again.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import chain
from typing import TypeVar

import structlog

from ingest import intake
from ingest.backoff import Backoff
from ingest.batch import Batcher, take_joined
from ingest.connection import BrokerConnection, BrokerUnreachableError
from ingest.decode.result import Decoded, Rejection
from ingest.mapping import Mapping
from ingest.message import Message, memory
from ingest.metrics import Metrics
from ingest.replay import Replayer
from ingest.restoring import Restoring
from ingest.route import Router, Source
from ingest.session import Session
from ingest.settings import IngestSettings
from ingest.sparkplug import keeping, packets
from ingest.sparkplug.state import Node
from ingest.waiting import in_thread, pause
from ingest.writer import NotStoredError, Writer
from store import site_quota
from store.errors import DatabaseUnavailableError

T = TypeVar("T")

TIDY_EVERY_S = 3600.0
FOLD_EVERY_S = 300.0  # what is not folded is added up by each reader
REPLAY_EVERY_S = 2.0
RETRY_S = 0.3
LOW_WATER = 0.7  # of the bound: reading goes on below it
JOINED_SHARE = 1 / 3  # of the window at most in one transaction: the broker goes on sending meanwhile
LOOK_EVERY_S = 0.3  # whether what was waited for is there
LINGER_S = 0.3  # after a host said that it goes: what nodes sent before they read it
_NOTHING = Decoded()
_NOBODY = Source(topic="", decode=lambda _payload: _NOTHING)  # of what another slot reads

log = structlog.get_logger("ingest")


class Service:
    """Everything between the broker and the database."""

    def __init__(self, settings: IngestSettings, router: Router, writer: Writer, metrics: Metrics) -> None:
        self._settings = settings
        self._router = router
        self._writer = writer
        self._metrics = metrics
        self._payload_bytes = settings.ingest_payload_bytes  # here, since they are asked for with every message
        self._full_messages, self._full_bytes = settings.ingest_held_messages, settings.ingest_held_bytes
        self._batcher = Batcher(settings.ingest_batch_values)
        self._ready: deque[list[Message]] = deque()
        self._wake = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._stopping = asyncio.Event()
        self._database_up = asyncio.Event()
        self._connection: BrokerConnection | None = None
        self.session = Session(settings)
        self._slot = settings.slot
        self._host = router.host
        self._nodes = (
            Restoring(router.host, self.session, self._read_nodes, self._take_waiting) if router.host else None
        )
        self._in_work: list[Message] = []
        self._kept: list[Message] = []  # of an outage: to be taken in again
        self._held = 0
        self._held_bytes = 0
        self._most_held = 0
        self._quotas = writer.planner.site_quotas
        self._served_at = time.monotonic()  # until then, whatever came was stored or nothing came
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="writer")

    def stop(self) -> None:
        """Ask for an orderly end: what is held is stored and acknowledged first."""
        self._stopping.set()
        self._wake.set()

    async def run(self) -> None:
        """Work until asked to stop."""
        try:
            async with asyncio.TaskGroup() as group:
                storing = group.create_task(self._store_batches(), name="store batches")
                others = [
                    group.create_task(self._keep_connected(), name="keep connected"),
                    group.create_task(
                        self.session.watch(self._session_lost, self._pause, self._stopping), name="renew the lease"
                    ),
                    group.create_task(self._tidy_hourly(), name="prepare days"),
                    group.create_task(self._fold(), name="fold the ledger"),
                    group.create_task(self._replay(), name="carry out replays"),
                    group.create_task(self._end_waiting(), name="wait for sessions of before"),
                ]
                await self._stopping.wait()
                await self._finish(storing)
                for task in others:
                    task.cancel()
        finally:
            await self._disconnect()
            await self.session.close()
            await self._in_thread(self._writer.close)
            self._thread.shutdown()

    # -- receiving ------------------------------------------------------------------------------------

    def receive(self, topic: bytes, payload: bytes, packet_id: int, dup: bool, connection: BrokerConnection) -> None:
        """Take a message of the current connection: decode it and put it into the batch."""
        if connection is not self._connection:
            return  # of a connection that was given up: the broker sends it again
        if self._slot.is_own and not self._slot.must_read(topic, knows_nodes=self._host is not None):
            self._pass_over(packet_id, connection)
            return
        source = self._router.source(topic.decode("utf-8", "replace"))
        received_us = time.time_ns() // 1000
        message = Message(source, payload, received_us, _NOTHING, dup, packet_id, connection)
        message.copied = self.session.overlaps
        over = self._over_quota(source) if self._quotas.active else None
        opened = intake.opened(payload, self._payload_bytes) if over is None else payload
        message.weight = len(payload) if isinstance(opened, Rejection) else len(opened)
        if over is not None:
            message.decoded = self._unread(message, over)
            self._hold(message)
        elif source.place is None or self._host is None or isinstance(opened, Rejection):
            message.decoded = intake.decode(source, opened, received_us)
            self._hold(message)
        elif self._nodes is not None and self._nodes.must_wait(source.place):
            self._let_wait(message)
        else:
            self._hold(*packets.messages(self._host, message, opened))
            self._say(connection)
        self._pause_when_full(connection)

    def _pause_when_full(self, connection: BrokerConnection) -> None:
        if (self._held >= self._full_messages or self._held_bytes >= self._full_bytes) and not connection.is_paused:
            connection.pause()

    def _pass_over(self, packet_id: int, connection: BrokerConnection) -> None:
        """Let go of a message that another slot reads: acknowledged in its turn, in no account."""
        if packet_id:
            message = Message(_NOBODY, b"", 0, _NOTHING, packet_id=packet_id, connection=connection)
            message.only_acknowledge = True
            self._hold(message)
            self._pause_when_full(connection)

    def _over_quota(self, source: Source) -> Decoded | None:
        """The refusal of a message that its site's quota has no room for; other workers' nodes are their business."""
        place = source.place
        if place is not None and self._host is not None and not self._host.is_mine(f"{place.group}/{place.node}"):
            return None
        return self._quotas.refusal(source)

    def _unread(self, message: Message, refusal: Decoded) -> Decoded:
        """The refusal of a message over its quota; its number is looked at, so that it is not missing as well."""
        place = message.source.place
        if place is None or self._host is None:
            return intake.unread(message.source, message.payload, self._payload_bytes, refusal)
        opened = intake.opened(message.payload, self._payload_bytes)
        if isinstance(opened, Rejection) or (self._nodes is not None and self._nodes.must_wait(place)):
            return refusal
        return packets.unread(self._host, message, opened, refusal)

    def _let_wait(self, message: Message) -> None:
        """Keep a node's message until the sessions of before are empty; it may be in one of them as well."""
        assert self._nodes is not None  # noqa: S101 - who asks knows that it waits
        message.dup = True
        self._nodes.wait(message)
        message.weight += memory(message.decoded)
        self._held += 1
        self._held_bytes += message.weight

    def _hold(self, *parts: Message) -> None:
        """Put the messages of one packet into the batch: into one, so that they are stored together."""
        for message in parts:
            if self._quotas.active and not message.only_acknowledge:
                self._quotas.spend(message)
            message.weight += memory(message.decoded)
            self._held += 1
            self._held_bytes += message.weight
        if self._batcher.add(*parts):
            self._close_batch()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._settings.ingest_batch_age_s, self._close_batch)

    def _close_batch(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._most_held = max(self._most_held, self._held)
        if len(self._batcher):
            self._ready.append(self._batcher.take())
            self._wake.set()

    def _is_low(self) -> bool:
        return self._held < self._full_messages * LOW_WATER and self._held_bytes < self._full_bytes * LOW_WATER

    # -- storing --------------------------------------------------------------------------------------

    async def _store_batches(self) -> None:
        await self._wait_for_database(first=True)
        while True:
            while not self._ready:
                if self._stopping.is_set() and not len(self._batcher):
                    return
                self._wake.clear()
                await self._wake.wait()
            try:
                await self._store(take_joined(self._ready, self._settings.ingest_receive_maximum * JOINED_SHARE))
            except DatabaseUnavailableError as error:
                await self._sit_out(error)

    async def _store(self, messages: list[Message]) -> None:
        """Store a batch and acknowledge it; for a short while an outage is met by trying again.

        Raises:
            DatabaseUnavailableError: the outage lasts.
        """
        failing_since: float | None = None
        while messages:
            self._in_work = messages
            counted = [message for message in messages if not message.only_acknowledge]
            try:
                report = await self._in_thread(lambda batch=counted: self._writer.write(batch))  # type: ignore[misc]
            except NotStoredError as error:
                stored = _place_after(messages, counted, error.committed)
                self._release(messages[:stored])
                messages = self._in_work = messages[stored:]
                failing_since = failing_since or time.monotonic()
                if self._stopping.is_set() or time.monotonic() - failing_since > self._settings.ingest_outage_s:
                    raise
                log.warning("store_failed", messages=len(messages), error=str(error))
                await asyncio.sleep(RETRY_S)
            else:
                self._in_work = []
                self._release(messages)
                self._metrics.note(report)
                return

    def _release(self, messages: list[Message]) -> None:
        """Acknowledge what is committed, in order, and let go of it."""
        if not messages:
            return
        current = self._connection
        if current is not None:
            current.acknowledge([m.packet_id for m in messages if m.packet_id and m.connection is current])
        self._held -= len(messages)
        self._held_bytes -= sum(m.weight for m in messages)
        self._metrics.held.set(self._held)
        self._served_at = time.monotonic()
        if current is not None and current.is_paused and self._is_low() and not self._stopping.is_set():
            current.resume()

    async def _sit_out(self, error: DatabaseUnavailableError) -> None:
        """Leave the broker (it keeps what was not acknowledged) and come back when the database answers."""
        log.error("database_away", error=str(error))
        self._metrics.outages.labels("database").inc()
        self._metrics.database.set(0)
        self._database_up.clear()
        await self._disconnect()
        self._drop()
        if not self._stopping.is_set():
            await self._wait_for_database(first=False)

    def _drop(self) -> None:
        """Forget what is held: none of it is acknowledged. What the broker may not send again is kept aside."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._nodes is not None:
            self._nodes.drop()
        held = [*self._in_work, *chain.from_iterable(self._ready), *self._batcher.take()]
        self._kept += [packets.again(message) for message in held if packets.is_kept(message)]
        self._in_work = []
        self._ready.clear()
        self._held = self._held_bytes = 0
        self._metrics.held.set(0)

    async def _wait_for_database(self, *, first: bool) -> None:
        backoff = Backoff()
        while not self._stopping.is_set():
            try:
                await self._in_thread(self._writer.open)
                if first:
                    self._served_at -= await self._in_thread(self._silent_s)
                await self._restore_nodes()
            except DatabaseUnavailableError as error:
                log.warning("database_unreachable", error=str(error))
                await self._pause(backoff.next_s())
            else:
                await self._prepare_days()
                log.info("database_connected" if first else "database_back")
                self._metrics.database.set(1)
                self._database_up.set()
                return

    def _silent_s(self) -> float:
        """For how long the broker has kept what nobody took."""
        return self._writer.run(lambda connection: site_quota.silent_s(connection, self._settings.slot.session))

    async def _restore_nodes(self) -> None:
        """Know of Sparkplug nodes what is stored of them, then take in again what an outage left here.

        Raises:
            DatabaseUnavailableError: nobody answers.
        """
        if self._host is None:
            return
        self._host.load(await self._read_nodes())
        kept, self._kept = self._kept, []
        self._take_in(kept)

    async def _read_nodes(self) -> list[Node]:
        return await self._in_thread(lambda: self._writer.run(keeping.restore))

    def _take_in(self, messages: list[Message]) -> None:
        """Take in messages of nodes that were put aside."""
        for message in messages:
            opened = intake.opened(message.payload, self._payload_bytes)
            if self._host is not None and not isinstance(opened, Rejection):
                self._hold(*packets.messages(self._host, message, opened))

    # -- connection -----------------------------------------------------------------------------------

    def _say(self, connection: BrokerConnection) -> None:
        """Publish what the host has to say."""
        if self._host is not None and self._host.outgoing:
            for outgoing in self._host.outgoing:
                connection.say(outgoing)
                log.info("sparkplug_said", topic=outgoing.topic)
            self._host.outgoing.clear()

    async def _keep_connected(self) -> None:
        backoff = Backoff()
        while not self._stopping.is_set():
            await self._database_up.wait()
            if not await self.session.hold(self._pause, self._stopping):
                return
            if not await self._know_nodes():
                continue
            will = self._host.will(time.time_ns() // 1_000_000) if self._host else None
            if self._host is not None:
                self._host.doubt()
            connection = BrokerConnection(self._settings, self.receive, will)
            self._connection = connection
            try:
                await self._take_up(connection)
            except BrokerUnreachableError as error:
                if connection.failure is not None:
                    raise connection.failure from error
                log.warning("broker_unreachable", broker=connection.place, error=str(error))
                await self._pause(backoff.next_s())
                continue
            backoff.reset()
            self._quotas.forgive(time.monotonic() - self._served_at)
            await connection.lost.wait()
            if not self._held:
                self._served_at = time.monotonic()
            self.session.state = "away"
            self._metrics.connected.set(0)
            if connection.failure is not None:
                raise connection.failure
            if self._database_up.is_set() and not self._stopping.is_set():
                log.warning("broker_lost", broker=connection.place)
                self._metrics.outages.labels("broker").inc()
                await connection.close()
                await self._pause(backoff.next_s())

    async def _know_nodes(self) -> bool:
        """Read the nodes when the session has become ours: until then somebody else may have changed them."""
        if self._nodes is None:
            return True
        self._let_go(self._nodes.drop())  # the broker sends it again
        if self._nodes.is_known:
            return True
        while self._held and self._database_up.is_set() and not self._stopping.is_set():
            await self._pause(LOOK_EVERY_S)  # what is held is to be in what is read
        if not self._database_up.is_set() or self._stopping.is_set():
            return False
        try:
            await self._nodes.begin()
        except DatabaseUnavailableError as error:
            log.warning("database_unreachable", error=str(error))
            await self._pause(RETRY_S)
            return False
        return True

    async def _end_waiting(self) -> None:
        """Take in what nodes said, once the sessions of before are empty."""
        while self._nodes is not None and not self._stopping.is_set():
            await self._pause(LOOK_EVERY_S)
            if self._nodes.is_waiting and self._database_up.is_set():
                with suppress(DatabaseUnavailableError):  # it waits
                    await self._nodes.step()
                if self._connection is not None:
                    self._say(self._connection)

    def _take_waiting(self, messages: list[Message]) -> None:
        self._let_go(messages)
        for message in messages:
            message.weight -= memory(message.decoded)  # counted again with what is in it
        self._take_in(messages)

    def _let_go(self, waiting: list[Message]) -> None:
        self._held -= len(waiting)
        self._held_bytes -= sum(message.weight for message in waiting)

    async def _take_up(self, connection: BrokerConnection) -> None:
        """Connect and subscribe to what is wanted and to nothing else; empty a session that is not wanted any more.

        Raises:
            BrokerUnreachableError: broker or database did not go along.
        """
        wanted = self._wanted()
        try:
            await self.session.announce(wanted)
            await connection.open(wanted)
            online = self._host.online() if self._host else None
            if online is not None:
                connection.say(online)
            log.info("broker_connected", broker=connection.place, subscriptions=wanted)
            self._metrics.connected.set(1)
            if not self.session.is_leftover:
                await self.session.settle(connection, wanted)
                return
            filters = self._router.subscriptions
            possible = [*filters, *self._slot.filters(filters, self._router.per_node)]
            await self.session.empty(connection, possible, lambda: self._held)
            await connection.close(forget=True)
            await self.session.forget()
            log.info("session_emptied", session=self._settings.slot.session, messages=connection.received)
            self.stop()
        except (OSError, DatabaseUnavailableError) as error:
            await connection.close()
            raise BrokerUnreachableError(str(error)) from error

    def _wanted(self) -> list[str]:
        if self.session.is_leftover:
            return []
        return self._slot.filters(self._router.subscriptions, self._router.per_node)

    async def _session_lost(self) -> None:
        """Leave a session that somebody else works under now; what is held is stored, and comes to them as a repeat."""
        log.error("session_taken", session=self._settings.slot.session)
        if self._connection is not None:
            await self._connection.close()

    async def reload(self, mappings: Sequence[Mapping]) -> None:
        """Use other mapping files from now on; the session is subscribed to their topics, and to no others."""
        self._router.use(mappings)
        connection, wanted = self._connection, self._wanted()
        if connection is None or connection.lost.is_set() or self.session.is_leftover:
            return
        try:
            await self.session.announce(wanted)
            await connection.add_filters(wanted)
            await self.session.settle(connection, wanted)
        except (OSError, DatabaseUnavailableError) as error:
            log.warning("subscriptions_not_changed", error=str(error), advice="connecting anew")
            await connection.close()

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            self._say_offline(connection)
            await connection.close()

    def _say_offline(self, connection: BrokerConnection) -> bool:
        """Tell nodes to keep their data for later; false where nothing was to be said."""
        offline = self._host.offline(time.time_ns() // 1_000_000) if self._host else None
        if offline is not None and self._host is not None and not connection.lost.is_set():
            connection.say(offline)
        return offline is not None

    # -- the rest -------------------------------------------------------------------------------------

    async def _finish(self, storing: asyncio.Task[None]) -> None:
        """Take nothing more; store and acknowledge what is held."""
        log.info("stopping", held=self._held, most_held=self._most_held)
        if self._connection is not None and self._say_offline(self._connection):
            await asyncio.sleep(LINGER_S)
        if self._connection is not None:  # an outage of the database may have taken it meanwhile
            self._connection.pause()
        self._close_batch()
        self._wake.set()
        await storing

    async def _prepare_days(self) -> None:
        """Make partitions ahead; where that cannot be now, the next hour or the first reading of a day makes them."""
        try:
            await self._in_thread(self._writer.prepare_days)
        except DatabaseUnavailableError as error:
            log.warning("days_not_prepared", error=str(error))

    async def _tidy_hourly(self) -> None:
        while not self._stopping.is_set():
            await self._pause(TIDY_EVERY_S)
            if self._stopping.is_set():
                return
            await self._prepare_days()
            await self._forget_rejected()

    async def _forget_rejected(self) -> None:
        days, most = self._settings.ingest_rejected_days, self._settings.ingest_unknown_bytes
        try:
            count = await asyncio.to_thread(self._writer.forget_rejected, days, most)
        except DatabaseUnavailableError as error:
            log.warning("rejected_not_forgotten", error=str(error))
        else:
            if count:
                log.info("rejected_forgotten", messages=count)

    async def _fold(self) -> None:
        while not self._stopping.is_set():
            await self._pause(FOLD_EVERY_S)
            if self._database_up.is_set() and not self._stopping.is_set():
                with suppress(DatabaseUnavailableError):  # the deltas wait
                    await asyncio.to_thread(self._writer.fold_ledger)

    async def _replay(self) -> None:
        replayer = Replayer(self._writer, self._router, self._settings.limits)
        while not self._stopping.is_set():
            await self._pause(REPLAY_EVERY_S)
            try:
                while self._database_up.is_set() and not self._stopping.is_set():
                    if not await replayer.step(self._in_thread):
                        break
            except DatabaseUnavailableError as error:  # the requests wait
                log.warning("replay_put_off", error=str(error))

    async def _pause(self, seconds: float) -> None:
        """Wait, but not longer than until the end is asked for."""
        await pause(seconds, self._stopping)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await in_thread(self._thread, work)


def _place_after(messages: list[Message], counted: list[Message], stored: int) -> int:
    """How many messages are done when so many of those that count are stored."""
    if stored == 0:
        return 0
    last = counted[stored - 1]
    return next(place for place, message in enumerate(messages) if message is last) + 1
