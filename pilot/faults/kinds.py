"""What can go wrong, each as a context: broken inside it, whole again after it."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import psycopg

from pilot.errors import PilotError
from pilot.faults.proxy import Proxy
from pilot.faults.publisher import Publisher
from pilot.faults.record import LATE_SITE
from pilot.faults.servers import Server
from pilot.faults.stack import Stack
from store.errors import StoreError
from store.pool import Connection, connect
from store.queries import load

_SQL = load("faults")
TRIES = 120
TRY_EVERY_S = 0.25
AT_WORK_S = 40.0  # that workers may take to get there, on a busy machine
LATE_EACH = 8  # messages of every publisher for a site that is not known yet
LATE_TRIES = 120  # on a busy machine workers take half a minute to be back
MOST_REPLAYS = 200


@dataclass(frozen=True)
class Field:
    """What a fault may act on."""

    stack: Stack
    publishers: list[Publisher]
    random: random.Random


@dataclass(frozen=True)
class Kind:
    """A fault. Of two that act on the same `resource` only one is there at a time."""

    name: str
    title: str
    resource: str
    shortest_s: float
    longest_s: float
    act: Callable[[Field], AbstractContextManager[None]]
    needs: str = ""  # the server that must be ours to stop: "database" or "broker"; or "workers": several


@contextmanager
def worker_killed(field: Field) -> Iterator[None]:
    field.stack.workers.kill()
    try:
        yield
    finally:
        field.stack.workers.revive()


@contextmanager
def database_restarted(field: Field) -> Iterator[None]:
    server = _ours(field.stack.database)
    server.stop()
    try:
        yield
    finally:
        server.start()


@contextmanager
def database_killed(field: Field) -> Iterator[None]:
    server = _ours(field.stack.database)
    server.kill()
    try:
        yield
    finally:
        server.start()


@contextmanager
def database_unreachable(field: Field) -> Iterator[None]:
    with _line(field.stack.database_line) as line:
        line.refuse()
        yield


@contextmanager
def database_cut(field: Field) -> Iterator[None]:
    """Connections break and can be made again, several times."""
    with _cut(field.stack.database_line):
        yield


@contextmanager
def database_stalled(field: Field) -> Iterator[None]:
    with _silent_then_cut(field.stack.database_line):
        yield


@contextmanager
def database_slow(field: Field) -> Iterator[None]:
    with _line(field.stack.database_line) as line:
        line.slow(latency_s=field.random.uniform(0.02, 0.08), bytes_per_s=field.random.uniform(0.3e6, 1e6))
        yield


@contextmanager
def commit_in_doubt(field: Field) -> Iterator[None]:
    """The answer to COMMIT never comes: three times it is done, once it is not."""
    outcomes = [True, True, False, True]
    field.random.shuffle(outcomes)
    with _line(field.stack.database_line) as line:
        line.trap_commits(outcomes)
        yield


@contextmanager
def database_locked(field: Field) -> Iterator[None]:
    """Somebody holds `reading` for himself."""
    connection = _locked(field)
    try:
        yield
    finally:
        connection.close()


@contextmanager
def disk_full(field: Field) -> Iterator[None]:
    """Every batch is answered with SQLSTATE 53100 (simulated by a trigger)."""
    _execute(field, "make_disk_full")
    try:
        yield
    finally:
        _execute(field, "free_disk")


@contextmanager
def broker_restarted(field: Field) -> Iterator[None]:
    server = _ours(field.stack.broker)
    server.stop()
    try:
        yield
    finally:
        server.start()


@contextmanager
def broker_killed(field: Field) -> Iterator[None]:
    server = _ours(field.stack.broker)
    server.kill()
    try:
        yield
    finally:
        server.start()


@contextmanager
def ingest_cut(field: Field) -> Iterator[None]:
    with _cut(field.stack.ingest_line):
        yield


@contextmanager
def ingest_stalled(field: Field) -> Iterator[None]:
    with _line(field.stack.ingest_line) as line:
        line.stall()
        yield


@contextmanager
def publishers_cut(field: Field) -> Iterator[None]:
    with _cut(field.stack.publisher_line):
        yield


@contextmanager
def publishers_stalled(field: Field) -> Iterator[None]:
    with _silent_then_cut(field.stack.publisher_line):
        yield


@contextmanager
def disorder(field: Field) -> Iterator[None]:
    """Publishers repeat, reorder, and mix in what must be refused."""
    for publisher in field.publishers:
        publisher.feed.in_disorder = True
    try:
        yield
    finally:
        for publisher in field.publishers:
            publisher.feed.in_disorder = False


@contextmanager
def workers_changed(field: Field) -> Iterator[None]:
    """Another number of workers that get to work, and back: topics and nodes move to other ones, and back."""
    workers = field.stack.workers
    usual = workers.count
    workers.change(max(1, usual + field.random.choice((-1, 1, 2))), in_order=field.random.random() < 0.7)
    with suppress(PilotError):  # what else is broken now may keep them from it
        workers.wait_connected(AT_WORK_S)
    try:
        yield
    finally:
        workers.change(usual, in_order=field.random.random() < 0.7)


@contextmanager
def replayed(field: Field) -> Iterator[None]:
    """Messages of a site that is not known are refused; it becomes known, and they are asked for, with others."""
    feeds = [publisher.feed for publisher in field.publishers]
    turn = feeds[0].late_turn
    for feed in feeds:
        feed.late_wanted += LATE_EACH
    refused = LATE_SITE.format(turn)
    before = _told(field, "refused_for_site", {"topic": f"haidang/v1/{refused}/"})
    for _ in range(LATE_TRIES):
        if before:
            break
        time.sleep(TRY_EVERY_S)
        before = _told(field, "refused_for_site", {"topic": f"haidang/v1/{refused}/"})
    _execute(field, "add_site", {"key": refused})
    for feed in feeds:
        feed.late_turn += 1
    _execute(field, "ask_for_replays", {"most": MOST_REPLAYS})
    try:
        yield
    finally:
        _execute(field, "ask_for_replays", {"most": MOST_REPLAYS})


KINDS = (
    Kind("worker_kill", "ingest killed -9", "workers", 0.5, 4, worker_killed),
    Kind("database_restart", "database restarted", "database", 0.5, 6, database_restarted, "database"),
    Kind("database_kill", "database killed -9", "database", 0.5, 6, database_killed, "database"),
    Kind("database_unreachable", "database unreachable", "database line", 1.5, 10, database_unreachable),
    Kind("database_cut", "database connections cut", "database line", 0.5, 4, database_cut),
    Kind("database_stall", "database silent, then cut", "database line", 1, 6, database_stalled),
    Kind("database_slow", "database slow", "database line", 1.5, 10, database_slow),
    Kind("commit_in_doubt", "COMMIT without an answer", "database line", 2, 5, commit_in_doubt),
    Kind("database_lock", "lock held on reading", "database content", 1, 8, database_locked),
    Kind("disk_full", "disk full (SQLSTATE 53100)", "database content", 1, 8, disk_full),
    Kind("broker_restart", "broker restarted", "broker", 0.3, 4, broker_restarted, "broker"),
    Kind("ingest_cut", "broker connection of ingest cut", "ingest line", 0.5, 3, ingest_cut),
    Kind("ingest_stall", "broker connection of ingest silent", "ingest line", 1, 6, ingest_stalled),
    Kind("publisher_cut", "publishers' connections cut", "publisher line", 0.5, 3, publishers_cut),
    Kind("publisher_stall", "publishers' connections silent, then cut", "publisher line", 1, 6, publishers_stalled),
    Kind("disorder", "repeats, disorder, poison", "publishers", 2, 8, disorder),
    Kind("replay", "refused messages replayed", "replays", 2, 6, replayed),
    Kind("workers", "another number of workers", "workers", 1, 6, workers_changed, "workers"),
)
BROKER_KILL = Kind("broker_kill", "broker killed -9 (beside the verdict)", "broker", 0.5, 1.5, broker_killed, "broker")


@contextmanager
def _line(line: Proxy) -> Iterator[Proxy]:
    try:
        yield line
    finally:
        line.restore()


@contextmanager
def _cut(line: Proxy) -> Iterator[None]:
    """Connections break and can be made again; and once more at the end."""
    line.cut()
    yield
    line.cut()


@contextmanager
def _silent_then_cut(line: Proxy) -> Iterator[None]:
    with _line(line):
        line.stall()
        yield
        line.cut()


def _ours(server: Server | None) -> Server:
    assert server is not None  # noqa: S101 - kinds that need a server are left out without it
    return server


def _locked(field: Field) -> Connection:
    """A connection that has the lock, when other faults let it have one."""
    for last in _tries():
        try:
            connection = connect(field.stack.url, "faults")
            connection.execute(_SQL["give_up_soon"])
            connection.execute(_SQL["lock_reading"])
        except (StoreError, psycopg.Error):
            if last:
                raise
        else:
            return connection
    raise AssertionError("the last try raises")


def _told(field: Field, name: str, parameters: dict[str, Any]) -> bool:
    """What the database says to a question; no, while it is away."""
    try:
        with connect(field.stack.url, "faults", autocommit=True) as connection:
            connection.execute(_SQL["give_up_soon"])
            row = connection.execute(_SQL[name], parameters).fetchone()
    except (StoreError, psycopg.Error):
        return False
    return bool(row and row[0])


def _execute(field: Field, name: str, parameters: dict[str, Any] | None = None) -> None:
    """Run a statement as the owner, past the proxy, also when another fault is in the way for a while."""
    for last in _tries():
        try:
            with connect(field.stack.url, "faults", autocommit=True) as connection:
                connection.execute(_SQL["give_up_soon"])
                connection.execute(_SQL[name], parameters)
        except (StoreError, psycopg.Error):
            if last:
                raise
        else:
            return


def _tries() -> Iterator[bool]:
    """Each try after a pause; true for the last one."""
    for count in range(TRIES):
        yield count == TRIES - 1
        time.sleep(TRY_EVERY_S)
