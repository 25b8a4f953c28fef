"""Which UTC days readings have a place for, and how many new ones each device brought; days and hours since 1970."""

from collections.abc import Mapping

from model.instants import instant
from store.pool import Connection
from store.queries import load

_SQL = load("raw_registry")
_HOUR_US = 3_600_000_000


def reading_days(connection: Connection) -> set[int]:
    """Days that need not be opened."""
    return {row[0] for row in connection.execute(_SQL["reading_days"])}


def opened(connection: Connection, hour: int) -> dict[tuple[int, int], int]:
    """Days that each device opened, by device and hour, in this hour and the one before."""
    rows = connection.execute(_SQL["opened_days"], {"since": instant((hour - 1) * _HOUR_US)})
    return {(device_id, at): count for device_id, at, count in rows}


def note(connection: Connection, at_us: int, days: Mapping[int, set[int]]) -> None:
    """Write down who opened which days; what is no longer counted goes."""
    pairs = sorted((day, device_id) for device_id, own in days.items() for day in own)
    parameters = {"day": [day for day, _ in pairs], "device_id": [device for _, device in pairs], "at": instant(at_us)}
    connection.execute(_SQL["note_opened_days"], parameters)
    connection.execute(_SQL["forget_opened_days"], {"before": instant((at_us // _HOUR_US - 1) * _HOUR_US)})
