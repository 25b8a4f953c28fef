"""`python -m ingest`: one worker or a supervisor of several; every reason not to start is one line.

What a worker needs is imported only by a worker: the supervisor stays small and is there at once.
"""

import asyncio
import sys

from ingest.child import refuse_to_supervisor
from ingest.errors import IngestError, first
from ingest.settings import IngestSettings, read_settings
from store.errors import StoreError
from store.logs import configure_log


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
    if settings.ingest_workers > 1:
        from ingest.supervisor import supervise  # noqa: PLC0415 - each process imports what it needs

        asyncio.run(supervise(settings))
    else:
        from ingest.worker import drain, run  # noqa: PLC0415

        drain(settings) if settings.ingest_drain else run(settings)


def refuse_to_people(sentence: str) -> int:
    """Say on one line why this cannot go on."""
    sys.stderr.write(f"haidang ingest: {' '.join(sentence.split())}\n")
    return 1
