"""Waits of the event loop: for a thread to do something, for some time unless something happens first; what is told."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")


async def in_thread(pool: Executor, work: Callable[[], T]) -> T:
    """Do blocking work in a thread of the pool and wait for its result."""
    return await asyncio.get_running_loop().run_in_executor(pool, work)


async def pause(seconds: float, until: asyncio.Event) -> None:
    """Wait so many seconds, but not longer than until something happens."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await until.wait()


class OwnThread:
    """A thread for blocking work, one thing after the other; tells for how long nothing has come of it."""

    def __init__(self, name: str) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix=name)
        self._waiting = 0
        self._moved_at = 0.0

    async def do(self, work: Callable[[], T]) -> T:
        """Have something done there and wait for its result."""
        if not self._waiting:
            self._moved_at = time.monotonic()
        self._waiting += 1
        try:
            return await in_thread(self._pool, work)
        finally:
            self._waiting -= 1
            self._moved_at = time.monotonic()

    @property
    def stuck_s(self) -> float:
        """Seconds since something was begun or ended, while somebody waits."""
        return time.monotonic() - self._moved_at if self._waiting else 0.0

    def shutdown(self) -> None:
        """End it when its work is done."""
        self._pool.shutdown()


class Signals:
    """What the parts of a worker tell each other: the database answers; the end is asked for; nothing more comes."""

    def __init__(self) -> None:
        self.database_up = asyncio.Event()
        self.stopping = asyncio.Event()
        self.all_came = asyncio.Event()

    async def pause(self, seconds: float) -> None:
        """Wait, but not longer than until the end is asked for."""
        await pause(seconds, self.stopping)
