"""Waits of the event loop: for a thread to do something, for some time unless something happens first; what is told."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
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


class Signals:
    """What the parts of a worker tell each other: the database answers; the end is asked for."""

    def __init__(self) -> None:
        self.database_up = asyncio.Event()
        self.stopping = asyncio.Event()

    async def pause(self, seconds: float) -> None:
        """Wait, but not longer than until the end is asked for."""
        await pause(seconds, self.stopping)
