"""`python -m ingest`: one worker or a supervisor of several; every reason not to start is one line.

What a worker needs is imported only by a worker: the supervisor stays small and is there at once.
"""

import asyncio
import sys

import psycopg
import structlog

from ingest.child import refuse_to_supervisor
from ingest.errors import IngestError, first
from ingest.leftovers import unfinished
from ingest.settings import IngestSettings, read_settings
from store import leases
from store.errors import StoreError
from store.logs import configure_log
from store.pool import connect

log = structlog.get_logger("ingest")


def main() -> int:
    """Run ingest as the environment says; 0 after an orderly stop, 1 where it cannot go on."""
    refuse = refuse_to_people
    try:
        settings = read_settings()
        if settings.is_child:
            refuse = refuse_to_supervisor
        configure_log(settings.log_format, session=settings.slot.session if settings.is_child else "")
        _run(settings)
    except (IngestError, StoreError) as error:
        return refuse(str(error))
    except BaseExceptionGroup as group:
        known = group.subgroup((IngestError, StoreError))
        if known is None:
            raise
        return refuse(str(first(known)))
    return 0


def _run(settings: IngestSettings) -> None:
    if settings.ingest_drain:
        from ingest.worker import drain  # noqa: PLC0415 - each process imports what it needs

        drain(settings)
        return
    before = None if settings.is_child else change_to_finish(settings)
    if before is None or _work(before, finishes=True):
        _work(settings)


def _work(settings: IngestSettings, *, finishes: bool = False) -> bool:
    if settings.ingest_workers > 1:
        from ingest.supervisor import supervise  # noqa: PLC0415

        return asyncio.run(supervise(settings, finishes=finishes))
    from ingest.worker import run  # noqa: PLC0415

    return run(settings, finishes=finishes)


def change_to_finish(settings: IngestSettings) -> IngestSettings | None:
    """Settings of a change of the number of workers that was begun, if it is not finished and not the one wanted."""
    client_id, count = settings.ingest_client_id, settings.ingest_workers
    try:
        with connect(settings.database_url, "haidang-ingest-lease") as connection:
            rows = leases.workers(connection, client_id)
    except (StoreError, psycopg.Error):
        return None  # no answer, a connection lost on the way, a schema of another version: who works says so
    slots = unfinished(rows, client_id)
    sharing = "own" if slots and slots[0].is_own else "broker"
    if not slots or (len(slots) == count and (count == 1 or settings.ingest_sharing in ("auto", sharing))):
        return None
    log.info("finishing_a_change", workers=len(slots), sharing=sharing, reason="it was begun, and comes first")
    return settings.model_copy(update={"ingest_workers": len(slots), "ingest_sharing": sharing})


def refuse_to_people(sentence: str) -> int:
    """Say on one line why this cannot go on."""
    sys.stderr.write(f"haidang ingest: {' '.join(sentence.split())}\n")
    return 1
