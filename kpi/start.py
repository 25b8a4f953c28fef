"""Composition: settings in, a service that runs until SIGTERM or SIGINT; every reason not to start is one line."""

import signal
import sys
import threading

import structlog

from kpi.errors import KpiError
from kpi.metrics import Metrics
from kpi.service import serve
from kpi.settings import KpiSettings, read_settings
from store.errors import DatabaseUnavailableError, StoreError
from store.logs import configure_log
from store.revision import require_current

log = structlog.get_logger("kpi")


def main() -> int:
    """Run the job as the environment says; 0 after an orderly stop, 1 where it cannot go on."""
    try:
        settings = read_settings()
        configure_log(settings.log_format)
        run(settings)
    except (KpiError, StoreError) as error:
        sys.stderr.write(f"haidang kpi: {' '.join(str(error).split())}\n")
        return 1
    return 0


def run(settings: KpiSettings) -> None:
    """Check what can be checked at once, then serve.

    Raises:
        KpiError: a setting.
        StoreError: the schema is not this version's.
    """
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    metrics = Metrics()
    if settings.kpi_metrics_port:
        metrics.serve(settings.kpi_metrics_host, settings.kpi_metrics_port)
    try:
        require_current(settings.database_url)
    except DatabaseUnavailableError as error:
        log.warning("database_unreachable", error=str(error), advice="waiting for it")
    serve(settings, stop, metrics)
    log.info("stopped")
