"""How much of the processors' time a run took, by who took it: worker, database, broker."""

from collections.abc import Iterable
from dataclasses import dataclass

import psutil

from pilot.bench_stack import Stack
from store.pool import connect


@dataclass(frozen=True)
class Used:
    """Seconds of processor time so far, or microseconds for each value of a run."""

    worker: float
    database: float
    broker: float

    def __str__(self) -> str:
        return f"worker {self.worker:.2f}, database {self.database:.2f}, broker {self.broker:.2f} µs/value"


def used_until_now(made: Stack, worker: int | None = None) -> Used:
    """What the processes of a stack have used since they began; a worker that is to come has used nothing."""
    return Used(_seconds([psutil.Process(worker)]) if worker else 0.0, database_seconds(made.url), _broker())


def used_since(before: Used, made: Stack, worker: int, values: int) -> Used:
    """What a run of so many values used, in microseconds each. A worker's start is not counted, if it was there."""
    now = used_until_now(made, worker)
    return Used(
        (now.worker - before.worker) / values * 1e6,
        (now.database - before.database) / values * 1e6,
        (now.broker - before.broker) / values * 1e6,
    )


def database_seconds(url: str) -> float:
    """Processor time of all processes of the server so far, also of those that have ended."""
    with connect(url, "bench") as connection:
        server = psutil.Process(connection.info.backend_pid).parent()
        times = server.cpu_times()
        ended: float = times.children_user + times.children_system
        return _seconds([server, *server.children()]) + ended


def _broker() -> float:
    ours = psutil.Process().children(recursive=True)
    return _seconds(one for one in ours if {"mosquitto", "pilot.broker"} & _words(one))


def _words(process: psutil.Process) -> set[str]:
    try:
        return {word.rsplit("/", 1)[-1] for word in process.cmdline()}
    except psutil.Error:
        return set()


def _seconds(processes: Iterable[psutil.Process]) -> float:
    total = 0.0
    for one in processes:
        try:
            times = one.cpu_times()
        except psutil.Error:
            continue
        total += times.user + times.system
    return total
