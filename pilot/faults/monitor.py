"""Watches a run from a thread: what is sent, what is committed, whether ingest is alive.

Asks the database past the proxy; while it is away the last answer stands.
"""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import psycopg

from pilot.faults.load import SITE
from pilot.faults.measure import Sample
from pilot.faults.publisher import Publisher
from pilot.faults.stack import Stack
from store.errors import StoreError
from store.pool import Connection, connect
from store.queries import load

EVERY_S = 0.05
_SQL = load("faults")


@dataclass(frozen=True)
class Progress:
    """What the ledger counts so far: messages, but for `stored` and `duplicate`, which are values.

    `received` and `redelivered` of everything, the others of the native messages.
    """

    received: int = 0
    redelivered: int = 0
    stored: int = 0
    duplicate: int = 0
    processed: int = 0
    replayed: int = 0


class Monitor:
    """Use as a context manager; `samples` grows."""

    def __init__(self, stack: Stack, publishers: Sequence[Publisher]) -> None:
        self.samples: list[Sample] = []
        self.progress = Progress()
        self._stack = stack
        self._publishers = publishers
        self._connection: Connection | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="monitor", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(30)

    @property
    def sent_values(self) -> int:
        """Values in distinct messages that were sent at least once."""
        return sum(publisher.sent_values for publisher in self._publishers)

    def since(self, at_s: float) -> list[Sample]:
        """Samples from an instant of the monotonic clock on."""
        return [sample for sample in self.samples if sample.at_s >= at_s]

    def _work(self) -> None:
        while not self._stop.is_set():
            sent = self.sent_values
            self.progress = self._asked() or self.progress
            self.samples.append(Sample(time.monotonic(), sent, self.progress.stored, self.progress.received))
            self._stack.workers.check()
            self._stop.wait(EVERY_S)
        if self._connection is not None:
            self._connection.close()

    def _asked(self) -> Progress | None:
        try:
            if self._connection is None or self._connection.closed:
                self._connection = connect(self._stack.url, "faults-monitor", autocommit=True)
            row = self._connection.execute(_SQL["progress"], {"site": SITE}).fetchone()
        except (StoreError, psycopg.Error):
            if self._connection is not None:
                self._connection.close()
            self._connection = None
            return None
        return Progress(*row) if row else None
