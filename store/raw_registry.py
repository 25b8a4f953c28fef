"""The part of the registry that ingest reads and adds to: sites, assets, devices, series, symbols; many in a statement.

Additions are idempotent, in order of their keys, and are committed by the caller before the batch that needs them.
"""

from collections.abc import Collection, Iterable, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from model.instants import instant
from store.pool import Connection
from store.queries import load

_SQL = load("raw_registry")
_LEVELS = ("site", "area", "line", "unit")

SeriesKey = tuple[int, str]  # asset id and name


class SiteRow(NamedTuple):
    """A site as ingest needs it; a quota that is None is not set."""

    site_id: int
    key: str
    person_key: bytes | None
    most_series: int | None = None
    most_values_per_s: int | None = None


class PlaceRow(NamedTuple):
    """Where messages come from: keys of asset and device at a site, and when it was heard first (µs)."""

    site_id: int
    asset: str
    device: str
    protocol: str
    seen_us: int


class SeriesRow(NamedTuple):
    """A registered series: what its values are, in which unit they are stored."""

    asset_id: int
    name: str
    series_id: int
    quantity: str
    unit: str
    kind: str
    interval_us: int | None
    interval_label: str | None


class NewSeries(NamedTuple):
    """A series as it is proposed."""

    site_id: int
    asset_id: int
    device_id: int
    name: str
    quantity: str
    qualifier: str
    unit: str
    kind: str
    interval_us: int | None = None
    interval_label: str | None = None


def read_sites(connection: Connection) -> dict[str, SiteRow]:
    """All sites by key."""
    return {row[1]: SiteRow(*row) for row in connection.execute(_SQL["sites"])}


def lock_sites(connection: Connection, site_ids: Iterable[int]) -> None:
    """Let no other worker register anything at these sites before the end of the transaction."""
    connection.execute(_SQL["lock_sites"], {"site_id": sorted(set(site_ids))})


# -- assets and devices -------------------------------------------------------------------------------


def find_places(connection: Connection, places: Sequence[PlaceRow]) -> list[tuple[int, int]]:
    """Ids of asset and device of each place, 0 where there is none."""
    parameters = _columns(places, PlaceRow)
    return [(asset or 0, device or 0) for asset, device in connection.execute(_SQL["find_places"], parameters)]


def add_places(connection: Connection, places: Sequence[PlaceRow]) -> None:
    """Propose the assets (with the parents that are missing) and register the devices of new places."""
    _add_assets(connection, {(place.site_id, place.asset) for place in places})
    first: dict[tuple[int, str], PlaceRow] = {}
    for place in places:
        first.setdefault((place.site_id, place.device), place)
    parameters = _columns(list(first.values()), PlaceRow)
    connection.execute(_SQL["add_devices"], {**parameters, "seen": [instant(us) for us in parameters["seen_us"]]})


def count_devices(connection: Connection, site_ids: Iterable[int]) -> dict[int, int]:
    """Registered devices by site."""
    return dict(connection.execute(_SQL["count_devices"], {"site_id": sorted(set(site_ids))}).fetchall())


def _add_assets(connection: Connection, paths: Iterable[tuple[int, str]]) -> None:
    wanted = sorted({(site_id, key) for site_id, path in paths for key in _with_parents(path)})
    parameters = {"site_id": [site_id for site_id, _ in wanted], "key": [key for _, key in wanted]}
    missing = connection.execute(_SQL["missing_assets"], parameters).fetchall()
    by_depth = sorted((_depth(key), site_id, key) for site_id, key in missing)
    for depth, rows in groupby(by_depth, key=itemgetter(0)):
        level = [(site_id, key) for _, site_id, key in rows]
        new = {
            "level": _LEVELS[min(depth, len(_LEVELS) - 1)],
            "site_id": [site_id for site_id, _ in level],
            "key": [key for _, key in level],
            "parent": [None if not key else key.rpartition("/")[0] for _, key in level],
            "name": [key.rpartition("/")[2] or "site" for _, key in level],
        }
        connection.execute(_SQL["add_assets"], new)


def _with_parents(path: str) -> list[str]:
    parts = path.split("/") if path else []
    return ["/".join(parts[:depth]) for depth in range(len(parts) + 1)]


def _depth(key: str) -> int:
    return key.count("/") + 1 if key else 0


# -- series -------------------------------------------------------------------------------------------


def find_series(connection: Connection, keys: Collection[SeriesKey]) -> dict[SeriesKey, SeriesRow]:
    """Those of these series that are registered."""
    parameters = {"asset_id": [asset_id for asset_id, _ in keys], "name": [name for _, name in keys]}
    rows = map(SeriesRow._make, connection.execute(_SQL["find_series"], parameters))
    return {(row.asset_id, row.name): row for row in rows}


def series_keys(connection: Connection, ids: Collection[int]) -> dict[int, SeriesKey]:
    """Asset and name of series; those that are gone are left out."""
    rows = connection.execute(_SQL["series_keys"], {"series_id": list(ids)})
    return {series_id: (asset_id, name) for series_id, asset_id, name in rows}


def count_series_of_assets(connection: Connection, asset_ids: Iterable[int]) -> dict[int, int]:
    """Registered series by asset."""
    return dict(connection.execute(_SQL["count_series_of_assets"], {"asset_id": sorted(set(asset_ids))}).fetchall())


def count_series_of_sites(connection: Connection, site_ids: Iterable[int]) -> dict[int, int]:
    """Registered series by site."""
    return dict(connection.execute(_SQL["count_series_of_sites"], {"site_id": sorted(set(site_ids))}).fetchall())


def add_series(connection: Connection, rows: Sequence[NewSeries]) -> None:
    """Propose series; where one is registered meanwhile under its asset and name, that one stays."""
    connection.execute(_SQL["add_series"], _columns(rows, NewSeries))


# -- texts --------------------------------------------------------------------------------------------


def known_symbols(connection: Connection, numbers: Collection[int]) -> set[int]:
    """Those of these numbers that have their text."""
    return {row[0] for row in connection.execute(_SQL["known_symbols"], {"symbol_id": list(numbers)})}


def count_symbols(connection: Connection, series_ids: Iterable[int]) -> dict[int, int]:
    """How many texts each series brought first."""
    return dict(connection.execute(_SQL["count_symbols"], {"series_id": sorted(set(series_ids))}).fetchall())


def add_symbols(connection: Connection, symbols: dict[int, tuple[str, int]]) -> None:
    """Register texts under their numbers, each with the series that brought it."""
    numbers = sorted(symbols)
    parameters = {
        "symbol_id": numbers,
        "text": [symbols[number][0] for number in numbers],
        "series_id": [symbols[number][1] for number in numbers],
    }
    connection.execute(_SQL["add_symbols"], parameters)


def _columns(rows: Sequence[NamedTuple], kind: type[NamedTuple]) -> dict[str, list[Any]]:
    """Rows as one list for each field."""
    columns = list(zip(*rows, strict=True)) or [()] * len(kind._fields)
    return {name: list(column) for name, column in zip(kind._fields, columns, strict=True)}
