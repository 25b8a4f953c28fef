"""All errors of ingest; each ends the service with its text as the one line that is shown."""


class IngestError(Exception):
    """Ingest cannot go on; the text says what to do."""


class MappingError(IngestError):
    """A mapping file is not usable."""


class SettingsError(IngestError):
    """A setting is missing or makes no sense."""


class BrokerRefusedError(IngestError):
    """The broker answered and does not want us (credentials, protocol): trying again does not help."""


class SessionInUseError(IngestError):
    """Somebody else works under this session of the broker."""


class WorkerRefusedError(IngestError):
    """A worker says why it cannot go on: its siblings cannot either."""


def first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The first error of a group, however deep."""
    inner = group.exceptions[0]
    return first(inner) if isinstance(inner, BaseExceptionGroup) else inner
