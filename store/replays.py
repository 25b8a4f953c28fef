"""Replays of rejected messages: people ask for them (API, command line), ingest carries them out.

Ingest works in the transaction of its batch and sees the errors of the driver; the others name a `Scope`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple

import psycopg
from psycopg.rows import class_row, dict_row

from store.errors import translated
from store.pool import Connection
from store.queries import load
from store.serving import Row, Scope

MOST = 10_000  # messages that one request or export takes
_PAGE = 50

_SQL = load("replays")


class Waiting(NamedTuple):
    """A request and what was kept of its message."""

    replay_request_id: int
    rejected_message_id: int
    topic: str
    payload: bytes
    status: str
    replayable: bool
    first_at: datetime
    times: int
    digest: bytes


@dataclass(frozen=True)
class Outcome:
    """What became of a request; a reason where (a part of) the message is refused again.

    `settled`: nothing of it is refused any more.
    """

    request: int
    message: int
    outcome: str
    settled: bool = False
    reason: str | None = None
    detail: str | None = None
    whole: bool | None = None
    site_id: int | None = None
    device_id: int | None = None


@dataclass(frozen=True)
class Selection:
    """Which messages are meant; null = any. Times are those of the last receipt, `to_ts` not included."""

    site_id: int | None = None
    reason: str | None = None
    topic: str | None = None
    from_ts: datetime | None = None
    to_ts: datetime | None = None
    ids: Sequence[int] | None = None
    status: str | None = None


@dataclass(frozen=True)
class Asked:
    """How many messages a request found, and how many of them wait from now on."""

    found: int
    asked: int
    waiting: int
    not_replayable: int
    requests: Sequence[int] = field(default=(), compare=False)  # their numbers

    @property
    def more(self) -> int:
        """Those that another request would take."""
        return max(0, self.found - self.asked - self.waiting - self.not_replayable)


# -- ingest -------------------------------------------------------------------------------------------


def waiting(connection: Connection, most: int, most_bytes: int) -> list[Waiting]:
    """The oldest waiting requests, if no other worker is at them; give the lock back with `release`."""
    locked = connection.execute(_SQL["lock"]).fetchone()
    if not locked or not locked[0]:
        return []
    with connection.cursor(row_factory=class_row(Waiting)) as cursor:
        found = cursor.execute(_SQL["waiting"], {"most": most, "bytes": most_bytes}, binary=True).fetchall()
    if not found:
        release(connection)
    return found


def release(connection: Connection) -> None:
    """Let another worker carry out replays."""
    connection.execute(_SQL["unlock"])


def finish(connection: Connection, outcomes: Sequence[Outcome]) -> None:
    """Note outcomes in the transaction that stores the values.

    Raises:
        psycopg.errors.SerializationFailure: somebody else has carried out one of them; nothing may be committed.
    """
    if not outcomes:
        return
    columns = {name: [getattr(outcome, name) for outcome in outcomes] for name in vars(outcomes[0])}
    row = connection.execute(_SQL["finish"], columns).fetchone()
    if row is None or row[0] != len(outcomes):
        raise psycopg.errors.SerializationFailure("a replay was carried out by somebody else")


# -- people -------------------------------------------------------------------------------------------


def ask(scope: Scope, wanted: Selection, account_id: int | None, most: int = MOST) -> Asked:
    """Ask for the replay of at most `most` open messages; ingest carries it out within seconds."""
    (found,) = _rows(scope, "matching", _parameters(wanted))
    new = _rows(scope, "ask", {**_parameters(wanted), "account_id": account_id, "most": most})
    numbers = [row["replay_request_id"] for row in new]
    return Asked(found["found"], len(new), found["waiting"], found["found"] - found["replayable"], numbers)


def dismiss(scope: Scope, wanted: Selection, most: int = MOST) -> int:
    """Put at most `most` open messages aside; tells how many."""
    return len(_rows(scope, "dismiss", {**_parameters(wanted), "most": most}))


def export(scope: Scope, wanted: Selection, limit: int = MOST, after_id: int = 0) -> Iterator[Row]:
    """Rejected messages with their kept payloads, oldest first, a few at a time."""
    left = limit
    while left > 0:
        page = {**_parameters(wanted), "limit": min(_PAGE, left), "after_id": after_id}
        rows = _rows(scope, "export", page)
        yield from rows
        if len(rows) < page["limit"]:
            return
        left, after_id = left - len(rows), rows[-1]["id"]


def one(scope: Scope, message_id: int) -> Row | None:
    """A rejected message with its kept payload, null when the caller has no such message."""
    return next(export(scope, replace(Selection(), ids=[message_id]), limit=1), None)


def requests(scope: Scope, message_id: int) -> list[Row]:
    """What was asked for a message, and what became of it."""
    return _rows(scope, "requests", {"message_id": message_id})


def outcomes(connection: Connection, numbers: Sequence[int]) -> dict[str, int]:
    """What became of these requests, with how many of each; those that wait are in none."""
    return dict(connection.execute(_SQL["outcomes"], {"requests": list(numbers)}).fetchall())


def _parameters(wanted: Selection) -> dict[str, Any]:
    return {**vars(wanted), "ids": None if wanted.ids is None else list(wanted.ids)}


def _rows(scope: Scope, query: str, parameters: dict[str, Any]) -> list[Row]:
    given = {"sites": scope.sites, "sees_unknown": scope.sees_unknown, **parameters}
    with translated(), scope.connection.cursor(row_factory=dict_row, binary=True) as cursor:
        return cursor.execute(_SQL[query], given).fetchall()
