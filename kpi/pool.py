"""Where parts are computed: in this process, or in this one and others beside it, with the same bytes."""

import os
import pickle
import subprocess
import sys
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

from kpi.errors import WorkerLostError
from kpi.parts import Done, Part, run_part, run_parts

_PROGRAM = "from kpi.worker import main; main()"
_END_S = 5.0  # a process has so long to end by itself
Waiting = deque[tuple[int, Part]]
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
        """Start the processes, which load their code while this one goes on."""
        while len(self.workers) < self.processes - 1:
            self.workers.append(Worker())

    def run(self, parts: list[Part], tell: Tell = lambda _: None) -> list[Done]:
        """Compute parts; each process takes the next one when it has done one.

        Args:
            parts: in the order of their assets.
            tell: told of each computed part, in the order in which they are done, also from other threads.

        Returns:
            What was made of them, in their order.

        Raises:
            WorkerLostError: a process was killed; nothing was stored, the work can be done again.
        """
        if self.processes == 1 or len(parts) == 1:
            return [_told(done, tell) for done in run_parts(parts)]
        try:
            return self._shared(parts, tell)
        except BaseException:
            self.close()  # one may be in the middle of a part
            raise

    def _shared(self, parts: list[Part], tell: Tell) -> list[Done]:
        self.start()
        waiting: Waiting = deque(enumerate(parts))
        found: dict[int, Done] = {}

        def take(compute: Callable[[Part], Done]) -> None:
            try:
                while waiting:
                    number, part = waiting.popleft()
                    found[number] = _told(compute(part), tell)
            except IndexError:  # another one took the last
                return
            except BaseException:
                waiting.clear()
                raise

        with ThreadPoolExecutor(len(self.workers), "parts") as threads:
            others = [threads.submit(take, worker.run) for worker in self.workers]
            try:
                take(run_part)
            except BaseException:
                self.close()
                raise
            for other in others:
                other.result()
        return [found[number] for number in range(len(parts))]


class Worker:
    """A process beside this one, with one thread of Polars: there are as many processes as shall be at work."""

    def __init__(self) -> None:
        paths = os.pathsep.join(filter(None, sys.path))
        environment = {"POLARS_MAX_THREADS": "1", **os.environ, "PYTHONPATH": paths}
        self.process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
        )

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


_LOST = "A process that computed KPIs was killed; the work is done again."


def _told(done: Done, tell: Tell) -> Done:
    tell(done)
    return done
