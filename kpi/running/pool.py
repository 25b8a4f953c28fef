"""Where parts are computed: in this process, or in this one and others beside it, with the same bytes."""

import os
import pickle
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from kpi.errors import WorkerLostError
from kpi.running.parts import Done, Part, run_part, run_parts

_PROGRAM = "import sys; sys.path[:] = sys.argv[1:]; from kpi.running.worker import main; main()"
_END_S = 5.0  # a process has so long to end by itself
Tell = Callable[[Done], None]


@dataclass
class Pool:
    """Computes parts one after the other, or on so many processes: this one and others, started when there is work."""

    processes: int = 1
    workers: list["Worker"] = field(default_factory=list, init=False, repr=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the processes."""
        while self.workers:
            self.workers.pop().close()

    def start(self) -> None:
        """Start the processes, which load their code while this one goes on; those that were killed are replaced."""
        for lost in [worker for worker in self.workers if not worker.alive]:
            self.workers.remove(lost)
            lost.close()
        while len(self.workers) < self.processes - 1:
            self.workers.append(Worker())

    def run(self, parts: list[Part], tell: Tell = lambda _: None) -> list[Done]:
        """Compute parts; each process takes the next one when it has done one.

        Args:
            parts: in the order of their assets.
            tell: told of each computed part, in the order in which they are done, from any thread but one at a time.

        Returns:
            What was made of them, in their order.

        Raises:
            WorkerLostError: a process was killed; nothing was stored, the work can be done again.
        """
        if self.processes == 1 or len(parts) == 1:
            return [_told(done, tell) for done in run_parts(parts)]
        self.start()
        share = _Share(deque(enumerate(parts)), tell)
        with ThreadPoolExecutor(len(self.workers), "parts") as threads:
            others = [threads.submit(share.take, worker.run) for worker in self.workers]
            try:
                share.take(run_part)
                for other in others:
                    other.result()
            except BaseException:
                self.close()  # the threads wait for what is in the middle of a part
                raise
        return [share.found[number] for number in range(len(parts))]


@dataclass(frozen=True)
class _Share:
    """Parts from which all take, and what was made of them by number."""

    waiting: deque[tuple[int, Part]]
    tell: Tell
    found: dict[int, Done] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, compute: Callable[[Part], Done]) -> None:
        """Compute one after the other until none is left, or one of all has failed."""
        try:
            while (following := self._next()) is not None:
                number, part = following
                done = compute(part)
                with self.lock:
                    self.found[number] = _told(done, self.tell)
        except BaseException:
            self.waiting.clear()
            raise

    def _next(self) -> tuple[int, Part] | None:
        with self.lock:
            return self.waiting.popleft() if self.waiting else None


class Worker:
    """A process beside this one, with one thread of Polars: there are as many processes as shall be at work."""

    def __init__(self) -> None:
        paths = [path or str(Path.cwd()) for path in sys.path]
        command = [sys.executable, "-P", "-c", _PROGRAM, *paths]  # -P: no files of where the job was started
        environment = {"POLARS_MAX_THREADS": "1", **os.environ}
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self.process.poll() is None

    def run(self, part: Part) -> Done:
        """Have a part computed."""
        given, results = self.process.stdin, self.process.stdout
        if given is None or results is None:
            raise WorkerLostError(_LOST)
        try:
            pickle.dump(part, given, pickle.HIGHEST_PROTOCOL)
            given.flush()
            found: Done | Exception = pickle.load(results)  # noqa: S301 - of a process that this one started
        except (EOFError, OSError, ValueError, pickle.UnpicklingError) as error:
            raise WorkerLostError(_LOST) from error
        if isinstance(found, Exception):
            raise found
        return found

    def close(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.wait(_END_S)
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                with suppress(OSError):  # what it did not read any more
                    stream.close()


_LOST = (
    "A process that computed KPIs was killed; nothing was stored, the next run does the work again. If it happens "
    "again, memory may be short: lower HAIDANG_KPI_PROCESSES or HAIDANG_KPI_PART_ROWS."
)


def _told(done: Done, tell: Tell) -> Done:
    tell(done)
    return done
