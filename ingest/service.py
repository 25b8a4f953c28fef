"""The service: messages in over MQTT, batches out to the writer, acknowledgements back after each commit, in order.

One event loop receives and decodes, one thread stores; the next batch is decoded while the last one commits. What is
held in memory is bounded here. Unacknowledged messages belong to the broker: in an outage they are dropped and come
again.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

import structlog

from ingest.backoff import Backoff
from ingest.batch import Batcher
from ingest.connection import BrokerConnection, BrokerUnreachableError
from ingest.decode.result import Decoded, refused
from ingest.message import Message
from ingest.metrics import Metrics
from ingest.route import Router, Source
from ingest.settings import IngestSettings
from ingest.writer import Writer
from store.errors import DatabaseUnavailableError

T = TypeVar("T")

TIDY_EVERY_S = 3600.0
RETRY_S = 0.3
LOW_WATER = 0.7  # of the bound: reading goes on below it

log = structlog.get_logger("ingest")


class Service:
    """Everything between the broker and the database."""

    def __init__(self, settings: IngestSettings, router: Router, writer: Writer, metrics: Metrics) -> None:
        self._settings = settings
        self._router = router
        self._writer = writer
        self._metrics = metrics
        self._batcher = Batcher(settings.ingest_batch_values)
        self._ready: deque[list[Message]] = deque()
        self._wake = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._stopping = asyncio.Event()
        self._database_up = asyncio.Event()
        self._connection: BrokerConnection | None = None
        self._held = 0
        self._held_bytes = 0
        self._most_held = 0
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
                    group.create_task(self._tidy_hourly(), name="fold the ledger, prepare days"),
                ]
                await self._stopping.wait()
                await self._finish(storing)
                for task in others:
                    task.cancel()
        finally:
            await self._disconnect()
            await self._in_thread(self._writer.close)
            self._thread.shutdown()

    # -- receiving ------------------------------------------------------------------------------------

    def receive(self, topic: bytes, payload: bytes, packet_id: int, dup: bool, connection: BrokerConnection) -> None:
        """Take a message of the current connection: decode it and put it into the batch."""
        if connection is not self._connection:
            return  # of a connection that was given up: the broker sends it again
        source = self._router.source(topic.decode("utf-8", "replace"))
        decoded = self._decode(source, payload)
        message = Message(source, payload, time.time_ns() // 1000, decoded, dup, packet_id, connection)
        self._held += 1
        self._held_bytes += len(payload)
        if self._batcher.add(message):
            self._close_batch()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._settings.ingest_batch_age_s, self._close_batch)
        if self._is_full() and not connection.is_paused:
            connection.pause()
        self._most_held = max(self._most_held, self._held)

    def _decode(self, source: Source, payload: bytes) -> Decoded:
        most = self._settings.ingest_payload_bytes
        if len(payload) > most:
            return refused("too_large", f"the payload has {len(payload):,} bytes, {most:,} are allowed")
        try:
            return source.decode(payload)
        except Exception:  # a fault of ours must cost one message, not the service
            log.exception("decoder_failed", topic=source.topic)
            return refused("undecodable", "our decoder failed on it; the service's log says how")

    def _close_batch(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if len(self._batcher):
            self._ready.append(self._batcher.take())
            self._wake.set()

    def _is_full(self, share: float = 1.0) -> bool:
        return (
            self._held >= self._settings.ingest_held_messages * share
            or self._held_bytes >= self._settings.ingest_held_bytes * share
        )

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
                await self._store(self._ready.popleft())
            except DatabaseUnavailableError as error:
                await self._sit_out(error)

    async def _store(self, messages: list[Message]) -> None:
        """Store a batch and acknowledge it; for a short while an outage is met by trying again.

        Raises:
            DatabaseUnavailableError: the outage lasts.
        """
        failing_since: float | None = None
        while messages:
            try:
                report = await self._in_thread(lambda batch=messages: self._writer.write(batch))  # type: ignore[misc]
            except DatabaseUnavailableError as error:
                self._release(messages[: self._writer.stored])
                messages = messages[self._writer.stored :]
                failing_since = failing_since or time.monotonic()
                if self._stopping.is_set() or time.monotonic() - failing_since > self._settings.ingest_outage_s:
                    raise
                log.warning("store_failed", messages=len(messages), error=str(error))
                await asyncio.sleep(RETRY_S)
            else:
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
        self._held_bytes -= sum(len(m.payload) for m in messages)
        self._metrics.held.set(self._held)
        if current is not None and current.is_paused and not self._is_full(LOW_WATER) and not self._stopping.is_set():
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
        """Forget what is held: none of it is acknowledged."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._ready.clear()
        self._batcher.take()
        self._held = self._held_bytes = 0
        self._metrics.held.set(0)

    async def _wait_for_database(self, *, first: bool) -> None:
        backoff = Backoff()
        while not self._stopping.is_set():
            try:
                await self._in_thread(self._writer.open)
            except DatabaseUnavailableError as error:
                log.warning("database_unreachable", error=str(error))
                await self._pause(backoff.next_s())
            else:
                await self._prepare_days()
                log.info("database_connected" if first else "database_back")
                self._metrics.database.set(1)
                self._database_up.set()
                return

    # -- connection -----------------------------------------------------------------------------------

    async def _keep_connected(self) -> None:
        backoff = Backoff()
        while not self._stopping.is_set():
            await self._database_up.wait()
            connection = BrokerConnection(self._settings, self.receive)
            self._connection = connection
            try:
                await connection.open(self._router.subscriptions)
            except BrokerUnreachableError as error:
                log.warning("broker_unreachable", broker=connection.place, error=str(error))
                await self._pause(backoff.next_s())
                continue
            log.info("broker_connected", broker=connection.place, subscriptions=self._router.subscriptions)
            self._metrics.connected.set(1)
            backoff.reset()
            await connection.lost.wait()
            self._metrics.connected.set(0)
            if connection.failure is not None:
                raise connection.failure
            if self._database_up.is_set() and not self._stopping.is_set():
                log.warning("broker_lost", broker=connection.place)
                self._metrics.outages.labels("broker").inc()
                await connection.close()
                await self._pause(backoff.next_s())

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    # -- the rest -------------------------------------------------------------------------------------

    async def _finish(self, storing: asyncio.Task[None]) -> None:
        """Take nothing more; store and acknowledge what is held."""
        log.info("stopping", held=self._held, most_held=self._most_held)
        if self._connection is not None:
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
            with suppress(DatabaseUnavailableError):  # the deltas wait
                await self._in_thread(self._writer.fold_ledger)

    async def _pause(self, seconds: float) -> None:
        """Wait, but not longer than until the end is asked for."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._stopping.wait()

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)
