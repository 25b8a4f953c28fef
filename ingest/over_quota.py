"""Of the messages over a site's quota a few are kept for replay, and all others are counted: a flood costs little."""

from dataclasses import dataclass
from typing import Any

from ingest.message import Message
from ingest.quota import KEPT_IN_A_MINUTE, OVER_QUOTA

MINUTE_US = 60_000_000


@dataclass
class _Minute:
    """What was kept of a site in a minute; `row` is the last that was, where others are counted."""

    minute: int
    kept: int
    row: dict[str, Any]


class OverQuota:
    """Chooses what is kept. Counting needs no memory of what was committed: a row that is not there yet is made."""

    def __init__(self) -> None:
        self._of_site: dict[int, _Minute] = {}

    def counted_in(self, message: Message, site_id: int) -> dict[str, Any] | None:
        """The row of a kept message of the site in which this one only counts, none where it is to be kept itself."""
        if not is_over(message):
            return None
        known = self._of_site.get(site_id)
        if known is None or known.minute != message.received_us // MINUTE_US or known.kept < KEPT_IN_A_MINUTE:
            return None
        return known.row

    def keep(self, message: Message, site_id: int, row: dict[str, Any]) -> None:
        """A message of the site is kept in a row."""
        if not is_over(message):
            return
        minute = message.received_us // MINUTE_US
        known = self._of_site.get(site_id)
        kept = known.kept if known is not None and known.minute == minute else 0
        self._of_site[site_id] = _Minute(minute, kept + 1, row)


def is_over(message: Message) -> bool:
    """Whether a message was refused for its site's quota of values."""
    return message.decoded.whole is not None and message.decoded.whole.code == OVER_QUOTA
