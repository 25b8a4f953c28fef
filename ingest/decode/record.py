"""One record of a JSON payload with all that its rules may ask for."""

from typing import Any, NamedTuple

from ingest.decode.paths import get
from ingest.decode.times import mapped_time
from ingest.mapping import Mapping


class Record(NamedTuple):
    """A record, the payload that it stands in, the mapping, and when the message was received."""

    fields: Any
    root: Any
    mapping: Mapping
    received_us: int

    def get(self, path: str) -> Any:
        """The value at a path, None where there is nothing."""
        return get(self.fields, path, self.root)

    def time(self) -> int:
        """The record's time in µs UTC.

        Raises:
            TimeError: it has none that can be understood.
        """
        rule = self.mapping.time
        return self.received_us if rule.receive else mapped_time(self.get(rule.source or ""), rule)
