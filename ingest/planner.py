"""Messages in, a plan of what to store out: all that has to be done before the transaction of a batch.

Has a connection of its own, so that the next batch is planned while the last one is stored. What it adds to the
database (devices, series, texts, days) is committed at once and stays, whatever becomes of the batch; so a plan may be
thrown away and made anew at any time. Plans are made one after the other, whoever asks.
"""

import time
from collections.abc import Callable, Sequence
from threading import Lock

import psycopg

from ingest.columns import Plan, flatten
from ingest.limits import HOUR_US, DayQuota, Limits
from ingest.message import Message
from ingest.plan import make_plan
from ingest.quota import SiteQuotas
from ingest.resolve import REFRESH_S, Resolver
from store import opened_days, raw, registry_changes
from store.errors import StoreError, is_outage, is_undone, translated
from store.pool import Connection


def now_us() -> int:
    """The clock of receipt, in µs since 1970."""
    return time.time_ns() // 1000


class Planner:
    """Plans batches with what it knows of the registry, of the days that are there and of the sites' quotas."""

    def __init__(
        self, url: str, connect: Callable[[str], Connection], limits: Limits, clock_us: Callable[[], int] = now_us
    ) -> None:
        self._url = url
        self._connect = connect
        self._limits = limits
        self._clock_us = clock_us
        self._connection: Connection | None = None
        self._quota = DayQuota(limits.new_days_per_hour)
        self._lock = Lock()
        self.resolver = Resolver(limits)
        self.site_quotas = SiteQuotas()

    def open(self, *, at_least_s: float = REFRESH_S) -> None:
        """Connect, and learn what changed in the registry when the last look is older than that.

        Raises:
            DatabaseUnavailableError: nobody answers.
        """
        with self._lock, translated(self._url):
            try:
                self.resolver.refresh(self._open(), at_least_s=at_least_s)
            except psycopg.Error as error:
                self._after_failure(error)
                raise
            self.site_quotas.take(self.resolver.sites)

    def close(self) -> None:
        """End the connection."""
        with self._lock:
            self._end()

    def plan(self, messages: Sequence[Message]) -> Plan:
        """Plan a batch; the days that it needs are there then.

        Raises:
            psycopg.Error, ValueError: the database or its driver does not take something, or does not answer.
        """
        with self._lock:
            try:
                connection = self._open()
                plan = self._plan(connection, messages)
                self._make_days(connection, plan)
            except psycopg.Error as error:
                self._after_failure(error)
                raise
            except ValueError:
                if self._connection is not None:
                    self._connection.rollback()
                raise
            return plan

    def is_current(self, connection: Connection, plan: Plan) -> bool:
        """Whether nothing changed in the registry since a plan was made; one that is younger than a second is current.

        Asked over the connection of whoever stores it.
        """
        at, position = plan.known_at
        return self.resolver.clock() - at < REFRESH_S or not registry_changes.since(connection, position).any

    def plan_ahead(self, messages: Sequence[Message]) -> Plan | None:
        """Plan a batch while another one is stored; none where that fails: whoever stores it finds out why."""
        try:
            return self.plan(messages)
        except (psycopg.Error, ValueError, StoreError):
            return None

    def _plan(self, connection: Connection, messages: Sequence[Message]) -> Plan:
        resolver = self.resolver
        resolver.place_sources(connection, messages)
        self.site_quotas.take(resolver.sites)
        self.site_quotas.sync(connection)
        columns = flatten(messages)
        if columns.new:
            resolver.register(connection, columns.new)
            columns = flatten(messages)
        plan = make_plan(columns, resolver.table, self._limits, self._quota, resolver.person_key)
        news = [resolver.bars_texts(connection, plan.texts), self._learns_days(connection, plan)]
        if any(news):
            plan = make_plan(flatten(messages), resolver.table, self._limits, self._quota, resolver.person_key)
        resolver.note_use(plan.ref)
        plan.known_at = resolver.known_at
        return plan

    def _learns_days(self, connection: Connection, plan: Plan) -> bool:
        """Before days are opened: find out which are there; true when that was not known lately."""
        now = self._clock_us()
        if not plan.opened_days or not self._quota.is_stale(now):
            return False
        self._quota.load(now, opened_days.reading_days(connection), opened_days.opened(connection, now // HOUR_US))
        return True

    def _make_days(self, connection: Connection, plan: Plan) -> None:
        if plan.opened_days:
            raw.ensure_days(connection, set().union(*plan.opened_days.values()))
            opened_days.note(connection, self._clock_us(), plan.opened_days)
        connection.commit()  # also what was only read: no snapshot is kept open
        if plan.opened_days:
            self._quota.commit(self._clock_us() // HOUR_US, plan.opened_days)

    def _open(self) -> Connection:
        if self._connection is None or self._connection.closed:
            self._connection = self._connect("haidang-ingest-plan")
        return self._connection

    def _after_failure(self, error: psycopg.Error) -> None:
        if self._connection is not None and (is_undone(error) or not is_outage(error)):
            self._connection.rollback()
        else:
            self._end()

    def _end(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
