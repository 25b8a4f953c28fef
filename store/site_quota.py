"""Quotas of sites: what the site file sets, what workers spend of them, how much is in use."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from store.errors import InvalidConfigurationError
from store.pool import Connection
from store.queries import load

WINDOW_S = 60  # a rate is averaged over so many seconds
_SQL = load("site_quota")


class Use(NamedTuple):
    """A site, its quotas (None = none set) and what is used of them."""

    site_id: int
    key: str
    name: str
    timezone: str
    most_series: int | None
    most_values_per_s: int | None
    series: int
    proposed: int
    devices: int
    assets: int
    values_per_s: float
    refused: tuple[tuple[str, int, datetime], ...]  # reason, messages of the last day, the last one


def set_quota(connection: Connection, site_id: int, most_series: int | None, most_values_per_s: int | None) -> bool:
    """Set the quotas of a site; whether they are other ones now."""
    row = {"site_id": site_id, "most_series": most_series, "most_values_per_s": most_values_per_s}
    return connection.execute(_SQL["set"], row).fetchone() is not None


def spend(connection: Connection, amounts: Mapping[int, tuple[float, float]]) -> dict[int, float]:
    """Take values from the accounts of sites, given as rate and amount by site; returns what each has left."""
    ids = sorted(amounts)
    parameters = {
        "site_id": ids,
        "per_s": [amounts[site_id][0] for site_id in ids],
        "spent": [amounts[site_id][1] for site_id in ids],
        "window_s": WINDOW_S,
    }
    return dict(connection.execute(_SQL["spend"], parameters).fetchall())


def silent_s(connection: Connection, session: str) -> float:
    """For how many seconds nobody has worked under a session of the broker; 0 where it is new."""
    row = connection.execute(_SQL["silent"], {"session": session}).fetchone()
    return max(0.0, row[0]) if row else 0.0


def use(connection: Connection, key: str) -> Use:
    """A site's quotas and their use.

    Raises:
        InvalidConfigurationError: no site of that key is known.
    """
    row = connection.execute(_SQL["use"], {"key": key}).fetchone()
    if row is None:
        raise InvalidConfigurationError(f"Site {key!r} is not known: add it with `haidang site apply FILE`.")
    parameters = {"site_id": row[0]}
    values, seconds = connection.execute(_SQL["values_of_last_hour"], parameters).fetchone() or (0, 1.0)
    refused = connection.execute(_SQL["refused_over_quota"], parameters).fetchall()
    return Use._make((*row, values / max(1.0, seconds), tuple(refused)))
