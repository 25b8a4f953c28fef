"""Prometheus metrics of ingest."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from ingest.errors import SettingsError
from ingest.writer import Report
from model.ledger import BESIDE, MESSAGE_ACCOUNT, VALUE_ACCOUNT
from store.metrics import serve_metrics

_SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)


class Metrics:
    """Counts of what was committed, and the state of the worker."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._messages = Counter(
            "haidang_ingest_messages", "Committed messages by outcome", ["outcome"], registry=self.registry
        )
        self._values = Counter("haidang_ingest_values", "Values by outcome", ["outcome"], registry=self.registry)
        self._beside = Counter("haidang_ingest_beside", "Beside the accounts", ["what"], registry=self.registry)
        self._batches = Counter("haidang_ingest_batches", "Batches by way of storing", ["way"], registry=self.registry)
        self._seconds = Histogram(
            "haidang_ingest_batch_seconds", "Time to store a batch", buckets=_SECONDS, registry=self.registry
        )
        self.held = Gauge("haidang_ingest_held_messages", "Received, not yet committed", registry=self.registry)
        self.connected = Gauge("haidang_ingest_broker_connected", "1 while connected", registry=self.registry)
        self.database = Gauge("haidang_ingest_database_up", "1 while the database answers", registry=self.registry)
        self.outages = Counter("haidang_ingest_outages", "Outages by what was away", ["of"], registry=self.registry)

    def serve(self, host: str, port: int) -> None:
        """Answer on a port from now on.

        Raises:
            SettingsError: the port is taken.
        """
        serve_metrics(self.registry, (host, port), "HAIDANG_INGEST_METRICS_PORT", SettingsError)

    def note(self, report: Report) -> None:
        """Count a committed batch."""
        self._seconds.observe(report.seconds)
        self._batches.labels("bisected" if report.bisected else "staged" if report.staged else "copied").inc()
        beside = [name for name in BESIDE if name != "missing_seq"]  # it may go down again, which no counter can
        for family, names in ((self._messages, MESSAGE_ACCOUNT), (self._values, VALUE_ACCOUNT), (self._beside, beside)):
            for name in names:
                family.labels(name).inc(report.counts.get(name, 0))
