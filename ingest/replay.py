"""Replays of rejected messages: waiting requests in, messages decoded by today's mappings, outcomes with the batch.

A request is carried out once: its outcome is written in the transaction that stores the values, and only where it still
waits. A worker that is killed in between leaves nothing behind.
"""

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

import structlog

from ingest import intake
from ingest.account import Tally
from ingest.columns import Plan
from ingest.decode.times import to_us
from ingest.limits import Limits
from ingest.message import Message
from ingest.refusals import digest_of, reasons_of, refused_places
from ingest.route import Router
from ingest.writer import Writer
from store import replays
from store.pool import Connection
from store.replays import Outcome, Waiting

MOST = 50
MOST_BYTES = 8 << 20

T = TypeVar("T")

log = structlog.get_logger("ingest")


class InThread(Protocol):
    """Runs something on the writer's thread."""

    def __call__(self, work: Callable[[], T]) -> Awaitable[T]: ...


class Replayer:
    """Carries out what waits; decodes where the messages of the broker are decoded, stores where they are stored."""

    def __init__(self, writer: Writer, router: Router, limits: Limits) -> None:
        self._writer = writer
        self._router = router
        self._limits = limits

    async def step(self, in_thread: InThread) -> int:
        """Carry out some requests; tells how many there were.

        Raises:
            DatabaseUnavailableError: nobody answers, or another worker was faster; what is left waits.
        """
        found = await in_thread(self._fetch)
        if not found:
            return 0
        found = [one for one in found if self._is_ours(one)]
        if not found:
            await in_thread(self._release)
            return 0
        outcomes = [outcome for one in found if (outcome := self._hopeless(one)) is not None]
        pending = [one for one in found if self._hopeless(one) is None]
        messages = [self.message(one) for one in pending]
        await in_thread(lambda: self._store(pending, messages, outcomes))
        log.info("replayed", requests=len(found))
        return len(found)

    def message(self, waiting: Waiting) -> Message:
        """The kept message as if it came now; values whose time is that of receipt have that of the first time."""
        source = self._router.source(waiting.topic)
        opened = intake.opened(waiting.payload, self._limits.payload_bytes)
        decoded = intake.decode(source, opened, to_us(waiting.first_at))
        now_us = time.time_ns() // 1000
        return Message(source, waiting.payload, now_us, decoded, replay_of=waiting.rejected_message_id)

    def _hopeless(self, waiting: Waiting) -> Outcome | None:
        return hopeless(waiting, timed_by_receipt=self._router.source(waiting.topic).timed_by_receipt)

    def _is_ours(self, waiting: Waiting) -> bool:
        """Whether this worker knows what the payload means: aliases of a Sparkplug node are known to one worker."""
        place, host = self._router.source(waiting.topic).place, self._router.host
        return place is None or host is None or host.is_mine(f"{place.group}/{place.node}")

    def _release(self) -> None:
        self._writer.run(replays.release)

    def _fetch(self) -> list[Waiting]:
        return self._writer.run(lambda connection: replays.waiting(connection, MOST, MOST_BYTES))

    def _store(self, pending: Sequence[Waiting], messages: Sequence[Message], others: Sequence[Outcome]) -> None:
        requests = {one.rejected_message_id: one.replay_request_id for one in pending}

        def beside(connection: Connection, plan: Plan, counted: Tally) -> None:
            replays.finish(connection, outcomes(plan, counted, requests))

        try:
            self._writer.write_beside(messages, beside)
            self._writer.run(lambda connection: replays.finish(connection, others))
        finally:
            self._release()


def hopeless(waiting: Waiting, *, timed_by_receipt: bool = False) -> Outcome | None:
    """Why a request cannot be carried out, if so."""
    at_receipt = digest_of(waiting.topic, waiting.payload, to_us(waiting.first_at))
    if waiting.status != "open":
        text = f"not carried out: the message is {waiting.status}"
    elif not waiting.replayable:
        text = "not carried out: what was kept of the message is not all that was sent"
    elif timed_by_receipt and waiting.times > 1 and waiting.digest != at_receipt:
        times = f"it came {waiting.times:,} times before a mapping with `time: receive` read it"
        text = f"not carried out: {times}, and when each came was not kept"
    else:
        return None
    return Outcome(waiting.replay_request_id, waiting.rejected_message_id, text)


def outcomes(plan: Plan, counted: Tally, requests: dict[int, int]) -> list[Outcome]:
    """What became of the replays of a batch, by what was counted of them."""
    refused = set(refused_places(plan))
    return [
        _outcome(plan, counted, place, requests[message.replay_of], is_refused=place in refused)
        for place, message in enumerate(plan.messages)
        if message.replay_of
    ]


def _outcome(plan: Plan, counted: Tally, place: int, request: int, *, is_refused: bool) -> Outcome:
    message = plan.messages[place]
    stored, duplicate, conflict = (
        *(int(counted.stored[place]), int(counted.duplicate[place]), int(counted.conflict[place])),
    )
    text = f"stored {stored}, duplicates {duplicate}, conflicts {conflict}"
    if not is_refused:
        return Outcome(request, message.replay_of, text, settled=True)
    why = reasons_of(plan, counted, place)
    text = f"{text}; refused again ({why['reason']}): {why['detail']}"
    site_id, device_id = plan.headers.place_of(place)
    return Outcome(request, message.replay_of, text, site_id=site_id or None, device_id=device_id or None, **why)
