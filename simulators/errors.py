"""Errors of the simulators. Each carries one line that says what is wrong and what to do.

SimulatorError
├── SettingsError           a flag or a setting makes no sense
├── MappingError            the replay section of a mapping file is missing or wrong
├── RecordingError          a recording cannot be found or read
├── BrokerUnreachableError  no connection to the broker could be made
└── NotAcknowledgedError    the broker did not acknowledge everything that was sent
"""


class SimulatorError(Exception):
    """Base of all errors of this package."""


class SettingsError(SimulatorError):
    """A flag or a setting makes no sense."""


class MappingError(SimulatorError):
    """The replay section of a mapping file is missing or wrong."""


class RecordingError(SimulatorError):
    """A recording cannot be found or read."""


class BrokerUnreachableError(SimulatorError):
    """No connection to the broker could be made."""


class NotAcknowledgedError(SimulatorError):
    """The broker did not acknowledge everything that was sent."""

    def __init__(self, missing: int, reason: str) -> None:
        super().__init__(f"{missing} messages were not acknowledged by the broker: {reason}")
        self.missing = missing
