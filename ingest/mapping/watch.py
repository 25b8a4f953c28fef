"""Mapping files that change while ingest runs: their paths in, a call for each change out."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

from ingest.mapping.files import files

EVERY_S = 2.0


async def watch(paths: Sequence[Path], changed: Callable[[], None], every_s: float = EVERY_S) -> None:
    """Look at the files for ever; a file that comes, goes, or has another time or size is a change."""
    before = fingerprint(paths)
    while True:
        await asyncio.sleep(every_s)
        now = fingerprint(paths)
        if now != before:
            changed()
        before = now


def fingerprint(paths: Sequence[Path]) -> dict[Path, tuple[int, int]]:
    """Time and size of each mapping file that is there."""
    found = {}
    for file in (file for path in paths for file in files(path)):
        try:
            stat = file.stat()
        except OSError:
            continue
        found[file] = (stat.st_mtime_ns, stat.st_size)
    return found
