"""Where parts are computed: in this process, or on processes of its own with the same bytes."""

import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from types import TracebackType
from typing import Self

from kpi.errors import WorkerLostError
from kpi.parts import Done, Part, run_part, run_parts

_THREADS = "POLARS_MAX_THREADS"


@dataclass
class Pool:
    """Computes parts one after the other, or on so many processes, started when there is work for two."""

    processes: int = 1
    _executor: ProcessPoolExecutor | None = field(default=None, repr=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the processes."""
        if self._executor is not None:
            self._executor.shutdown(wait=True, cancel_futures=True)
            self._executor = None

    def start(self) -> None:
        """Start the processes, which load their code while this one goes on."""
        if self.processes > 1:
            self._started()

    def run(self, parts: list[Part]) -> Iterator[Done]:
        """Compute parts, giving them back in their order; no more are under way than processes can take next.

        Raises:
            WorkerLostError: a process was killed; nothing was stored, the work can be done again.
        """
        if self.processes == 1 or len(parts) == 1:
            yield from run_parts(parts)
            return
        try:
            yield from self._spread(parts)
        except BrokenProcessPool as error:
            self.close()
            raise WorkerLostError("A process that computed KPIs was killed; the work is done again.") from error

    def _started(self) -> ProcessPoolExecutor:
        if self._executor is None:
            self._executor = ProcessPoolExecutor(self.processes, get_context("spawn"))
            with _one_thread_each():
                for _ in range(self.processes):
                    self._executor.submit(_ready)
        return self._executor

    def _spread(self, parts: Iterable[Part]) -> Iterator[Done]:
        executor = self._started()
        waiting: deque[Future[Done]] = deque()
        for part in parts:
            waiting.append(executor.submit(run_part, part))
            if len(waiting) > self.processes:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Processes that are started meanwhile get one thread of Polars each: there are as many as shall be at work."""
    before = os.environ.get(_THREADS)
    os.environ[_THREADS] = before or "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_THREADS]


def _ready() -> None:
    """Done once a process has loaded this module."""
