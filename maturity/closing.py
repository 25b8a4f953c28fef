"""Enters what has become final: takes the production days that are due, appends their records, signs a checkpoint."""

from collections.abc import Callable
from dataclasses import dataclass

from maturity.context_reading import context_of_day
from maturity.entering import code_version, kpi_records, raw_record
from maturity.log import EvidenceLog, entries_that_are_new
from maturity.notes import SigningKey
from store import evidence
from store.pool import Connection

_DAYS_AT_ONCE = 50
Progress = Callable[[str, str, int], None]


@dataclass(frozen=True)
class Closed:
    """What was entered: production days, records, and the signed checkpoint if there is a key."""

    days: int
    records: int
    note: str | None


def close_due_days(connection: Connection, key: SigningKey | None = None, progress: Progress | None = None) -> Closed:
    """Enter all final values and raw digests that the log does not have yet; each day in a transaction of its own.

    Args:
        connection: of role haidang_evidence, autocommit.
        key: signs the checkpoint; without it none is made.
        progress: told site, day and number of records of each day.
    """
    log = EvidenceLog(connection)
    code = code_version()
    days = records = 0
    while due := evidence.due_days(connection, _DAYS_AT_ONCE):
        for each in due:
            entered = _enter(log, each, code)
            days, records = days + 1, records + entered
            if progress:
                progress(each.site, each.day.isoformat(), entered)
    note = log.checkpoint(key) if key and log.tree().size + records else None
    return Closed(days, records, note)


def _enter(log: EvidenceLog, due: evidence.DueDay, code: str) -> int:
    connection = log.connection
    with connection.transaction():
        evidence.lock_log(connection)
        evidence.delete_due(connection, due)  # before reading: a note that is committed later stays
        values = evidence.final_values(connection, due.site_id, due.day)
        raw = evidence.raw_digests(connection, due.site_id, due.day)
        context = context_of_day(connection, due.site_id, due.day, values)
        records = [*raw_record(due.site, due.day, raw, context), *kpi_records(due.site, due.day, values, code)]
        entered = log.append(entries_that_are_new(records, due.site_id, connection))
    return len(entered)
