"""A planned batch in, a committed one out: everything that belongs to it in one transaction. Belongs to one thread.

Three ways a batch can fail are told apart: a repeat (unique violation: the staging path takes over), poison that only
the database or its driver sees (SQLSTATE 22, 23, 54, a text that cannot be sent: the batch is halved until the bad
message stands alone and is refused), and an outage (nothing is stored, the caller may try again). Anything else is an
error that ends the service. Where the connection is lost during the commit, nobody knows which of both it was until the
next connection has asked for the mark that each batch leaves.

A plan that was made ahead is used for the first try only: whatever fails after that is planned anew.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import psycopg

from ingest import account
from ingest.batch import middle_of
from ingest.columns import CONFLICT, DUPLICATE, STORED, Plan, PlannedEvent, add_conflict
from ingest.decode.result import Rejection
from ingest.doubt import Attempt, Doubt
from ingest.events import add_event_conflict
from ingest.headers import Headers, Key
from ingest.limits import DAY_US, Limits
from ingest.message import Message
from ingest.over_quota import OverQuota
from ingest.planner import Planner, now_us
from ingest.refusals import refusals
from ingest.seqs import SeqRun
from ingest.sparkplug import keeping
from model.instants import instant
from model.ledger import COUNTS
from store import raw
from store.errors import DatabaseUnavailableError, is_outage, is_undone, translated
from store.pool import Connection, connect

STAGED_BATCHES = 50  # batches that go through the staging table after a repeat was met
DAYS_AHEAD = 2
LOCK_TIMEOUT_S = 2.0
SILENT_CLIENT_S = 20.0  # a batch left half-way behind a cut network would keep its rows from the next try
TOUCH_US = 10_000_000
TRIES = 3  # of a batch that the server undid for the sake of another worker's
_POISON_CLASSES = ("22", "23", "54")
SILENT_SERVER_S = 15.0


T = TypeVar("T")
# Something that belongs into the transaction of a batch, given the batch with all its outcomes.
Beside = Callable[[Connection, Plan, account.Tally], None]


@dataclass
class Report:
    """What became of a batch, for metrics."""

    seconds: float = 0.0
    staged: int = 0
    bisected: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    committed: int = 0  # messages, from the first on

    def add(self, accounts: dict[Key, account.Account]) -> None:
        """Add the counts of a stored part."""
        columns = zip(*(one.counts.values() for one in accounts.values()), strict=True)
        for name, counts in zip(COUNTS, columns, strict=False):
            self.counts[name] = self.counts.get(name, 0) + sum(counts)


@dataclass(frozen=True)
class Work:
    """What goes with the messages of a batch: what became of them, whose marks they leave, what is stored with them."""

    report: Report
    doubt: Doubt
    beside: Beside | None = None
    ahead: Plan | None = None  # of all messages, made before


class NotStoredError(DatabaseUnavailableError):
    """An outage left (the rest of) a batch unstored."""

    def __init__(self, text: str, committed: int) -> None:
        super().__init__(text)
        self.committed = committed  # messages, from the first on, that may be acknowledged


class Writer:
    """Stores batches over one connection of its own, which is opened anew after an outage."""

    def __init__(self, url: str, limits: Limits | None = None, clock_us: Callable[[], int] = now_us) -> None:
        self._url = url
        self._limits = limits or Limits()
        self._clock_us = clock_us
        self._connection: Connection | None = None
        self.planner = Planner(url, self._connect, self._limits, clock_us)
        self._over_quota = OverQuota()
        self._doubt = Doubt()
        self._doubt_beside = Doubt()
        self._staged_left = 0
        self._touched: dict[int, int] = {}

    def open(self) -> Sequence[Message]:
        """Connect and read the registry; tells the messages of a batch in doubt that turns out to be stored.

        Raises:
            DatabaseUnavailableError: nobody answers.
        """
        self.planner.open()
        stored = self.run(self._doubt.settle)
        if stored is None:
            return ()
        self._touched.update(stored.seen)
        return stored.messages

    def write(self, messages: Sequence[Message], ahead: Plan | None = None) -> Report:
        """Store a batch; when this returns, all of it may be acknowledged.

        Args:
            messages: of the broker, in order of receipt.
            ahead: their plan, if it was made before; not one that was used.

        Raises:
            NotStoredError: an outage; nothing, or only a part, was stored. The rest may be given again, without the
                part: only then is it known whether a commit whose answer was lost has stored it.
        """
        began = time.perf_counter()
        work = Work(Report(), self._doubt, ahead=ahead)
        try:
            with translated(self._url):
                self._settle_and_store(messages, work)
        except DatabaseUnavailableError as error:
            raise NotStoredError(str(error), work.report.committed) from error
        work.report.seconds = time.perf_counter() - began
        return work.report

    def write_beside(self, messages: Sequence[Message], beside: Beside) -> Report:
        """Store messages that are no batch of the broker, each part of them with something else in its transaction.

        Raises:
            DatabaseUnavailableError: nothing, or only a part, was stored; or a batch of the broker is in doubt and
                comes first.
        """
        if self._doubt.is_open:
            raise DatabaseUnavailableError("a batch whose commit was not confirmed comes first")
        work = Work(Report(), self._doubt_beside, beside)
        self.run(lambda _connection: self._store(messages, work))
        return work.report

    def run(self, work: Callable[[Connection], T]) -> T:
        """Do something on the connection of the writer; what it leaves open is committed.

        Raises:
            DatabaseUnavailableError: nobody answers; the work may be done, or not.
        """
        with translated(self._url):
            try:
                connection = self._open()
                result = work(connection)
                connection.commit()
            except psycopg.Error as error:
                self._after_failure(error)
                raise
        return result

    def fold_ledger(self) -> int:
        """Fold the appended accounts into the ledger, on a connection of its own: batches need not wait for it.

        Where the answer is lost, the next call finds less or nothing.

        Raises:
            DatabaseUnavailableError: nobody answers; the deltas wait.
        """
        with translated(self._url), self._connect("haidang-ingest-fold") as connection:
            return raw.fold_ledger(connection)

    def forget_rejected(self, days: int, unknown_bytes: int) -> int:
        """Forget refused messages that were dealt with or are of no known site, on a connection of its own.

        Args:
            days: for so long they are kept after their last receipt; 0 = for ever.
            unknown_bytes: of no known site the newest of so many bytes are kept.

        Raises:
            DatabaseUnavailableError: nobody answers; the next try may do.
        """
        before = instant(self._clock_us() - days * DAY_US if days else 0)
        with translated(self._url), self._connect("haidang-ingest-tidy") as connection:
            return raw.forget_rejected(connection, before, unknown_bytes)

    def prepare_days(self) -> None:
        """Make the places of today's and the next days' readings, before a long reader of the table is in the way.

        Raises:
            DatabaseUnavailableError: nobody answers, or such a reader is in the way already; the next try may do.
        """
        today = self._clock_us() // DAY_US

        def prepare(connection: Connection) -> None:
            raw.wait_briefly(connection, LOCK_TIMEOUT_S)
            raw.ensure_days(connection, range(today, today + 1 + DAYS_AHEAD))

        self.run(prepare)

    def close(self) -> None:
        """End the connections."""
        self.planner.close()
        self._end()

    def _connect(self, application: str) -> Connection:
        connection = connect(self._url, application, silent_s=SILENT_SERVER_S)
        raw.watch_client(connection, SILENT_CLIENT_S)
        connection.commit()
        return connection

    def _open(self) -> Connection:
        if self._connection is None or self._connection.closed:
            self._connection = self._connect("haidang-ingest")
        return self._connection

    def _end(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _after_failure(self, error: psycopg.Error) -> None:
        if self._connection is not None and (is_undone(error) or not is_outage(error)):
            self._connection.rollback()
        else:
            self._end()

    # -- one batch ------------------------------------------------------------------------------------

    def _settle_and_store(self, messages: Sequence[Message], work: Work) -> None:
        """Store what a commit whose answer was lost has not stored already; what the server undid is tried again."""
        ahead = work.ahead
        for tries_left in reversed(range(TRIES)):
            try:
                rest = messages[work.report.committed :]
                stored = work.doubt.resolve(self._open(), rest)
                if stored is not None:
                    self._settle(stored, work.report)
                self._store(messages[work.report.committed :], work, ahead)
            except psycopg.Error as error:
                self._after_failure(error)
                if not (tries_left and is_undone(error)):
                    raise
                ahead = None
            else:
                return

    def _settle(self, attempt: Attempt, report: Report) -> None:
        """Remember what a commit has made true."""
        self._touched.update(attempt.seen)
        report.committed += len(attempt.messages)
        report.add(attempt.accounts)

    def _store(self, messages: Sequence[Message], work: Work, ahead: Plan | None = None) -> None:
        """Store messages, halving them when the database refuses one."""
        if not messages:
            return
        connection = self._open()
        try:
            is_whole = ahead is not None and len(ahead.messages) == len(messages)
            if ahead is None or not is_whole or not self.planner.is_current(connection, ahead):
                ahead = self.planner.plan(messages)
            self._commit(connection, ahead, work)
        except (psycopg.Error, ValueError) as error:
            if not is_poison(error):
                raise
            connection.rollback()
            self._bisect(messages, work, error)

    def _bisect(self, messages: Sequence[Message], work: Work, error: Exception) -> None:
        work.report.bisected += 1
        middle = middle_of(messages)
        if middle:
            self._store(messages[:middle], work)
            self._store(messages[middle:], work)
            return
        if any(message.decoded.whole is not None and message.decoded.whole.code == "database" for message in messages):
            raise error  # not even the refusal can be stored
        sentence = str(error).strip().split("\n")[0]
        whole = Rejection("database", f"the database refused it: {sentence}", 0)
        for message in messages:
            message.decoded = type(message.decoded)(
                whole=whole,
                seq=message.decoded.seq,
                seq_us=message.decoded.seq_us,
                online=message.decoded.online,
                missing=message.decoded.missing,
                effects=message.decoded.effects,
            )
        self._store(messages, work)

    def _commit(self, connection: Connection, plan: Plan, work: Work) -> None:
        """Write a plan in one transaction: fast, or through the staging table."""
        if self._staged_left > 0 or work.beside is not None:
            self._staged_left = max(0, self._staged_left - 1)
            self._write(connection, plan, work, staged=True)
            return
        try:
            self._write(connection, plan, work, staged=False)
        except psycopg.errors.UniqueViolation:
            connection.rollback()
            self._staged_left = STAGED_BATCHES
            self._write(connection, plan, work, staged=True)

    def _write(self, connection: Connection, plan: Plan, work: Work, *, staged: bool) -> None:
        rows = plan.rows()
        if len(rows) and staged:
            work.report.staged += 1
            self._note_existing(plan, raw.merge_readings(connection, rows))
        elif len(rows):
            raw.copy_readings(connection, rows)
        self._write_events(connection, plan)
        self._write_rest(connection, plan, work)

    def _note_existing(self, plan: Plan, existing: raw.Existing) -> None:
        """Rows that were stored before are duplicates, or conflicts if they say something else."""
        plan.outcome[plan.to_store[existing.places]] = DUPLICATE
        for row, stored in existing.conflicts.items():
            place = int(plan.to_store[row])
            plan.outcome[place] = CONFLICT
            add_conflict(plan, place, stored)

    def _write_events(self, connection: Connection, plan: Plan) -> None:
        new = [event for event in plan.events if event.outcome == STORED]
        if not new:
            return
        existing = raw.insert_events(connection, [event.row for event in new])
        for place in existing.places.tolist():
            new[place].outcome = CONFLICT if place in existing.conflicts else DUPLICATE
        for place, stored in existing.conflicts.items():
            add_event_conflict(plan, new[place], stored)

    def _write_rest(self, connection: Connection, plan: Plan, work: Work) -> None:
        """Conflicts, refusals, sessions, marks and accounts, then the commit."""
        counted = account.tally(plan)
        self._keep_conflicts(connection, plan)
        again = self._keep_refusals(connection, plan, counted)
        saying = [(plan.messages[place], *plan.headers.place_of(place)) for place in plan.headers.says]
        self._note_statuses(connection, saying)
        keeping.keep(connection, [(message.decoded.effects, site_id) for message, site_id, _ in saying])
        seen = self._seen(plan.headers)
        raw.touch_devices(connection, seen)
        raw.insert_dirty_marks(connection, account.dirty_marks(plan))
        if work.beside is not None:
            work.beside(connection, plan, counted)
        accounts = account.accounts(plan, counted, self._clock_us(), again)
        mark = work.doubt.next_mark()
        runs = [run_row(run) for run in plan.runs]
        transaction = raw.insert_accounts(connection, mark, account.ledger_rows(accounts), runs)
        attempt = Attempt(mark, transaction, plan.messages, accounts, seen)
        work.doubt.begin(attempt)
        connection.commit()
        work.doubt.end()
        self._settle(attempt, work.report)

    def _keep_refusals(self, connection: Connection, plan: Plan, counted: account.Tally) -> list[int]:
        """Keep what was refused; tells the places of messages that were kept before and are delivered again."""
        found = refusals(plan, counted, self._clock_us(), self._limits, self._over_quota)
        news = raw.reject(connection, [refusal.row for refusal in found])
        return [
            place for refusal in found for place in refusal.again(plan.messages, is_new=news[refusal.row["digest"]])
        ]

    def _keep_conflicts(self, connection: Connection, plan: Plan) -> None:
        """Keep what differs; what was kept before changes nothing, so it leaves no mark."""
        rows = [{**conflict, "ts": instant(conflict["ts_us"])} for conflict in plan.conflicts]
        for row, is_new in zip(rows, raw.insert_conflicts(connection, rows), strict=True):
            if isinstance(row["of"], PlannedEvent):
                row["of"].known = not is_new
            elif not is_new:
                plan.known_conflicts.append(row["of"])

    def _note_statuses(self, connection: Connection, saying: Sequence[tuple[Message, int, int]]) -> None:
        said = [each for each in saying if each[0].decoded.online is not None and not each[0].replay_of]
        for message, site_id, device_id in sorted(said, key=lambda each: each[2]):  # an order that all workers keep to
            online = message.decoded.online
            if online is not None and device_id:
                raw.note_status(connection, site_id, device_id, message.received_us, online=online)

    def _seen(self, headers: Headers) -> dict[int, int]:
        """Devices whose last sign of life is to be noted, at most every ten seconds each; a replay is none."""
        last = np.zeros(len(headers.keys), np.int64)
        np.maximum.at(last, headers.group, np.where(headers.is_replay, 0, headers.received_us))
        seen: dict[int, int] = {}
        for (_, device, _), received_us in zip(headers.keys, last.tolist(), strict=True):
            if device and received_us >= self._touched.get(device, 0) + TOUCH_US:
                seen[device] = max(received_us, seen.get(device, 0))
        return seen


def is_poison(error: psycopg.Error | ValueError) -> bool:
    """Whether the content of a message is what the database, or the driver before it, cannot take."""
    if isinstance(error, psycopg.Error) and error.sqlstate is not None:
        return error.sqlstate[:2] in _POISON_CLASSES
    return isinstance(error, psycopg.DataError | ValueError)


def run_row(run: SeqRun) -> dict[str, object]:
    """A set of sequence numbers as a row of `seq_delta`."""
    return {
        "site_id": run.site_id,
        "device_id": run.device_id,
        "hour": instant(run.hour_us),
        "first_ts": instant(run.first_us),
        "last_ts": instant(run.last_us),
        "numbers": run.multirange,
    }
