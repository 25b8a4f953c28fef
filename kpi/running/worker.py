"""A process that computes parts: pickled parts come on standard input, what was made of each goes to standard output.

It knows nothing of the command that started it, loads only what computing needs, and ends when its input does, so none
is left over when the other process dies.
"""

import os
import pickle
import signal
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import Any, BinaryIO


def serve(given: BinaryIO, results: BinaryIO, compute: Callable[[Any], object]) -> None:
    """Compute parts until there are no more; an error is a result too."""
    while True:
        try:
            part = pickle.load(given)  # noqa: S301 - of the process that started this one
        except EOFError:
            return
        results.write(pickle.dumps(_tried(compute, part), pickle.HIGHEST_PROTOCOL))
        results.flush()


def _tried(compute: Callable[[Any], object], part: Any) -> object:
    try:
        return compute(part)
    except BaseException as error:  # noqa: BLE001 - told to the other process; a panic of Polars is no Exception
        found = error if isinstance(error, Exception) and _moves(error) else RuntimeError(_named(error))
        found.add_note("In a process that computes parts:\n" + "".join(traceback.format_exception(error)))
        return found


def _moves(error: Exception) -> bool:
    """Whether an error comes out of another process as it went in."""
    try:
        return isinstance(pickle.loads(pickle.dumps(error)), type(error))  # noqa: S301 - made here
    except Exception:  # noqa: BLE001 - something in it stays in its process, or it is made of other arguments
        return False


def _named(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"


def main() -> None:
    """Serve over this process's standard streams; what else would be printed goes to the error stream."""
    for number in (signal.SIGINT, signal.SIGTERM):  # may be sent to all processes: the other one decides when to stop
        signal.signal(number, signal.SIG_IGN)
    results = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    from kpi.running.parts import run_part  # noqa: PLC0415 - takes long: signals and streams are in order before

    with suppress(BrokenPipeError), results:  # nobody is left to read them
        serve(sys.stdin.buffer, results, run_part)
