"""`haidang bench faults`: options in, progress on standard error, the table (or JSON) on standard output, exit code."""

import signal
import sys

from rich.console import Console

from pilot.faults import report
from pilot.faults.run import Options, run
from pilot.quiet import only_warnings


def main(options: Options, *, as_json: bool = False) -> int:
    """Run, show; 0 when nothing is lost, nothing doubled and every account is right."""
    only_warnings()
    progress = Console(stderr=True, highlight=False, soft_wrap=True)
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: in order, with the table so far
    try:
        result = run(options, lambda line: progress.print(line, markup=False))
    finally:
        signal.signal(signal.SIGTERM, before)
    if as_json:
        sys.stdout.write(report.as_json(result) + "\n")
    else:
        shown = Console()
        report.show(result, Console(width=max(shown.width, report.WIDTH)))
    return 0 if result.is_good else 1
