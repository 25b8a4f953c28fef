"""The service: messages in over MQTT, batches out to the writer, acknowledgements back after each commit, in order.

One event loop receives and decodes, one thread plans a batch while another stores the one before it. What is held in
memory is bounded (`ingest.arrivals`). Unacknowledged messages belong to the broker: in an outage they are dropped and
come again.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import structlog

from ingest.arrivals import Arrivals
from ingest.backoff import Backoff
from ingest.link import Link
from ingest.mapping import Mapping
from ingest.metrics import Metrics
from ingest.replay import Replayer
from ingest.route import Router
from ingest.session import Session
from ingest.settings import IngestSettings
from ingest.sparkplug import keeping
from ingest.sparkplug.state import Node
from ingest.storing import Storing
from ingest.waiting import Signals
from ingest.writer import Writer
from store import site_quota
from store.errors import DatabaseUnavailableError

TIDY_EVERY_S = 3600.0
FOLD_EVERY_S = 300.0  # what is not folded is added up by each reader
REPLAY_EVERY_S = 2.0

log = structlog.get_logger("ingest")


class Service:
    """Everything between the broker and the database."""

    def __init__(self, settings: IngestSettings, router: Router, writer: Writer, metrics: Metrics) -> None:
        self._settings = settings
        self._router = router
        self._writer = writer
        self._metrics = metrics
        self._signals = Signals()
        self.session = Session(settings)
        quotas = writer.planner.site_quotas
        self._arrivals = Arrivals(settings, router, quotas, (self.session, self._read_nodes), metrics)
        self._storing = Storing(self._arrivals, writer, metrics, self._signals, settings.ingest_outage_s)
        self._link = Link(settings, router, self.session, self._arrivals, self._signals)

    def stop(self) -> None:
        """Ask for an orderly end: what is held is stored and acknowledged first."""
        self._signals.stopping.set()

    @property
    def stuck_s(self) -> float:
        """For how many seconds one of the threads has not come back."""
        return self._storing.stuck_s

    async def reload(self, mappings: Sequence[Mapping]) -> None:
        """Use other mapping files from now on."""
        await self._link.reload(mappings)

    async def run(self) -> None:
        """Work until asked to stop."""
        signals, link = self._signals, self._link
        try:
            async with asyncio.TaskGroup() as group:
                storing = group.create_task(self._store_batches(), name="store batches")
                others = [
                    group.create_task(link.keep_connected(), name="keep connected"),
                    group.create_task(
                        self.session.watch(link.session_lost, signals.pause, signals.stopping), name="renew the lease"
                    ),
                    group.create_task(self._tidy_hourly(), name="prepare days"),
                    group.create_task(self._fold(), name="fold the ledger"),
                    group.create_task(self._replay(), name="carry out replays"),
                    group.create_task(link.end_waiting(), name="wait for sessions of before"),
                ]
                await signals.stopping.wait()
                await self._finish(storing)
                for task in others:
                    task.cancel()
        finally:
            await link.disconnect()
            await self.session.close()
            await self._storing.close()

    async def _finish(self, storing: asyncio.Task[None]) -> None:
        """Take nothing more; store and acknowledge what is held."""
        log.info("stopping", held=self._arrivals.held, most_held=self._arrivals.most_held)
        await self._link.take_no_more()
        self._arrivals.close_batch()
        self._signals.all_came.set()
        self._arrivals.wake.set()
        await storing

    # -- the database ---------------------------------------------------------------------------------

    async def _store_batches(self) -> None:
        await self._wait_for_database(first=True)
        await self._storing.run(self._sit_out)

    async def _sit_out(self, error: DatabaseUnavailableError) -> None:
        """Leave the broker (it keeps what was not acknowledged) and come back when the database answers."""
        log.error("database_away", error=str(error))
        self._metrics.outages.labels("database").inc()
        self._metrics.database.set(0)
        self._signals.database_up.clear()
        await self._link.disconnect()
        self._storing.drop()
        if not self._signals.stopping.is_set():
            await self._wait_for_database(first=False)

    async def _wait_for_database(self, *, first: bool) -> None:
        backoff = Backoff()
        while not self._signals.stopping.is_set():
            try:
                self._arrivals.forget_kept(await self._storing.in_thread(self._writer.open))
                if first:
                    self._arrivals.served_at -= await self._storing.in_thread(self._silent_s)
                await self._restore_nodes()
            except DatabaseUnavailableError as error:
                log.warning("database_unreachable", error=str(error))
                await self._signals.pause(backoff.next_s())
            else:
                await self._prepare_days()
                log.info("database_connected" if first else "database_back")
                self._metrics.database.set(1)
                self._signals.database_up.set()
                return

    def _silent_s(self) -> float:
        """For how long the broker has kept what nobody took."""
        return self._writer.run(lambda connection: site_quota.silent_s(connection, self._settings.slot.session))

    async def _restore_nodes(self) -> None:
        """Know of Sparkplug nodes what is stored of them, then take in again what an outage left here.

        Raises:
            DatabaseUnavailableError: nobody answers.
        """
        if self._router.host is not None:
            self._router.host.load(await self._read_nodes())
            self._arrivals.take_in_kept()

    async def _read_nodes(self) -> list[Node]:
        return await self._storing.in_thread(lambda: self._writer.run(keeping.restore))

    # -- the rest -------------------------------------------------------------------------------------

    async def _prepare_days(self) -> None:
        """Make partitions ahead; where that cannot be now, the next hour or the first reading of a day makes them."""
        try:
            await self._storing.in_thread(self._writer.prepare_days)
        except DatabaseUnavailableError as error:
            log.warning("days_not_prepared", error=str(error))

    async def _tidy_hourly(self) -> None:
        while not self._signals.stopping.is_set():
            await self._signals.pause(TIDY_EVERY_S)
            if self._signals.stopping.is_set():
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
        while not self._signals.stopping.is_set():
            await self._signals.pause(FOLD_EVERY_S)
            if self._signals.database_up.is_set() and not self._signals.stopping.is_set():
                with suppress(DatabaseUnavailableError):  # the deltas wait
                    await asyncio.to_thread(self._writer.fold_ledger)

    async def _replay(self) -> None:
        replayer = Replayer(self._writer, self._router, self._settings.limits)
        while not self._signals.stopping.is_set():
            await self._signals.pause(REPLAY_EVERY_S)
            try:
                while self._signals.database_up.is_set() and not self._signals.stopping.is_set():
                    if not await replayer.step(self._storing.in_thread):
                        break
            except DatabaseUnavailableError as error:  # the requests wait
                log.warning("replay_put_off", error=str(error))
