"""A single worker whose thread does not come back: seen by itself, since no supervisor watches it.

In: for how long a thread has not come back. Out: the end of the process, so that its service manager starts it again.
"""

import asyncio
import os
import sys
from collections.abc import Callable

import structlog

LOOK_EVERY_S = 1.0
EXIT_CODE = 1

log = structlog.get_logger("ingest")


async def watch_threads(
    stuck_s: Callable[[], float], limit_s: float, leave: Callable[[str], None] | None = None
) -> None:
    """Look for ever whether a thread has been stuck for too long; then leave at once."""
    while (stuck := stuck_s()) <= limit_s:  # noqa: ASYNC110 - a thread that is stuck sets no event
        await asyncio.sleep(LOOK_EVERY_S)
    log.error("worker_hangs", seconds=round(stuck), advice="ending: what is not stored comes again")
    (leave or leave_at_once)(
        f"a thread that plans or stores has not come back for {stuck:.0f} s (HAIDANG_INGEST_HANG_S is {limit_s:g}); "
        "ended, so that it is started again; nothing is lost"
    )


def leave_at_once(sentence: str) -> None:
    """Say why on one line and end the process: an orderly end would wait for the thread."""
    sys.stderr.write(f"haidang ingest: {sentence}\n")
    sys.stderr.flush()
    sys.stdout.flush()
    os._exit(EXIT_CODE)
