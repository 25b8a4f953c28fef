"""All errors of the KPI job; each has a text that can be shown to a person as it is."""


class KpiError(Exception):
    """The KPI job cannot go on; the text says what to do."""


class SettingsError(KpiError):
    """A setting is missing or makes no sense."""


class WorkerLostError(KpiError):
    """A process of the pool is gone; the span was not stored, the next run computes it."""


class SitesFailedError(KpiError):
    """Some sites could not be computed; the others were."""

    def __init__(self, reasons: dict[str, str]) -> None:
        named = "; ".join(f"site {key!r}: {reason}" for key, reason in reasons.items())
        super().__init__(f"Not computed: {named}")
        self.reasons = reasons


class ExampleFileError(KpiError):
    """A file of worked examples cannot be used."""
