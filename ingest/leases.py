"""Leases: a worker holds its session in the database, so that two never fight over one; nodes belong to slots.

In: the database's address and a slot. Out: yes or no, and who else holds it.
"""

import os
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import psycopg

from ingest.slots import Slot
from store import leases
from store.errors import translated
from store.pool import Connection, connect

T = TypeVar("T")

# Often enough that two missed renewals do not cost the lease.
RENEWALS_PER_TTL = 4
SILENT_SERVER_S = 10.0


class Ownership:
    """Tells a slot which nodes are its own. A node (`GROUP/NODE`) belongs to exactly one slot of a layout."""

    def __init__(self, slot: Slot) -> None:
        self._slot = slot

    def is_mine(self, node: str) -> bool:
        """Whether this slot works for a node; the same answer in every process and at all times."""
        return self._slot.owns(node.encode("utf-8", "surrogatepass"))


class Lease:
    """A session's row in the database, over a connection of its own. Belongs to one thread."""

    def __init__(self, url: str, slot: Slot, *, role: str, holder: str, ttl_s: float) -> None:
        self._url = url
        self._ttl_s = ttl_s
        self.claim = leases.Claim(
            session=slot.session,
            client_id=slot.client_id,
            slot=slot.number,
            slots=slot.of,
            role=role,
            holder=holder or this_process(),
            host=socket.gethostname(),
            pid=os.getpid(),
        )
        self._connection: Connection | None = None
        self.subscriptions: list[str] | None = None  # what the session may have at the broker, None = not known

    @property
    def renew_every_s(self) -> float:
        return self._ttl_s / RENEWALS_PER_TTL

    def take(self, state: str = "starting") -> str | None:
        """Become the holder; else a sentence that says who is.

        Raises:
            DatabaseUnavailableError: nobody answers.
        """
        return self._with_connection(lambda connection: self._take(connection, state))

    def borrow(self) -> str | None:
        """Use a session whose lease this process's supervisor holds; else a sentence that says why not.

        Raises:
            DatabaseUnavailableError: nobody answers.
        """
        mine = next((row for row in self.workers() if row.session == self.claim.session), None)
        if mine is None or mine.holder != self.claim.holder:
            return f"session {self.claim.session} is not held by this process's supervisor"
        self.subscriptions = mine.subscriptions
        return None

    def renew(self, state: str) -> bool:
        """Show a sign of life; false when somebody else holds it now."""
        return self._with_connection(lambda connection: leases.renew(connection, self.claim, state))

    def note_subscriptions(self, subscriptions: Sequence[str], state: str) -> None:
        """Record the topic filters that the session has, or is about to get."""
        self._with_connection(
            lambda connection: leases.note_subscriptions(connection, self.claim, subscriptions, state)
        )
        self.subscriptions = list(subscriptions)

    def release(self) -> None:
        """Let others take it."""
        self._with_connection(lambda connection: leases.release(connection, self.claim))

    def forget(self) -> None:
        """The broker has nothing more under this session: neither have we."""
        self._with_connection(lambda connection: leases.forget(connection, self.claim))

    def workers(self) -> list[leases.Worker]:
        """All sessions of this ingest."""
        return self._with_connection(lambda connection: leases.workers(connection, self.claim.client_id))

    def close(self) -> None:
        """End the connection."""
        if self._connection is not None:
            with suppress(psycopg.Error):
                self._connection.close()
            self._connection = None

    def _take(self, connection: Connection, state: str) -> str | None:
        session = self.claim.session
        held = leases.holder(connection, session)
        gone = held.holder if held is not None and is_gone(held.holder) else ""
        taken = leases.take(connection, self.claim, ttl_s=self._ttl_s, state=state, gone=gone)
        if taken is not None:
            self.subscriptions = taken.subscriptions
            return None
        if held is None:
            return f"session {session} was just taken by another ingest"
        return (
            f"session {session} is held by process {held.pid} on {held.host}, which showed a sign of life "
            f"{held.silent_s:.0f} s ago: stop that ingest, or give this one another HAIDANG_INGEST_CLIENT_ID"
        )

    def _with_connection(self, work: Callable[[Connection], T]) -> T:
        with translated(self._url):
            if self._connection is None or self._connection.closed:
                self._connection = connect(self._url, "haidang-ingest-lease", silent_s=SILENT_SERVER_S)
            try:
                return work(self._connection)
            except psycopg.Error:
                self.close()
                raise


def this_process() -> str:
    """Name this process so that another one on the same machine can tell whether it still lives."""
    return f"{_place()} {os.getpid()} {_started(os.getpid())}"


def is_gone(holder: str) -> bool:
    """Whether a holder is known to be dead: it was a process of this machine and is there no more."""
    place, _, process = holder.partition(" ")
    pid, _, started = process.partition(" ")
    return place == _place() and pid.isdigit() and started != "" and _started(int(pid)) != started


def _place() -> str:
    """What has one list of processes: a boot of a machine, or of a container on it; unlike all others if unknown."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        return f"{socket.gethostname()}/{boot}/{Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return f"{socket.gethostname()}/{os.urandom(8).hex()}"


def _started(pid: int) -> str:
    """When a process began, in ticks since the start of the machine; empty when there is none."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace")
    except OSError:
        return ""
    fields = text.rpartition(")")[2].split()
    return "" if fields[0] in "ZX" else fields[19]
