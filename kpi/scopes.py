"""Which assets' pieces make up a scope: its own where it has a signal of its own, else those of the assets below.

In: the registry snapshot and which assets have time or counts. Out: one row per scope and contributing asset.
"""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import polars as pl

from model.registry import Asset, Site

COUNTS = frozenset({"good_count", "reject_count", "total_count", "cycle_count"})
METER_KIND = "meter"
METERED = frozenset({"active_energy", "active_power"})
SOURCES = pl.Schema(
    {
        "scope": pl.String,
        "asset": pl.String,
        "of_time": pl.Boolean,
        "of_energy": pl.Boolean,
        "of_records": pl.Boolean,
        "of_own": pl.Boolean,
    }
)
ABILITIES = pl.Schema({"scope": pl.String, "can_time": pl.Boolean, "can_count": pl.Boolean, "can_energy": pl.Boolean})


@dataclass(frozen=True)
class Scopes:
    """Contributions per scope, and what each scope can have values of."""

    sources: pl.DataFrame
    abilities: pl.DataFrame
    counted: frozenset[str]


def scopes(
    site: Site,
    timed: AbstractSet[str] = frozenset(),
    counted: AbstractSet[str] = frozenset(),
    recorded: AbstractSet[str] = frozenset(),
) -> Scopes:
    """Resolve the scopes of a site.

    Args:
        site: registry snapshot.
        timed: assets with time pieces beyond those with a state series (production records).
        counted: assets with counted pieces beyond those with a count series.
        recorded: assets with business records; they add up over everything at or below a scope.
    """
    tree = _Tree(
        site,
        timed=_with_quantity(site, {"state"}) | timed,
        counted=_with_quantity(site, COUNTS) | counted,
        metered=_with_quantity(site, METERED),
    )
    rows, abilities = [], []
    for asset in site.assets:
        time, energy, below = (
            tree.time_sources(asset.key),
            tree.energy_sources(asset.key),
            tree.whole(asset.key) & recorded,
        )
        rows += [
            (asset.key, key, key in time, key in energy, key in below, key in below and key == asset.key)
            for key in sorted(time | energy | below)
        ]
        abilities.append((asset.key, bool(time & tree.timed), bool(time & tree.counted), bool(energy)))
    return Scopes(
        pl.DataFrame(rows, schema=SOURCES, orient="row"),
        pl.DataFrame(abilities, schema=ABILITIES, orient="row"),
        frozenset(tree.counted),
    )


def _with_quantity(site: Site, quantities: AbstractSet[str]) -> set[str]:
    return {series.asset for series in site.series if series.quantity in quantities}


class _Tree:
    def __init__(self, site: Site, *, timed: set[str], counted: set[str], metered: set[str]) -> None:
        self.timed, self.counted, self.metered = timed, counted, metered
        self._assets = {asset.key: asset for asset in site.assets}
        self._children: dict[str, list[str]] = {}
        for asset in site.assets:
            if asset.parent is not None:
                self._children.setdefault(asset.parent, []).append(asset.key)

    def whole(self, key: str) -> set[str]:
        """The scope and everything below it: business records add up."""
        return {key}.union(*(self.whole(child) for child in self._children.get(key, [])))

    def time_sources(self, key: str) -> set[str]:
        """Assets whose time and counts are the scope's."""
        asset, below = self._assets[key], self._children.get(key, [])
        if key in self.timed or (not below and key in self.counted):
            return {key}
        if asset.roll_up == "constraint":
            return self._constraint(asset)
        return set().union(*(self.time_sources(child) for child in below))

    def energy_sources(self, key: str) -> set[str]:
        """Nearest metered assets at or below; a child of kind `meter` measures the whole of what it hangs on."""
        if key in self.metered:
            return {key}
        below = self._children.get(key, [])
        meters = {child for child in below if self._assets[child].kind == METER_KIND and child in self.metered}
        return meters or set().union(*(self.energy_sources(child) for child in below))

    def _constraint(self, asset: Asset) -> set[str]:
        name = asset.constraint_key or ""
        for key in (name, f"{asset.key}/{name}".strip("/")):
            if key in self._assets and key != asset.key:
                return self.time_sources(key)
        return set()
