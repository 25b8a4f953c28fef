"""Several workers: one process each, watched, started again, ended in order. In: settings. Out: their common end.

The supervisor touches no message. It holds the lease of the whole ingest, so that two of the same client id do not
work at the same time, starts a worker per slot, and has the sessions emptied that an earlier layout left behind.
"""

import asyncio
import signal
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

import structlog

from ingest.backoff import Backoff
from ingest.child import Child, start_child
from ingest.errors import WorkerRefusedError
from ingest.leases import Lease
from ingest.leftovers import Drainer, child_environment, wait_finished
from ingest.settings import IngestSettings
from ingest.sharing import is_own
from ingest.slots import Slot, layout
from ingest.waiting import in_thread, pause
from store.errors import DatabaseUnavailableError
from store.leases import Worker

T = TypeVar("T")

ASK_AGAIN_S = 1.0
STEADY_S = 60.0  # a worker that lived so long begins with short waits again

log = structlog.get_logger("ingest")


class Supervisor:
    """Keeps the workers of one ingest alive."""

    def __init__(self, settings: IngestSettings, *, finishes: bool = False) -> None:
        self._settings = settings
        self._finishes = finishes  # ends when nothing is left over of the layout before
        self._is_asked = False
        self.is_finished = False
        self._slots: list[Slot] = []
        self._lease = Lease(
            settings.database_url,
            Slot(settings.ingest_client_id),
            role="supervisor",
            holder="",
            ttl_s=settings.ingest_lease_s,
        )
        self._children: dict[Slot, Child] = {}
        self._stopping = asyncio.Event()
        self._lost = False
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="lease")

    def ask(self) -> None:
        """End the workers in order, and nothing after them; asked a second time, at once."""
        self._is_asked = True
        self.stop()

    def stop(self) -> None:
        """End the workers in order; a second time, at once."""
        number = signal.SIGKILL if self._stopping.is_set() else signal.SIGTERM
        self._stopping.set()
        self._signal(number)

    def reload(self) -> None:
        """Let every worker read its mapping files again."""
        self._signal(signal.SIGHUP)

    async def run(self) -> bool:
        """Work until asked to stop; true where it came to its own end.

        Raises:
            WorkerRefusedError: a worker says that it cannot go on, and why.
            StoreError: the database is not usable.
        """
        try:
            while await self._hold():
                await self._work()
        finally:
            await self._give_back()
        return self.is_finished and not self._is_asked

    async def _hold(self) -> bool:
        """Wait until this ingest is ours; false when the end came first."""
        said = ""
        while not self._stopping.is_set():
            try:
                other = await self._in_thread(self._lease.take)
            except DatabaseUnavailableError as error:
                other = str(error)
            if other is None:
                self._lost = False
                return True
            subject = other.split(",")[0]
            if subject != said:
                log.warning("waiting", reason=other)
            said = subject
            await self._pause(ASK_AGAIN_S)
        return False

    async def _work(self) -> None:
        """Run all workers until the end, or until somebody else took the lease."""
        client_id, count = self._settings.ingest_client_id, self._settings.ingest_workers
        log.info("supervising", workers=count, client_id=client_id)
        look, hang_s = lambda: self._in_thread(self._lease.workers), self._settings.ingest_hang_s
        async with asyncio.TaskGroup() as group:
            others = [group.create_task(self._renew(), name="renew the lease")]
            self._slots = layout(client_id, count, is_own=await is_own(self._settings, self._stopping))
            drainer = Drainer(self._slots, self._lease.claim.holder, look, hang_s)
            others.append(group.create_task(drainer.run(), name="empty what is left over"))
            if self._finishes:
                others.append(group.create_task(self._end_when_finished(look), name="finish a change"))
            workers = [group.create_task(self._keep(slot), name=slot.session) for slot in self._slots]
            await asyncio.wait(workers)
            for task in others:
                task.cancel()

    async def _end_when_finished(self, look: Callable[[], Awaitable[Sequence[Worker]]]) -> None:
        await wait_finished(self._slots, look)
        self.is_finished = True
        self.stop()

    # -- workers --------------------------------------------------------------------------------------

    async def _keep(self, slot: Slot) -> None:
        """Have a slot worked for, by one process after the other if need be."""
        backoff = Backoff()
        while not self._is_over():
            child = await self._start(slot)
            try:
                code = await child.wait_watched(self._settings.ingest_hang_s)
            except asyncio.CancelledError:
                await child.end(self._settings.ingest_hang_s)
                raise
            finally:
                self._children.pop(slot, None)
            if child.refusal:
                raise WorkerRefusedError(child.refusal)
            if self._is_over():
                return
            log.error("worker_ended", session=slot.session, pid=child.pid, code=code, advice="starting it again")
            if child.lived_s > STEADY_S:
                backoff.reset()
            await self._pause(backoff.next_s())

    async def _start(self, slot: Slot) -> Child:
        first = self._settings.ingest_metrics_port
        port = first + slot.number if first else 0
        child = await start_child(slot.session, child_environment(slot, self._lease.claim.holder, metrics_port=port))
        self._children[slot] = child
        log.info("worker_started", session=slot.session, pid=child.pid, metrics_port=port)
        if self._is_over():  # asked while it was being started
            child.send(signal.SIGTERM)
        return child

    # -- the lease ------------------------------------------------------------------------------------

    async def _renew(self) -> None:
        while not self._lost:
            await asyncio.sleep(self._lease.renew_every_s)
            with suppress(DatabaseUnavailableError):
                self._lost = not await self._in_thread(lambda: self._lease.renew(f"{len(self._children)} workers"))
        log.error("ingest_taken", client_id=self._settings.ingest_client_id, advice="ending the workers of this one")
        self._signal(signal.SIGTERM)

    async def _give_back(self) -> None:
        with suppress(DatabaseUnavailableError):
            await self._in_thread(self._lease.release)
        await self._in_thread(self._lease.close)
        self._thread.shutdown()

    # -- the rest -------------------------------------------------------------------------------------

    def _is_over(self) -> bool:
        return self._lost or self._stopping.is_set()

    def _signal(self, number: signal.Signals) -> None:
        for child in list(self._children.values()):
            child.send(number)

    async def _pause(self, seconds: float) -> None:
        await pause(seconds, self._stopping)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await in_thread(self._thread, work)


async def supervise(settings: IngestSettings, *, finishes: bool = False) -> bool:
    """Run several workers until SIGTERM or SIGINT; SIGHUP reads the mapping files again.

    With `finishes`, only until nothing is left over of the layout before; true when it came to that.
    """
    supervisor = Supervisor(settings, finishes=finishes)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, supervisor.ask)
    loop.add_signal_handler(signal.SIGHUP, supervisor.reload)
    return await supervisor.run()
