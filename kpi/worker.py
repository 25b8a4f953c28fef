"""A process that computes parts: pickled parts come on standard input, what was made of each goes to standard output.

It knows nothing of the command that started it, loads only what computing needs, and ends when its input does, so none
is left over when the other process dies.
"""

import os
import pickle
import signal
import sys
import traceback
from typing import BinaryIO

from kpi.parts import Done, Part, run_part


def serve(given: BinaryIO, results: BinaryIO) -> None:
    """Compute parts until there are no more; an error is a result too."""
    while True:
        try:
            part: Part = pickle.load(given)  # noqa: S301 - of the process that started this one
        except EOFError:
            return
        results.write(_packed(_tried(part)))
        results.flush()


def _tried(part: Part) -> Done | Exception:
    try:
        return run_part(part)
    except Exception as error:  # noqa: BLE001 - told to the other process, which raises it
        error.add_note("In a process that computes parts:\n" + traceback.format_exc())
        return error


def _packed(result: Done | Exception) -> bytes:
    try:
        return pickle.dumps(result, pickle.HIGHEST_PROTOCOL)
    except Exception:  # noqa: BLE001 - an error with something in it that stays in its process
        return pickle.dumps(RuntimeError(f"{type(result).__name__}: {result}"))


def main() -> None:
    """Serve over this process's standard streams; what else would be printed goes to the error stream."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the other process decides when to stop
    results = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    serve(sys.stdin.buffer, results)
