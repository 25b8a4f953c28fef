"""`python -m kpi`: the KPI job as a service, configured by the environment; SIGTERM ends it after the span in hand."""

import signal
import sys
import threading

from pydantic import ValidationError

from kpi.service import serve
from kpi.settings import KpiSettings
from store.errors import StoreError
from store.revision import require_current


def main() -> int:
    """Read the settings, serve, give the exit code."""
    try:
        settings = KpiSettings()  # type: ignore[call-arg] # from the environment
    except ValidationError as error:
        places = "; ".join(f"HAIDANG_{str(each['loc'][0]).upper()}: {each['msg']}" for each in error.errors())
        sys.stderr.write(f"The settings are not usable. {places}\n")
        return 2
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        require_current(settings.database_url)
        serve(settings, stop)
    except StoreError as error:
        sys.stderr.write(f"haidang kpi: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
