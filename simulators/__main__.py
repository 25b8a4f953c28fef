"""Start the virtual plant: `python -m simulators --help` tells how."""

import signal
import sys
from threading import Event

from simulators.cli import settings_from
from simulators.errors import SimulatorError
from simulators.run import Progress, run


def _tell(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def _report(progress: Progress) -> None:
    if not progress.live:
        _tell(f"simulated up to {progress.at:%Y-%m-%d %H:%M} UTC, {progress.published} messages")


def main() -> int:
    """Run the plant; exit code 0 if everything was acknowledged."""
    stop = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        summary = run(settings_from(sys.argv[1:]), stop=stop, report=_report)
    except SimulatorError as error:
        _tell(f"error: {error}")
        return 1
    _tell(f"published {summary.published} messages, {summary.acknowledged} acknowledged")
    _tell(f"from {summary.start:%Y-%m-%d %H:%M} to {summary.end:%Y-%m-%d %H:%M} UTC, {summary.messages_per_s:.0f}/s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
