"""`haidang ingest status`: who works under which session of the broker."""

from rich.console import Console
from rich.table import Table

from ingest.slots import of_session
from store.leases import Worker, workers
from store.pool import connect


def show(url: str) -> int:
    """Print all sessions; 0 when each is at work."""
    with connect(url, "ingest-status") as connection:
        rows = workers(connection)
    if not rows:
        Console().print("No ingest has worked on this database yet.")
        return 1
    Console(highlight=False).print(_table(rows))
    return 0 if all(is_well(row) for row in rows) else 1


def is_well(row: Worker) -> bool:
    """Whether a session is at work, or is one that nobody needs to work under."""
    if row.role == "supervisor":
        return row.holder is not None and row.silent_s < row.lease_s
    return row.holder is not None and row.state == "connected" and row.silent_s < row.lease_s


def condition(row: Worker) -> str:
    """What a row means, in words."""
    if row.holder is None:
        return "nobody works; messages may wait at the broker"
    if row.silent_s >= row.lease_s:
        return f"silent: dead, or without the database; was {row.state}"
    return row.state


def _table(rows: list[Worker]) -> Table:
    table = Table()
    for column in ("session", "what", "slot", "host", "process", "since (UTC)", "last sign of life", "state"):
        table.add_column(column)
    for row in rows:
        slot = "" if row.role == "supervisor" else f"{row.slot} of {row.slots}"
        if row.slots > 1:
            own = of_session(row.client_id, row.slot, row.slots, row.session).is_own
            slot += ", own share" if own else ", shared by the broker"
        since = row.started_at.strftime("%Y-%m-%d %H:%M:%S")
        place = (row.host, str(row.pid)) if row.holder else ("", "")
        table.add_row(row.session, row.role, slot, *place, since, f"{row.silent_s:.0f} s ago", condition(row))
    return table
