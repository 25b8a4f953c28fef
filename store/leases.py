"""Leases of the broker's sessions: who works under which MQTT client id, since when, subscribed to what.

Each function is one statement in a transaction of its own; times are the database's. A lease that is not renewed for
`ttl_s` seconds may be taken by somebody else.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from store.pool import Connection
from store.queries import load

_SQL = load("leases")


@dataclass(frozen=True)
class Claim:
    """What somebody wants to hold, and who that is."""

    session: str
    client_id: str
    slot: int
    slots: int
    role: str
    holder: str
    host: str
    pid: int


@dataclass(frozen=True)
class Held:
    """Somebody else's lease."""

    holder: str
    host: str
    pid: int
    silent_s: float


@dataclass(frozen=True)
class Worker:
    """A session as the database knows it; `subscriptions` None = not known."""

    session: str
    client_id: str
    slot: int
    slots: int
    role: str
    holder: str | None
    host: str
    pid: int
    state: str
    subscriptions: list[str] | None
    lease_s: float
    started_at: datetime
    silent_s: float


@dataclass(frozen=True)
class Taken:
    """It worked; `subscriptions` are those that the session may have at the broker, None = not known."""

    subscriptions: list[str] | None


def take(connection: Connection, claim: Claim, *, ttl_s: float, state: str, gone: str = "") -> Taken | None:
    """Become the holder; nothing where somebody else is. `gone` is a holder known to be dead."""
    parameters = {**vars(claim), "ttl_s": ttl_s, "state": state, "gone": gone}
    row = connection.execute(_SQL["take_session"], parameters).fetchone()
    connection.commit()
    return None if row is None else Taken(row[0])


def holder(connection: Connection, session: str) -> Held | None:
    """Who holds a session."""
    row = connection.execute(_SQL["holder"], {"session": session}).fetchone()
    connection.commit()
    return None if row is None else Held(*row)


def renew(connection: Connection, claim: Claim, state: str) -> bool:
    """Show a sign of life; false when the lease is somebody else's now."""
    return _changed(connection, "renew", claim, state=state)


def note_subscriptions(connection: Connection, claim: Claim, subscriptions: Sequence[str], state: str) -> bool:
    """Record the topic filters of the session; false when the lease is somebody else's now."""
    return _changed(connection, "note_subscriptions", claim, state=state, subscriptions=list(subscriptions))


def release(connection: Connection, claim: Claim) -> None:
    """Let others have it at once."""
    _changed(connection, "release", claim)


def forget(connection: Connection, claim: Claim) -> None:
    """Remove a session that the broker no longer has."""
    _changed(connection, "forget", claim)


def workers(connection: Connection, client_id: str | None = None) -> list[Worker]:
    """All sessions of one ingest, or of all."""
    with connection.cursor(row_factory=class_row(Worker)) as cursor:
        found = cursor.execute(_SQL["workers"], {"client_id": client_id}).fetchall()
    connection.commit()
    return found


def _changed(connection: Connection, query: str, claim: Claim, **more: object) -> bool:
    cursor = connection.execute(_SQL[query], {"session": claim.session, "holder": claim.holder, **more})
    connection.commit()
    return cursor.rowcount == 1
