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
        "of_counts": pl.Boolean,
        "lends": pl.Boolean,  # its time stands for that of the unit that counts, under the rule `last`
        "of_energy": pl.Boolean,
        "of_records": pl.Boolean,
        "of_own": pl.Boolean,
    }
)
ABILITIES = pl.Schema(
    {
        "scope": pl.String,
        "can_time": pl.Boolean,
        "can_count": pl.Boolean,
        "can_energy": pl.Boolean,
        "rule": pl.String,  # how the units below stand for the scope; '' = own signal, or they add up
    }
)


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
        time, counts, energy, below = (
            tree.time_sources(asset.key),
            tree.count_sources(asset.key),
            tree.energy_sources(asset.key),
            tree.whole(asset.key) & recorded,
        )
        lends = tree.lenders(asset.key)
        rows += [
            (
                asset.key,
                key,
                *(key in part for part in (time, counts, lends, energy, below)),
                key in below & {asset.key},
            )
            for key in sorted(time | counts | energy | below)
        ]
        abilities.append(
            (asset.key, bool(time & tree.timed), bool(counts & tree.counted), bool(energy), tree.rule(asset.key))
        )
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

    def rule(self, key: str) -> str:
        """How the units below stand for a scope without a signal of its own; '' where they simply add up."""
        asset = self._assets[key]
        return "" if self._stands_for_itself(key) or asset.roll_up == "sum" else asset.roll_up

    def time_sources(self, key: str) -> set[str]:
        """Assets whose time is the scope's."""
        asset = self._assets[key]
        if self._stands_for_itself(key):
            return {key}
        if asset.roll_up in {"constraint", "last"}:
            named = self._named(asset, asset.constraint_key or asset.last_key)
            return set() if named is None else self.time_sources(named)
        return set().union(*(self.time_sources(child) for child in self._children.get(key, [])))

    def count_sources(self, key: str) -> set[str]:
        """Assets whose counts are the scope's."""
        asset = self._assets[key]
        if self._stands_for_itself(key):
            return {key}
        if asset.roll_up in {"constraint", "last"}:
            named = self._named(asset, asset.constraint_key if asset.roll_up == "constraint" else asset.last_key)
            return set() if named is None else self.count_sources(named)
        return set().union(*(self.count_sources(child) for child in self._children.get(key, [])))

    def lenders(self, key: str) -> set[str]:
        """Assets whose time stands beside the counts of another one, which does count."""
        asset = self._assets[key]
        if self._stands_for_itself(key):
            return set()
        if asset.roll_up == "last":
            return self.time_sources(key) if self.count_sources(key) & self.counted else set()
        if asset.roll_up == "constraint":
            named = self._named(asset, asset.constraint_key)
            return set() if named is None else self.lenders(named)
        return set().union(*(self.lenders(child) for child in self._children.get(key, [])))

    def _stands_for_itself(self, key: str) -> bool:
        return key in self.timed or (not self._children.get(key) and key in self.counted)

    def energy_sources(self, key: str) -> set[str]:
        """Nearest metered assets at or below; a child of kind `meter` measures the whole of what it hangs on."""
        if key in self.metered:
            return {key}
        below = self._children.get(key, [])
        meters = {child for child in below if self._assets[child].kind == METER_KIND and child in self.metered}
        return meters or set().union(*(self.energy_sources(child) for child in below))

    def _named(self, asset: Asset, name: str | None) -> str | None:
        """Key of the asset that a rule names, by its whole path or the path below its line."""
        for key in (name or "", f"{asset.key}/{name or ''}".strip("/")):
            if key in self._assets and key != asset.key:
                return key
        return None
