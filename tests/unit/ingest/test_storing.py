"""One batch is planned while another is stored: in order of receipt, and a plan never outlives a failure before it."""

import asyncio
import subprocess
import sys
from collections.abc import Callable
from threading import Event
from typing import cast

import pytest

from ingest.arrivals import Arrivals
from ingest.message import Message
from ingest.metrics import Metrics
from ingest.storing import Storing
from ingest.stuck import watch_threads
from ingest.waiting import OwnThread, Signals
from ingest.writer import NotStoredError, Report, Writer
from store.errors import DatabaseUnavailableError
from tests.support.paths import ROOT
from tests.support.waiting import wait_until
from tests.unit.ingest.builders import known_source, message


class _Batches:
    """What the store sees of arrivals: batches that are there, and what was let go."""

    connection = None

    def __init__(self, batches: list[list[Message]]) -> None:
        self.batches = batches
        self.released: list[int] = []
        self.dropped: list[int] = []

    async def next_batch(self, all_came: asyncio.Event) -> list[Message] | None:
        return self.batches.pop(0) if self.batches else None

    def release(self, messages: list[Message]) -> None:
        self.released += [one.packet_id for one in messages]

    def drop(self, in_work: list[list[Message]]) -> None:
        self.dropped += [one.packet_id for batch in in_work for one in batch]


class _Writer:
    """Plans and stores as told; a plan is the numbers of its messages."""

    def __init__(self, write: Callable[["_Writer", list[int]], int | None]) -> None:
        self.planner = self
        self.planned: list[list[int]] = []
        self.written: list[tuple[list[int], bool]] = []  # and whether a plan of just these came with them
        self._write = write

    def plan_ahead(self, messages: list[Message]) -> list[int]:
        self.planned.append([one.packet_id for one in messages])
        return self.planned[-1]

    def write(self, messages: list[Message], ahead: list[int] | None) -> Report:
        numbers = [one.packet_id for one in messages]
        assert ahead in (None, numbers)
        self.written.append((numbers, ahead is not None))
        stored = self._write(self, numbers)
        if stored is not None:
            raise NotStoredError("away", stored)
        return Report()

    def close(self) -> None:
        """Nothing is open."""


def batches(*sizes: int) -> _Batches:
    numbers = iter(range(1, sum(sizes) + 1))
    made = [[message(known_source(), []) for _ in range(size)] for size in sizes]
    for one in (one for batch in made for one in batch):
        one.packet_id = next(numbers)
    return _Batches(made)


def work(given: _Batches, writer: _Writer, *, outage_s: float = 60.0) -> None:
    """Store everything; an outage drops what is held."""

    async def run() -> None:
        arrivals, metrics = cast(Arrivals, given), Metrics()
        storing = Storing(arrivals, cast(Writer, writer), metrics, Signals(), outage_s)

        async def sit_out(_error: DatabaseUnavailableError) -> None:
            storing.drop()

        await storing.run(sit_out)
        await storing.close()

    asyncio.run(run())


def test_the_next_batch_is_planned_while_one_is_stored_and_acknowledged_after_it() -> None:
    given = batches(2, 2, 1)

    def write(writer: _Writer, numbers: list[int]) -> None:
        following = {1: [3, 4], 3: [5]}.get(numbers[0])
        if following is not None:
            wait_until(lambda: following in writer.planned, timeout_s=10, what="the plan of the next batch")
        assert given.released == list(range(1, numbers[0]))

    writer = _Writer(write)
    work(given, writer)
    assert writer.written == [([1, 2], True), ([3, 4], True), ([5], True)]
    assert given.released == [1, 2, 3, 4, 5]


def test_what_a_failure_leaves_is_planned_anew_like_the_batch_behind_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ingest.storing.RETRY_S", 0.0)
    given, failures = batches(3, 2, 1), [0, 2]
    writer = _Writer(lambda _writer, _numbers: failures.pop(0) if failures else None)
    work(given, writer)
    assert writer.written == [([1, 2, 3], True), ([1, 2, 3], False), ([3], False), ([4, 5], False), ([6], True)]
    assert given.released == [1, 2, 3, 4, 5, 6]


def test_an_outage_gives_up_the_plan_that_is_being_made() -> None:
    given, planning, may_end = batches(2, 2, 1), Event(), Event()

    class Slow(_Writer):
        def plan_ahead(self, messages: list[Message]) -> list[int]:
            if messages[0].packet_id == 3:
                planning.set()
                may_end.wait(10)
            return super().plan_ahead(messages)

    def write(_writer: _Writer, numbers: list[int]) -> int | None:
        if numbers[0] == 1:
            assert planning.wait(10)
            return 1
        return None

    class Dropping(_Batches):
        def drop(self, in_work: list[list[Message]]) -> None:
            super().drop(in_work)
            may_end.set()  # until now nobody waited for it

    given.__class__ = Dropping
    writer = Slow(write)
    work(given, writer, outage_s=-1.0)
    assert given.released == [1, 5]
    assert given.dropped == [2, 3, 4]
    assert [numbers for numbers, _ in writer.written] == [[1, 2], [5]]


def test_a_thread_that_does_not_come_back_is_noticed() -> None:
    may_end = Event()

    async def look() -> tuple[float, float, float]:
        thread = OwnThread("test")
        idle = thread.stuck_s
        doing = [asyncio.create_task(thread.do(lambda: may_end.wait(10))) for _ in range(2)]
        await asyncio.to_thread(wait_until, lambda: thread.stuck_s > 0.05, timeout_s=10, what="the thread to be missed")
        stuck = thread.stuck_s
        may_end.set()
        await asyncio.gather(*doing)
        thread.shutdown()
        return idle, stuck, thread.stuck_s

    idle, stuck, after = asyncio.run(look())
    assert (idle, after) == (0.0, 0.0)
    assert stuck > 0.05


STUCK = """
import asyncio, threading
from ingest.stuck import watch_threads
from ingest.waiting import OwnThread

async def main():
    thread = OwnThread("writer")
    await asyncio.gather(thread.do(threading.Event().wait), watch_threads(lambda: thread.stuck_s, 0.05))

asyncio.run(main())
"""


def test_a_worker_without_supervisor_ends_with_one_line_when_its_thread_does_not_come_back() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", STUCK], cwd=ROOT, capture_output=True, text=True, timeout=30, check=False
    )
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert line.startswith("haidang ingest: a thread that plans or stores has not come back for ")


def test_a_thread_that_comes_back_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.stuck.LOOK_EVERY_S", 0.0)
    said: list[str] = []
    moments = iter([0.0, 5.0, 0.0, 5.1])

    async def look() -> None:
        await watch_threads(lambda: next(moments), 5.0, said.append)

    asyncio.run(look())
    assert next(moments, None) is None
    assert len(said) == 1
