"""All errors of ingest; each ends the service with its text as the one line that is shown."""


class IngestError(Exception):
    """Ingest cannot go on; the text says what to do."""


class MappingError(IngestError):
    """A mapping file is not usable."""


class SettingsError(IngestError):
    """A setting is missing or makes no sense."""


class BrokerRefusedError(IngestError):
    """The broker answered and does not want us (credentials, protocol): trying again does not help."""
