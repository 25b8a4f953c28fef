"""Where the processor's time goes inside a worker: the same messages through each stage alone, without a broker.

Times are those of the thread: waiting for the database and other processes on the machine do not count. What is missing
to the worker's whole (see `CPU of worker`) is the reading of packets, the event loop and acknowledgements.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from ingest import account, intake
from ingest.batch import Batcher
from ingest.columns import Columns, Plan, flatten
from ingest.decode.result import Decoded, Rejection
from ingest.limits import DAY_US, HOUR_US, DayQuota, Limits
from ingest.message import Message, measured
from ingest.plan import make_plan
from ingest.planner import now_us
from ingest.resolve import Resolver
from ingest.route import Router
from ingest.sparkplug import packets as sparkplug
from ingest.sparkplug.host import Host
from ingest.writer import Writer
from pilot.bench_publisher import Load, contents
from pilot.bench_stack import empty
from store import raw
from store.pool import Connection, connect, with_user

MOST_VALUES = 200_000
MOST_MESSAGES = 50_000
BATCH_VALUES = 10_000

T = TypeVar("T")


@dataclass(frozen=True)
class Stage:
    """Processor time of a part of the work, in microseconds."""

    name: str
    per_message: float
    per_value: float

    def __str__(self) -> str:
        return f"{self.name:<55} {self.per_message:8.2f} µs/message {self.per_value:8.3f} µs/value"


def stages(url: str, work: Load) -> Iterator[Stage]:
    """Take a part of a load through each stage, over a database where its site is known."""
    most = min(MOST_MESSAGES, MOST_VALUES // work.values_per_message)
    work = replace(work, messages=min(work.messages, max(1, most)))
    parts = list(contents(work, work.start_ms()))
    own_url = with_user(url, "haidang_ingest")

    def stage(name: str, make: Callable[[], T]) -> T:
        began = time.thread_time()
        result = make()
        spent_us = (time.thread_time() - began) * 1e6
        found.append(Stage(name, spent_us / work.messages, spent_us / work.values))
        return result

    found: list[Stage] = []
    batches = stage("receive: topic, decoding, batch", lambda: list(_received(parts)))
    with connect(own_url, "bench") as connection:
        resolver = _resolved(connection, batches)
        flat = stage("lay the values of a batch side by side", lambda: [flatten(batch) for batch in batches])
        limits = Limits()
        quota = _known_days(flat, limits)
        plans = stage(
            "plan: units, times, days, repeats",
            lambda: [make_plan(columns, resolver.table, limits, quota, resolver.person_key) for columns in flat],
        )
        stage("accounts and marks", lambda: [_accounted(plan) for plan in plans])
        stage("rows in binary", lambda: [raw.copy_bytes(plan.rows()) for plan in plans])
    planned_s, stored_s = _threads(own_url, list(_received(parts)))  # anew: what another resolver found belongs to it
    for name, spent_s in (("planner's", planned_s), ("writer's", stored_s)):
        title = f"all of the {name} thread, two of these included"
        found.append(Stage(title, spent_s * 1e6 / work.messages, spent_s * 1e6 / work.values))
    empty(url)
    yield from found


def _threads(url: str, batches: Sequence[list[Message]]) -> tuple[float, float]:
    """Processor time of planning and of storing, in seconds, as the two threads of a worker do it."""
    writer = Writer(url)
    writer.open()
    planned_s = stored_s = 0.0
    for batch in batches:
        began = time.thread_time()
        plan = writer.planner.plan(batch)
        done = time.thread_time()
        writer.write(batch, plan)
        planned_s += done - began
        stored_s += time.thread_time() - done
    writer.close()
    return planned_s, stored_s


def _received(parts: Sequence[tuple[bytes, bytes]]) -> Iterator[list[Message]]:
    host = Host()
    router, batcher = Router(host=host), Batcher(BATCH_VALUES)
    for topic, payload in parts:
        source, at_us = router.source(topic.decode()), now_us()
        opened = intake.opened(payload, 1 << 20)
        message = Message(source, payload, at_us, Decoded())
        if source.place is None or isinstance(opened, Rejection):
            message.decoded = intake.decode(source, opened, at_us)
            one = [message]
        else:
            one = sparkplug.messages(host, message, opened)
        for each in one:
            if batcher.add(each, measured(each.decoded)[0]):
                yield batcher.take()
    if len(batcher):
        yield batcher.take()


def _resolved(connection: Connection, batches: Sequence[Sequence[Message]]) -> Resolver:
    """A resolver that knows all series, as after the first batches."""
    resolver = Resolver()
    resolver.refresh(connection)
    for batch in batches:
        resolver.place_sources(connection, batch)
        resolver.register(connection, flatten(batch).new)
    return resolver


def _known_days(flat: Sequence[Columns], limits: Limits) -> DayQuota:
    """All days are open, as they are nearly always."""
    quota = DayQuota(limits.new_days_per_hour)
    days = {day for columns in flat for day in np.unique(columns.ts_us // DAY_US).tolist()}
    quota.commit(now_us() // HOUR_US, {0: days})
    return quota


def _accounted(plan: Plan) -> int:
    counted = account.tally(plan)
    marks = account.dirty_marks(plan)
    return len(marks) + len(account.ledger_rows(account.accounts(plan, counted, now_us(), [])))
