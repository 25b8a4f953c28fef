"""What services that work in rounds do alike: settings and log, one line for a refusal, a stop on signals."""

import signal
import sys
import threading
from collections.abc import Callable
from typing import Literal, Protocol, TypeVar

from store.errors import StoreError
from store.logs import configure_log


class Logged(Protocol):
    """Settings that say how to log."""

    @property
    def log_format(self) -> Literal["text", "json"]:
        """For people or for machines."""
        ...


Settings = TypeVar("Settings", bound=Logged)


def serve_as(service: str, read: Callable[[], Settings], run: Callable[[Settings], None], own: type[Exception]) -> int:
    """Run a service as its settings say; 0 after an orderly stop, 1 with one line where it cannot go on.

    Args:
        service: its name in that line.
        read: gives its settings.
        run: works until it is told to stop.
        own: what the service's errors are; they end it with their sentence, as those of the store do.
    """
    try:
        settings = read()
        configure_log(settings.log_format)
        run(settings)
    except (StoreError, own) as error:
        sys.stderr.write(f"haidang {service}: {' '.join(str(error).split())}\n")
        return 1
    return 0


def stop_on_signals() -> threading.Event:
    """Give the event that SIGTERM and SIGINT set from here on."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop
