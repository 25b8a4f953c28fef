"""Writers on one database and what its owner sees: for tests of the registry and of quotas."""

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg

from ingest.decode.result import Decoded
from ingest.limits import Limits
from ingest.message import Message
from ingest.route import Router
from ingest.writer import Report, Writer
from tests.support.database import TestDatabase

NOW_MS = time.time_ns() // 1_000_000


class Worker:
    """A writer with the router of its process."""

    def __init__(self, database: TestDatabase, limits: Limits | None = None) -> None:
        self.router = Router()
        self.writer = Writer(database.url_for("haidang_ingest"), limits)

    def message(self, topic: str, values: Mapping[str, Any], after_ms: int = 0, **more: Any) -> Message:
        source = self.router.source(f"haidang/v1/{topic}/data")
        data = json.dumps({"ts": NOW_MS + after_ms, "values": values, **more}).encode()
        return Message(source, data, time.time_ns() // 1000, source.decode(data), packet_id=1)

    def refused(self, topic: str, payload: bytes, why: Decoded) -> Message:
        return Message(
            self.router.source(f"haidang/v1/{topic}/data"), payload, time.time_ns() // 1000, why, packet_id=1
        )

    def send(self, topic: str, values: Mapping[str, Any], after_ms: int = 0, **more: Any) -> Report:
        return self.writer.write([self.message(topic, values, after_ms, **more)])

    def look_again(self) -> None:
        """As if a second had passed."""
        self.writer.planner.resolver._read_at -= 2


class Registry:
    """A database with the sites a and b, and its workers."""

    def __init__(self, database: TestDatabase) -> None:
        self.database = database
        self.workers: list[Worker] = []
        self.run("INSERT INTO site (key, name, timezone) VALUES ('a', 'A', 'UTC'), ('b', 'B', 'UTC')")

    def worker(self, limits: Limits | None = None) -> Worker:
        self.workers.append(Worker(self.database, limits))
        return self.workers[-1]

    def run(self, statement: str, parameters: Mapping[str, Any] | None = None) -> None:
        with psycopg.connect(self.database.url) as connection:
            connection.execute(statement, parameters)

    def rows(self, statement: str) -> list[Any]:
        with psycopg.connect(self.database.url) as connection:
            return connection.execute(statement).fetchall()


@contextmanager
def registry_of(database: TestDatabase) -> Iterator[Registry]:
    """A registry whose workers are closed at the end."""
    made = Registry(database)
    yield made
    for worker in made.workers:
        worker.writer.close()
