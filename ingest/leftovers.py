"""Sessions of an earlier layout: found in the database, emptied one after the other once the new layout works.

In: the slots of now. Out: child processes that empty a session each, until none is left over.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress

import structlog

from ingest.child import start_child
from ingest.slots import Slot, layout, named, of_session
from store.errors import DatabaseUnavailableError
from store.leases import Worker

LOOK_EVERY_S = 1.0
LONGEST_FINISH_S = 300.0  # to wait for the end of a change that was begun: some brokers let no session be emptied
LOOK_AGAIN_S = 10.0  # when nothing is left over, or it cannot be had now

log = structlog.get_logger("ingest")


def leftovers(rows: Sequence[Worker], slots: Sequence[Slot]) -> list[Slot]:
    """Slots that no worker has any more and that may hold messages."""
    sessions = {slot.session for slot in slots}
    return [
        of_session(row.client_id, row.slot, row.slots, row.session)
        for row in rows
        if row.session not in sessions and not (row.role == "supervisor" and row.subscriptions == [])
    ]


def unfinished(rows: Sequence[Worker], client_id: str) -> list[Slot]:
    """The slots of a change that was begun and not finished, which comes before any other.

    Messages are in three layouts' sessions otherwise, and nobody knows their order: births of Sparkplug hang on it.
    One whose workers never all got to the broker has not taken anything over yet, and is just left over.
    """
    present: dict[tuple[int, bool], list[Worker]] = {}
    for row in rows:
        if slots := leftovers([row], []):
            present.setdefault((slots[0].of, slots[0].is_own), []).append(row)
    began = {key: max(row.started_at for row in own) for key, own in present.items() if _works(own)}
    if len(present) < 2 or not began:
        return []
    newest = max(began, key=lambda key: began[key])
    slots = layout(client_id, newest[0], is_own=newest[1])
    return slots if len(present[newest]) == len(slots) else []


def _works(rows: Sequence[Worker]) -> bool:
    """Whether workers were the last to use these sessions, not who empties them or holds one for the whole."""
    return any(row.role == "worker" for row in rows)


def is_finished(rows: Sequence[Worker], slots: Sequence[Slot]) -> bool:
    """Whether every slot of now reads and nothing is left over."""
    return all_connected(rows, slots) and not leftovers(rows, slots)


def all_connected(rows: Sequence[Worker], slots: Sequence[Slot]) -> bool:
    """Whether every slot of now reads: only then may the sessions of before stop doing so."""
    states = {row.session: row.state for row in rows if row.holder is not None}
    return all(states.get(slot.session) == "connected" for slot in slots)


async def wait_finished(
    slots: Sequence[Slot], look: Callable[[], Awaitable[Sequence[Worker]]], limit_s: float = LONGEST_FINISH_S
) -> None:
    """Wait until a change to these slots is finished, but not longer than that."""
    try:
        async with asyncio.timeout(limit_s):
            done = False
            while not done:
                await asyncio.sleep(LOOK_EVERY_S)
                with suppress(DatabaseUnavailableError):
                    done = is_finished(await look(), slots)
        log.info("change_finished", workers=len(slots))
    except TimeoutError:
        log.warning("change_not_finished", workers=len(slots), seconds=limit_s, advice="going on with the next")


class Drainer:
    """Empties what is left over, one session at a time."""

    def __init__(
        self, slots: Sequence[Slot], holder: str, look: Callable[[], Awaitable[Sequence[Worker]]], hang_s: float
    ) -> None:
        self._slots = slots
        self._holder = holder
        self._look = look
        self._hang_s = hang_s

    async def run(self) -> None:
        """Look for leftovers for ever; they come with a start, seldom later."""
        while True:
            rows: Sequence[Worker] = ()
            with suppress(DatabaseUnavailableError):
                rows = await self._look()
            ready = all_connected(rows, self._slots)
            if ready and (left := leftovers(rows, self._slots)):
                await self._empty(left)
            await asyncio.sleep(LOOK_AGAIN_S if ready else LOOK_EVERY_S)

    async def _empty(self, slots: Sequence[Slot]) -> None:
        names = [slot.session for slot in slots]
        log.info("emptying_sessions", sessions=names)
        child = await start_child("drain", child_environment(slots[0], self._holder, drain=slots))
        try:
            code = await child.wait_watched(self._hang_s)
        except asyncio.CancelledError:
            await child.end(self._hang_s)
            raise
        if code != 0:
            log.warning("sessions_not_emptied", sessions=names, code=code, reason=child.refusal, advice="trying again")


def child_environment(
    slot: Slot, holder: str, *, metrics_port: int = 0, drain: Sequence[Slot] = ()
) -> Mapping[str, str]:
    """What makes a process of ours the worker of a slot, or the one that empties some."""
    return {
        "HAIDANG_INGEST_WORKERS": "1",
        "HAIDANG_INGEST_CLIENT_ID": slot.client_id,
        "HAIDANG_INGEST_SLOT": str(slot.number),
        "HAIDANG_INGEST_SLOTS": str(slot.of),
        "HAIDANG_INGEST_SHARING": "own" if slot.is_own else "broker",
        "HAIDANG_INGEST_HOLDER": holder,
        "HAIDANG_INGEST_DRAIN": named(drain),
        "HAIDANG_INGEST_METRICS_PORT": str(metrics_port),
    }
