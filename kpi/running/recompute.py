"""Recomputation of history: days and a reason in, a mark and a line of the audit log out; the job answers the mark.

The reason becomes the cause of every revision that the recomputation makes; the job is told the mark, and leaves what
else waits at the site for its next run. A process that dies leaves the mark.
"""

from dataclasses import dataclass
from datetime import date, datetime

from kpi.errors import KpiError
from kpi.running.work import DAY, windows_of_days
from store import access, marks, registry
from store.inputs import Range
from store.pool import Connection

REASONS = ("late_data", "annotation", "calendar", "registry", "mapping", "definition", "factor_set")


class NothingToComputeError(KpiError):
    """None of the days was ever computed."""


@dataclass(frozen=True)
class Wanted:
    """Which production days (both included) of a site are computed again, and why; the note is for people."""

    site: str
    first: date
    last: date
    reason: str
    note: str = ""


@dataclass(frozen=True)
class Asked:
    """The mark that asks for it at a site, and the first and last production day that it stands for."""

    site: str
    mark_id: int
    first: date
    last: date


def ask(connection: Connection, wanted: Wanted, now: datetime) -> Asked:
    """Mark the days that have ever been computed among the wanted ones.

    Args:
        connection: of the KPI role; the caller's transaction.
        wanted: days and reason.
        now: the instant of the registry that says when the days begin and end.

    Raises:
        KpiError: an unknown reason, days in the wrong order, none of them computed before.
    """
    if wanted.reason not in REASONS:
        raise KpiError(f"There is no reason {wanted.reason!r}; choose one of {', '.join(REASONS)}.")
    if wanted.last < wanted.first:
        raise KpiError(f"{wanted.last} is before {wanted.first}.")
    site_id = registry.site_id(connection, wanted.site)
    runs = marks.runs(connection, site_id)
    found = [(max(first, wanted.first), min(last, wanted.last)) for first, last in runs]
    found = [(first, last) for first, last in found if first <= last]
    if not found:
        raise NothingToComputeError(
            f"No day of {wanted.site!r} from {wanted.first} to {wanted.last} has been computed; "
            "new data are computed by `haidang kpi run`."
        )
    first, last = min(first for first, _ in found), max(last for _, last in found)
    site = registry.snapshot(connection, wanted.site, now)
    plans = windows_of_days(site, [first, last]).values()
    bounds = [window for plan in plans for window in plan if first <= window.day < last + DAY]
    span = Range(max(min(w.from_us for w in bounds), 0), max(w.to_us for w in bounds))
    number = marks.add_mark(connection, site_id, span, wanted.reason)
    detail = {"site": wanted.site, "from": str(first), "to": str(last), "reason": wanted.reason, "note": wanted.note}
    access.record_audit(connection, None, "kpi.recompute", str(number), detail)
    return Asked(wanted.site, number, first, last)
