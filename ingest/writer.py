"""A batch in, a committed batch out: everything that belongs to it in one transaction. Belongs to one thread.

Three ways a batch can fail are told apart: a repeat (unique violation: the staging path takes over), poison that only
the database or its driver sees (SQLSTATE 22, 23, a text that cannot be sent: the batch is halved until the bad message
stands alone and is refused), and an outage (nothing is stored, the caller may try again). Anything else is an error
that ends the service.
"""

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import psycopg
from psycopg.conninfo import make_conninfo

from ingest import account
from ingest.columns import CONFLICT, DUPLICATE, STORED, Plan, PlannedEvent, add_conflict, flatten
from ingest.content import storable
from ingest.decode import mapped
from ingest.decode.result import Rejection
from ingest.events import add_event_conflict
from ingest.limits import DAY_US, HOUR_US, DayQuota, Limits
from ingest.message import Message
from ingest.plan import make_plan
from ingest.resolve import Resolver
from store import raw
from store.errors import is_outage, translated
from store.instants import instant
from store.pool import Connection, connect

STAGED_BATCHES = 50  # batches that go through the staging table after a repeat was met
DAYS_AHEAD = 2
LOCK_TIMEOUT_S = 2.0
TOUCH_US = 10_000_000
KEPT_PAYLOAD_BYTES = 65_536
MOST_SENTENCES = 20
_POISON_CLASSES = ("22", "23")
# A cut network must be noticed: without these an open connection waits for a quarter of an hour.
_WATCHED = {
    "keepalives": 1,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 15_000,
}


@dataclass
class Report:
    """What became of a batch, for metrics."""

    seconds: float = 0.0
    staged: int = 0
    bisected: int = 0
    counts: dict[str, int] = field(default_factory=dict)

    def add(self, accounts: dict[account.Key, account.Account]) -> None:
        """Add the counts of a stored part."""
        for one in accounts.values():
            for name, count in one.counts.items():
                self.counts[name] = self.counts.get(name, 0) + count


def now_us() -> int:
    """The clock of receipt, in µs since 1970."""
    return time.time_ns() // 1000


class Writer:
    """Stores batches over one connection of its own, which is opened anew after an outage."""

    def __init__(self, url: str, limits: Limits | None = None, clock_us: Callable[[], int] = now_us) -> None:
        self._url = url
        self._limits = limits or Limits()
        self._clock_us = clock_us
        self._connection: Connection | None = None
        self._resolver = Resolver()
        self._quota = DayQuota(self._limits.new_days_per_hour)
        self._seqs = account.SeqWatch()
        self._staged_left = 0
        self._touched: dict[int, int] = {}
        self.stored = 0  # messages of the batch in work that are committed: a failure may leave a part of them

    def open(self) -> None:
        """Connect and read the registry.

        Raises:
            DatabaseUnavailableError: nobody answers.
        """
        with translated(self._url):
            self._resolver.refresh(self._open())

    def write(self, messages: Sequence[Message]) -> Report:
        """Store a batch; when this returns, all of it may be acknowledged.

        Raises:
            DatabaseUnavailableError: nothing, or only a part that may be stored again without harm, was stored.
        """
        began = time.perf_counter()
        report = Report()
        self.stored = 0
        with translated(self._url):
            try:
                self._store(messages, report)
            except psycopg.Error as error:
                self._after_failure(error)
                raise
        report.seconds = time.perf_counter() - began
        return report

    def fold_ledger(self) -> int:
        """Fold the appended accounts into the ledger."""
        with translated(self._url):
            try:
                connection = self._open()
                folded = raw.fold_ledger(connection)
                connection.commit()
            except psycopg.Error as error:
                self._after_failure(error)
                raise
        return folded

    def prepare_days(self) -> None:
        """Make the places of today's and the next days' readings, before a long reader of the table is in the way.

        Raises:
            DatabaseUnavailableError: nobody answers, or such a reader is in the way already; the next try may do.
        """
        today = self._clock_us() // DAY_US
        with translated(self._url):
            try:
                connection = self._open()
                raw.wait_briefly(connection, LOCK_TIMEOUT_S)
                raw.ensure_days(connection, range(today, today + 1 + DAYS_AHEAD))
                connection.commit()
            except psycopg.Error as error:
                self._after_failure(error)
                raise

    def close(self) -> None:
        """End the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self) -> Connection:
        if self._connection is None or self._connection.closed:
            self._connection = connect(make_conninfo(self._url, **_WATCHED), "haidang-ingest")
        return self._connection

    def _after_failure(self, error: psycopg.Error) -> None:
        if self._connection is not None and not is_outage(error):
            self._connection.rollback()
        else:
            self.close()

    # -- one batch ------------------------------------------------------------------------------------

    def _store(self, messages: Sequence[Message], report: Report) -> None:
        """Store messages, halving them when the database refuses one."""
        connection = self._open()
        try:
            plan = self._plan(connection, messages)
            self._resolver.add_symbols(connection, plan.texts)
            self._make_days(connection, plan)
            self._commit(connection, plan, report)
        except (psycopg.Error, ValueError) as error:
            if not is_poison(error):
                raise
            connection.rollback()
            self._bisect(messages, report, error)

    def _plan(self, connection: Connection, messages: Sequence[Message]) -> Plan:
        resolver = self._resolver
        resolver.place_sources(connection, messages)
        columns = flatten(messages)
        if columns.new:
            resolver.register(connection, columns.new)
            columns = flatten(messages)
        return make_plan(columns, resolver.table, self._limits, self._quota, resolver.person_key)

    def _bisect(self, messages: Sequence[Message], report: Report, error: Exception) -> None:
        report.bisected += 1
        if len(messages) > 1:
            middle = len(messages) // 2
            self._store(messages[:middle], report)
            self._store(messages[middle:], report)
            return
        message = messages[0]
        if message.decoded.whole is not None and message.decoded.whole.code == "database":
            raise error  # not even the refusal can be stored
        sentence = str(error).strip().split("\n")[0]
        message.decoded = type(message.decoded)(whole=Rejection("database", f"the database refused it: {sentence}", 0))
        self._store(messages, report)

    def _make_days(self, connection: Connection, plan: Plan) -> None:
        if not plan.opened_days:
            return
        raw.ensure_days(connection, set().union(*plan.opened_days.values()))
        connection.commit()
        self._quota.commit(self._clock_us() // HOUR_US, plan.opened_days)

    def _commit(self, connection: Connection, plan: Plan, report: Report) -> None:
        """Write a plan in one transaction: fast, or through the staging table."""
        if self._staged_left > 0:
            self._staged_left -= 1
            self._write(connection, plan, report, staged=True)
            return
        try:
            self._write(connection, plan, report, staged=False)
        except psycopg.errors.UniqueViolation:
            connection.rollback()
            self._staged_left = STAGED_BATCHES
            self._write(connection, plan, report, staged=True)

    def _write(self, connection: Connection, plan: Plan, report: Report, *, staged: bool) -> None:
        rows = plan.rows()
        if len(rows) and staged:
            report.staged += 1
            self._note_existing(plan, raw.merge_readings(connection, rows))
        elif len(rows):
            raw.copy_readings(connection, rows)
        self._write_events(connection, plan)
        self._write_rest(connection, plan, report)

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

    def _write_rest(self, connection: Connection, plan: Plan, report: Report) -> None:
        """Conflicts, refusals, sessions, marks and accounts, then the commit."""
        counted = account.tally(plan)
        missing, seqs = self._seqs.missing(plan.messages)
        table = self._resolver.table
        self._keep_conflicts(connection, plan)
        raw.reject(connection, refusals(plan, counted, self._clock_us()))
        self._note_statuses(connection, plan.messages)
        seen = self._seen(plan.messages)
        raw.touch_devices(connection, seen)
        raw.insert_dirty_marks(connection, account.dirty_marks(plan, table.lead_us, table.lag_us))
        accounts = account.accounts(plan, counted, missing, self._clock_us())
        rows = account.ledger_rows(accounts)
        raw.insert_ledger(connection, [{**row, "hour": instant(row["hour_us"])} for row in rows])
        connection.commit()
        self._seqs.commit(seqs)
        self._touched.update(seen)
        self.stored += len(plan.messages)
        report.add(accounts)

    def _keep_conflicts(self, connection: Connection, plan: Plan) -> None:
        """Keep what differs; what was kept before changes nothing, so it leaves no mark."""
        rows = [{**conflict, "ts": instant(conflict["ts_us"])} for conflict in plan.conflicts]
        for row, is_new in zip(rows, raw.insert_conflicts(connection, rows), strict=True):
            if isinstance(row["of"], PlannedEvent):
                row["of"].known = not is_new
            elif not is_new:
                plan.known_conflicts.append(row["of"])

    def _note_statuses(self, connection: Connection, messages: Sequence[Message]) -> None:
        for message in messages:
            online, source = message.decoded.online, message.source
            if online is not None and source.device_id:
                raw.note_status(connection, source.site_id, source.device_id, message.received_us, online=online)

    def _seen(self, messages: Sequence[Message]) -> dict[int, int]:
        """Devices whose last sign of life is to be noted, at most every ten seconds each."""
        seen: dict[int, int] = {}
        for message in messages:
            device = message.source.device_id
            if device and message.received_us >= self._touched.get(device, 0) + TOUCH_US:
                seen[device] = message.received_us
        return seen


def is_poison(error: psycopg.Error | ValueError) -> bool:
    """Whether the content of a message is what the database, or the driver before it, cannot take."""
    if isinstance(error, psycopg.Error) and error.sqlstate is not None:
        return error.sqlstate[:2] in _POISON_CLASSES
    return isinstance(error, psycopg.DataError | ValueError)


def refusals(plan: Plan, counted: account.Tally, at_us: int) -> list[dict[str, object]]:
    """Rows of `rejected_message`: one for each content, however often it came in this batch."""
    rows: dict[bytes, dict[str, object]] = {}
    at = instant(at_us)
    wholes = [place for place, message in enumerate(plan.messages) if message.decoded.whole is not None]
    for place in sorted({*wholes, *(place for place, found in plan.rejections.items() if found)}):
        message = plan.messages[place]
        digest = hashlib.sha256(
            message.source.topic.encode("utf-8", "surrogatepass") + b"\x00" + message.payload
        ).digest()
        if digest in rows:
            rows[digest]["times"] += 1  # type: ignore[operator]
            continue
        whole = message.decoded.whole
        reasons = [whole] if whole is not None else plan.rejections[place]
        all_refused = whole is not None or counted.rejected[place] == counted.decoded[place]
        rows[digest] = {
            "site_id": message.source.site_id or None,
            "device_id": message.source.device_id or None,
            "topic": storable(message.source.topic),
            "payload": kept_payload(message),
            "payload_bytes": len(message.payload),
            "reason": reasons[0].code,
            "detail": storable(sentences(reasons)),
            "whole": bool(all_refused),
            "digest": digest,
            "at": at,
            "times": 1,
        }
    return list(rows.values())


def kept_payload(message: Message) -> bytes:
    """The payload as far as it is kept: its beginning, without what names persons."""
    mapping = message.source.mapping
    payload = mapped.redacted(message.payload, mapping) if mapping is not None else message.payload
    return payload[:KEPT_PAYLOAD_BYTES]


def sentences(reasons: Sequence[Rejection]) -> str:
    """The reasons as one text, each once."""
    unique = list(dict.fromkeys(reason.detail for reason in reasons))
    more = len(unique) - MOST_SENTENCES
    return "; ".join(unique[:MOST_SENTENCES]) + (f"; and {more} more" if more > 0 else "")
