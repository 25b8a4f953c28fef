"""Prometheus metrics of the KPI job."""

from prometheus_client import CollectorRegistry, Counter, Gauge

from kpi.errors import SettingsError
from kpi.running.summary import Summary
from store.metrics import serve_metrics


class Metrics:
    """Counts of what was computed, and of what could not be."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._days = Counter("haidang_kpi_days", "Production days computed", ["site"], registry=self.registry)
        self._values = Counter("haidang_kpi_values", "KPI values new or revised", ["site"], registry=self.registry)
        self._seconds = Gauge(
            "haidang_kpi_last_run_seconds",
            "Duration of the last run that computed something",
            ["site"],
            registry=self.registry,
        )
        self._failures = Counter(
            "haidang_kpi_site_failures", "Runs that a site failed", ["site"], registry=self.registry
        )
        self.database = Gauge("haidang_kpi_database_up", "1 while the database answers", registry=self.registry)

    def serve(self, host: str, port: int) -> None:
        """Answer on a port from now on.

        Raises:
            SettingsError: the port is taken.
        """
        serve_metrics(self.registry, (host, port), "HAIDANG_KPI_METRICS_PORT", SettingsError)

    def note(self, site_key: str, done: Summary, seconds: float) -> None:
        """Count what a run computed."""
        if done.days:
            self._days.labels(site_key).inc(done.days)
            self._values.labels(site_key).inc(done.values_new + done.values_revised)
            self._seconds.labels(site_key).set(seconds)

    def failed(self, site_key: str) -> None:
        """Count a run that a site failed."""
        self._failures.labels(site_key).inc()
