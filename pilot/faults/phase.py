"""Runs phases: faults in threads of their own, then the wait until all that was sent is where it belongs."""

import random
import threading
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import psycopg

from pilot.errors import PilotError
from pilot.faults import truth
from pilot.faults.edge import Edge
from pilot.faults.edge_client import EdgeClient
from pilot.faults.feed import Feed, Refusal
from pilot.faults.kinds import BROKER_KILL, KINDS, Field
from pilot.faults.load import SITE, Load
from pilot.faults.loose import Loose, still_open
from pilot.faults.measure import caught_up_s, first_commit_s, longest_stall_s, rate_per_s
from pilot.faults.monitor import Monitor
from pilot.faults.publisher import Publisher
from pilot.faults.result import PhaseResult
from pilot.faults.schedule import BEFORE_S, Occurrence, Phase
from pilot.faults.stack import Stack
from pilot.ports import LOCALHOST
from store.errors import StoreError
from store.pool import connect
from store.queries import load as load_queries

CONNECTIONS = 4  # publishers
STILL_S = 60.0  # without any progress for so long a wait is given up
PATIENCE_S = 180.0  # to keep pace again; afterwards the publishers are stopped and the rest is drained
STILL_AFTER_LOSS_S = 5.0
STILL_WHEN_ENDING_S = 10.0
SETTLED_S = 0.4
SLACK_S = 1.0  # of the load that is always on its way
POLL_S = 0.05
FAILURES = (PilotError, StoreError, psycopg.Error, OSError)
_SQL = load_queries("faults")


def make_publishers(load: Load, stack: Stack, *, rate: float, seed: int) -> list[Publisher]:
    """Publishers of a load, each with its part of the devices; not yet sending. `rate` is that of all together."""
    count = min(CONNECTIONS, load.devices)
    address = (LOCALHOST, stack.publisher_line.port)
    feeds = [Feed(load, list(range(first, load.devices, count)), seed * 1000 + first) for first in range(count)]
    made = [Publisher(f"faults-{place}", address, feed, rate / count) for place, feed in enumerate(feeds)]
    for publisher in made:
        publisher.pause()
        publisher.start()
    return made


def make_edges(count: int, stack: Stack, *, rate: float, seed: int) -> list[EdgeClient]:
    """Edge nodes of Sparkplug; not yet sending. `rate` is that of all together."""
    address = (LOCALHOST, stack.publisher_line.port)
    made = [EdgeClient(Edge(place, seed * 1000 + 500 + place), address, rate / count) for place in range(count)]
    for edge in made:
        edge.start()
    return made


class Senders(NamedTuple):
    """Everything that sends: native messages, Sparkplug."""

    publishers: Sequence[Publisher]
    edges: Sequence[EdgeClient]

    @property
    def all(self) -> list[Publisher | EdgeClient]:
        return [*self.publishers, *self.edges]


class Phases:
    """The phases that were run, with everything that was sent in them."""

    def __init__(self, stack: Stack, senders: Senders, monitor: Monitor, seed: int, say: Callable[[str], None]) -> None:
        self.results: list[PhaseResult] = []
        self.took_place: list[str] = []
        self.problems: list[str] = []
        self._stack = stack
        self._senders = senders
        self._publishers, self._edges = publishers, edges = senders
        self._load = publishers[0].feed.load
        self._monitor = monitor
        self._say = say
        self._field = Field(stack, list(publishers), random.Random(seed))  # noqa: S311 - same seed, same run
        self._spans: list[truth.Span] = []
        self._refusals: list[tuple[int, Refusal]] = []
        self._loose: list[Loose] = []
        self._owed = [0] * len(edges)  # of each, how many messages belong to earlier phases
        self._unsure = [0] * len(edges)
        self._things = {kind.resource: threading.Lock() for kind in (*KINDS, BROKER_KILL)}
        self._ending = threading.Event()
        self._began = time.monotonic()

    def sent(self) -> truth.Sent:
        """Everything that was sent so far."""
        unsure = [key for publisher in self._publishers for key in publisher.unacknowledged]
        return truth.Sent(self._load, self._spans, self._refusals, unsure, self._loose)

    def sparkplug(self) -> dict[str, int]:
        """What edge nodes did so far."""
        edges = [client.edge for client in self._edges]
        return {
            "messages": sum(len(client.owed) for client in self._edges),
            "births": sum(edge.births for edge in edges),
            "rebirths": sum(edge.rebirths for edge in edges),
            "deaths": sum(edge.deaths for edge in edges),
            "wills": sum(client.wills for client in self._edges),
            "historical": sum(edge.historical for edge in edges),
        }

    def run(self, phase: Phase, *, may_lose: bool = False) -> None:
        """Run a phase; when this returns (or is interrupted) its faults are over and what was sent is stored.

        Where messages may be lost on the way, nobody waits for them.
        """
        still_s = STILL_AFTER_LOSS_S if may_lose else STILL_S
        result = PhaseResult(phase.name, [occurrence.kind.name for occurrence in phase.occurrences])
        before = _Counters(self._publishers, self._monitor)
        began = time.monotonic()
        threads = [
            threading.Thread(target=self._act, args=(occurrence, began), name=occurrence.kind.name)
            for occurrence in phase.occurrences
        ]
        for sender in self._senders.all:
            sender.resume()
        try:
            for thread in threads:
                thread.start()
            self._wait_for(threads)
            over = time.monotonic()
            self._measure_return(result, began + phase.first_s, over, may_lose=may_lose)
        except KeyboardInterrupt:
            self._ending.set()
            still_s = STILL_WHEN_ENDING_S
            raise
        finally:
            for thread in threads:
                if thread.ident is not None:
                    thread.join()
            self._close(result, before, began, still_s)

    def _act(self, occurrence: Occurrence, began: float) -> None:
        """One fault, from its beginning to its end."""
        kind = occurrence.kind
        if self._ending.wait(max(0.0, began + occurrence.at_s - time.monotonic())):
            return
        try:
            with self._things[kind.resource], kind.act(self._field):
                self.took_place.append(kind.name)
                self._tell(f"{kind.title}, {occurrence.for_s:.1f} s")
                self._ending.wait(occurrence.for_s)
        except FAILURES as error:
            self.problems.append(f"the fault {kind.name!r} could not be done: {error}")
            self._tell(self.problems[-1])

    def _wait_for(self, threads: Sequence[threading.Thread]) -> None:
        for thread in threads:
            while thread.is_alive():
                thread.join(POLL_S)

    def _measure_return(self, result: PhaseResult, first_s: float, over: float, *, may_lose: bool) -> None:
        """Wait until ingest keeps pace again (or just works again), and note how fast it came back."""
        before = rate_per_s(self._monitor.since(first_s - BEFORE_S), 0.0, first_s)
        load = sum(publisher.rate for publisher in self._publishers) * self._load.values
        slack = float("inf") if may_lose else load * SLACK_S
        watch = _Progress(self._monitor, [])
        while watch.still_s() < STILL_S and time.monotonic() < over + PATIENCE_S:
            samples = self._monitor.since(over)
            at = caught_up_s(samples, over, slack)
            result.first_commit_s = first_commit_s(samples, over)
            if at is not None and result.first_commit_s is not None:
                break
            time.sleep(POLL_S)
        result.values_per_s_before = before
        if at is not None and not may_lose:
            result.caught_up_s = at - over
            result.catch_up_values_per_s = rate_per_s(samples, over, at)

    def _close(self, result: PhaseResult, before: "_Counters", began: float, still_s: float) -> None:
        """Drain, and put down what belongs to the phase."""
        for sender in self._senders.all:
            sender.pause()
        result.is_drained = self._drain(still_s)
        after = _Counters(self._publishers, self._monitor)
        result.sent = after.sent - before.sent
        result.sent_values = after.sent_values - before.sent_values
        result.acknowledged = after.acknowledged - before.acknowledged
        result.redelivered = after.ledger.redelivered - before.ledger.redelivered
        result.duplicate_values = after.ledger.duplicate - before.ledger.duplicate
        result.longest_stall_s = longest_stall_s(self._monitor.since(began))
        place = len(self.results)
        for publisher, numbers, refusals in zip(self._publishers, before.numbers, before.refusals, strict=True):
            feed = publisher.feed
            self._spans += [truth.Span(place, one, numbers[one], end) for one, end in feed.next_number.items()]
            self._refusals += [(place, one) for one in feed.refusals[refusals:]]
        self._check_processed(result, place, before, after)
        self._take_loose(result, place)
        self.results.append(result)
        back = "" if result.caught_up_s is None else f", kept pace again after {result.caught_up_s:.1f} s"
        self._tell(f"  {result.sent:,} messages{back}{'' if result.is_drained else ', NOT all of them stored'}")

    def _take_loose(self, result: PhaseResult, place: int) -> None:
        """Put down what edge nodes sent; only what was acknowledged is owed."""
        for at, edge in enumerate(self._edges):
            owed, unsure = edge.owed[self._owed[at] :], edge.unsure[self._unsure[at] :]
            self._owed[at] += len(owed)
            self._unsure[at] += len(unsure)
            self._loose += [Loose(place, record) for record in owed]
            self._loose += [Loose(place, record, is_unsure=True) for record in unsure]
            result.sent += len(owed)
            result.acknowledged += len(owed)
            result.sent_values += sum(record.mask.bit_count() for record in owed)
            result.unsure += len(unsure)

    def _check_processed(self, result: PhaseResult, place: int, before: "_Counters", after: "_Counters") -> None:
        """A message is processed once, and once more for each copy that publishers made of it and each replay."""
        numbered = result.sent - sum(1 for at, one in self._refusals if at == place and one.whole)
        most = numbered + after.copies - before.copies + after.ledger.replayed - before.ledger.replayed
        processed = after.ledger.processed - before.ledger.processed
        if result.is_drained and not numbered <= processed <= most:
            self.problems.append(
                f"{result.name}: the ledger counts {processed:,} messages processed, {numbered:,} were sent"
                + (f" and at most {most - numbered:,} copies and replays of them" if most > numbered else "")
            )

    def _drain(self, still_s: float) -> bool:
        """Wait until every message is acknowledged, every value stored and nothing moves; false when that never is."""
        watch = _Progress(self._monitor, self._publishers)
        while watch.still_s() < still_s:
            for sender in self._senders.all:
                if sender.error is not None:
                    raise PilotError(f"A publisher failed: {sender.error!r}") from sender.error
            acknowledged = all(sender.is_drained for sender in self._senders.all)
            stored = self._monitor.progress.stored >= self._monitor.sent_values
            if acknowledged and stored and watch.still_s() > SETTLED_S and self._is_settled():
                return True
            time.sleep(POLL_S)
        return False

    def _is_settled(self) -> bool:
        """Whether everything of this phase is really there; the ledger is folded on the occasion."""
        late = [one.late for publisher in self._publishers for one in publisher.feed.refusals if one.late is not None]
        known = sum(one.late is not None for _, one in self._refusals)
        owed = [record for edge, done in zip(self._edges, self._owed, strict=True) for record in edge.owed[done:]]
        try:
            with connect(self._stack.url, "faults") as connection:
                connection.execute(_SQL["fold_ledger"])
                row = connection.execute(_SQL["counted"], {"site": SITE}).fetchone()
                if row is None or row[0] < self._monitor.sent_values:
                    return False
                return not still_open(connection, [*owed, *late] if len(late) > known else owed)
        except FAILURES:
            return False

    def _tell(self, what: str) -> None:
        seconds = int(time.monotonic() - self._began)
        self._say(f"{seconds // 60:3d}:{seconds % 60:02d}  {what}")


class _Counters:
    """Where all counts stand at an instant."""

    def __init__(self, publishers: Sequence[Publisher], monitor: Monitor) -> None:
        self.sent = sum(publisher.sent for publisher in publishers)
        self.sent_values = sum(publisher.sent_values for publisher in publishers)
        self.acknowledged = sum(publisher.acknowledged for publisher in publishers)
        self.copies = sum(publisher.copies for publisher in publishers)
        self.ledger = monitor.progress
        self.numbers = [dict(publisher.feed.next_number) for publisher in publishers]
        self.refusals = [len(publisher.feed.refusals) for publisher in publishers]


class _Progress:
    """Tells for how long neither ingest nor these publishers have got on."""

    def __init__(self, monitor: Monitor, publishers: Sequence[Publisher]) -> None:
        self._monitor = monitor
        self._publishers = publishers
        self._last = (-1, -1)
        self._since = time.monotonic()

    def still_s(self) -> float:
        """Seconds since the last change that was seen by this."""
        now = (sum(publisher.acknowledged for publisher in self._publishers), self._monitor.progress.received)
        if now != self._last:
            self._last, self._since = now, time.monotonic()
        return time.monotonic() - self._since
