"""Composition: settings in, a service that runs until SIGTERM or SIGINT; every reason not to start is one line."""

import structlog

from kpi.errors import KpiError
from kpi.running.metrics import Metrics
from kpi.running.service import serve
from kpi.running.settings import KpiSettings, read_settings
from store.errors import DatabaseUnavailableError
from store.revision import require_current
from store.starting import serve_as, stop_on_signals

log = structlog.get_logger("kpi")


def main() -> int:
    """Run the job as the environment says; 0 after an orderly stop, 1 where it cannot go on."""
    return serve_as("kpi", read_settings, run, KpiError)


def run(settings: KpiSettings) -> None:
    """Check what can be checked at once, then serve.

    Raises:
        KpiError: a setting.
        StoreError: the schema is not this version's.
    """
    stop = stop_on_signals()
    metrics = Metrics()
    if settings.kpi_metrics_port:
        metrics.serve(settings.kpi_metrics_host, settings.kpi_metrics_port)
    try:
        require_current(settings.database_url)
    except DatabaseUnavailableError as error:
        log.warning("database_unreachable", error=str(error), advice="waiting for it")
    serve(settings, stop, metrics)
    log.info("stopped")
