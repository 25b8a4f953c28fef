"""The part of the registry that ingest reads and adds to: sites, assets, devices, series, symbols.

Additions are idempotent and are committed before the batch that needs them.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

from store.instants import instant
from store.pool import Connection
from store.queries import load

_SQL = load("raw")
_LEVELS = ("site", "area", "line", "unit")


class SiteRow(NamedTuple):
    """A site as ingest needs it."""

    site_id: int
    key: str
    person_key: bytes | None


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


@dataclass(frozen=True)
class Registry:
    """Everything that is registered, by the keys that messages name."""

    sites: dict[str, SiteRow]
    assets: dict[tuple[int, str], int]
    devices: dict[tuple[int, str], int]
    series: dict[tuple[int, str], SeriesRow]


def read(connection: Connection) -> Registry:
    """Read the registry of all sites."""
    return Registry(
        sites={row[1]: SiteRow(*row) for row in connection.execute(_SQL["sites"])},
        assets={(row[0], row[1]): row[2] for row in connection.execute(_SQL["assets"])},
        devices={(row[0], row[1]): row[2] for row in connection.execute(_SQL["devices"])},
        series={(row[0], row[1]): SeriesRow(*row) for row in connection.execute(_SQL["series"])},
    )


def add_asset(connection: Connection, site_id: int, path: str) -> dict[str, int]:
    """Propose an asset and the parents that are missing; returns the ids of all of them by path."""
    found: dict[str, int] = {}
    parent: int | None = None
    parts = path.split("/") if path else []
    for depth in range(len(parts) + 1):
        key = "/".join(parts[:depth])
        level = _LEVELS[min(depth, len(_LEVELS) - 1)]
        name = parts[depth - 1] if depth else "site"
        row = {"site_id": site_id, "key": key, "parent_id": parent, "level": level, "name": name}
        connection.execute(_SQL["add_asset"], row)
        parent = found[key] = _id(connection, "asset_id", {"site_id": site_id, "key": key})
    return found


def add_device(connection: Connection, row: dict[str, Any]) -> int:
    """Register a device (site_id, asset_id, key, protocol, seen_us); returns its id."""
    connection.execute(_SQL["add_device"], {**row, "seen": instant(row["seen_us"])})
    return _id(connection, "device_id", row)


def add_series(connection: Connection, row: dict[str, Any]) -> SeriesRow:
    """Propose a series; returns the one that is registered under its asset and name, ours or another's."""
    connection.execute(_SQL["add_series"], row)
    found = connection.execute(_SQL["one_series"], {"asset_id": row["asset_id"], "name": row["name"]}).fetchone()
    assert found is not None  # noqa: S101 - inserted a moment ago
    return SeriesRow(*found)


def add_symbols(connection: Connection, symbols: dict[int, str]) -> None:
    """Register state texts under their numbers."""
    rows = [{"symbol_id": number, "text": symbols[number]} for number in sorted(symbols)]
    connection.cursor().executemany(_SQL["add_symbol"], rows)


def _id(connection: Connection, query: str, parameters: dict[str, Any]) -> int:
    row = connection.execute(_SQL[query], parameters).fetchone()
    assert row is not None  # noqa: S101 - inserted a moment ago
    return int(row[0])
