"""The folder of temporary files of one process: gone when it is done with, swept by the next one if it was killed."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from store.errors import StoreError

PREFIX = "haidang-kpi-"
_LOCK = "in-use"  # locked as long as the process lives, however it ends


class NoRoomError(StoreError):
    """Temporary files cannot be written."""


@contextmanager
def own_folder() -> Iterator[Path]:
    """Give a folder in TMPDIR for the time of the context; those of processes that were killed are removed first."""
    base = Path(tempfile.gettempdir())
    for left in base.glob(f"{PREFIX}*/{_LOCK}"):
        _sweep(left)
    with tempfile.TemporaryDirectory(prefix=PREFIX, dir=base) as name:
        making = Path(name, "making")
        with making.open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            making.rename(Path(name, _LOCK))  # whoever sees the file sees it locked
            yield Path(name)


@contextmanager
def written() -> Iterator[None]:
    """Say where there is no room, and what to do.

    Raises:
        NoRoomError: for any error of the file system.
    """
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else str(error)
        where = tempfile.tempdir or "any folder"  # none was found that can be written
        raise NoRoomError(
            f"Temporary files of readings cannot be written to {where} ({reason}): make room there (22 bytes for each "
            "reading of a day), or set TMPDIR to a folder on another disk. Nothing is lost."
        ) from error


def _sweep(lock: Path) -> None:
    """Remove the folder of a lock that nobody holds."""
    with suppress(OSError), lock.open("rb") as held:  # of another user, or just gone
        if _taken(held):
            shutil.rmtree(lock.parent, ignore_errors=True)


def _taken(held: IO[bytes]) -> bool:
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
