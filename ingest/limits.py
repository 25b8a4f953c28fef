"""What a message may hold before it counts as poison."""

from dataclasses import dataclass

DAY_US = 86_400_000_000
HOUR_US = 3_600_000_000
STALE_US = 2_000_000
EARLIEST_US = 631_152_000_000_000  # 1990-01-01: no machine of today recorded before


@dataclass(frozen=True)
class Limits:
    """Bounds of payloads and times."""

    payload_bytes: int = 1 << 20
    future_us: int = 600_000_000
    earliest_us: int = EARLIEST_US
    new_days_per_hour: int = 400
    text_length: int = 500
    texts_per_series: int = 10_000


class DayQuota:
    """Counts the UTC days that each device opens in an hour: a broken clock must not fill the store with chunks.

    A day counts for the device that brought it; later values of that day are free. The database knows what other
    workers opened, and this one before it was started: whoever finds it stale loads it anew.
    """

    def __init__(self, per_hour: int) -> None:
        self._per_hour = per_hour
        self._known: set[int] = set()
        self._spent: dict[tuple[int, int], int] = {}
        self._loaded_us = 0

    def is_stale(self, now_us: int) -> bool:
        """Whether others may have opened days meanwhile."""
        return now_us - self._loaded_us > STALE_US

    def load(self, now_us: int, known: set[int], spent: dict[tuple[int, int], int]) -> None:
        """Take over the days that are there, and how many each device opened in an hour."""
        self._loaded_us, self._known, self._spent = now_us, known, spent

    def is_known(self, day: int) -> bool:
        """Whether the day has its place in the store."""
        return day in self._known

    def admit(self, device_id: int, hour: int, days: set[int]) -> set[int]:
        """The unknown days that this device may still open in this hour, the latest first."""
        left = self._per_hour - self._spent.get((device_id, hour), 0)
        return set(sorted(days - self._known, reverse=True)[: max(0, left)])

    def commit(self, hour: int, opened: dict[int, set[int]]) -> None:
        """The days (by device) are in the store now."""
        self._spent = {key: count for key, count in self._spent.items() if key[1] >= hour - 1}
        for device_id, days in opened.items():
            new = days - self._known
            self._spent[device_id, hour] = self._spent.get((device_id, hour), 0) + len(new)
            self._known |= new
