"""Which meters make up the energy of a scope, how much of each, and which of them are main and which sub-meters.

In: the registry snapshot. Out: one row per scope and meter with the shares of its energy in the scope's total
(`energy_share`), in what its main meters measure (`main_share`) and in what sub-meters measure of that
(`submeter_share`).

A scope's energy is that of the nearest meters at or below it; a child of kind `meter` that nothing else is said of
measures the whole of what it hangs on. Meters below a main meter are its sub-meters unless a relation says otherwise.
What two meters measure is counted once: at the main one.
"""

from collections.abc import Iterator

import polars as pl

from model.metering import METER_KIND, METERED, METERS, SUBMETER, counted_by
from model.registry import Site

METERING = pl.Schema(
    {
        "scope": pl.String,
        "asset": pl.String,
        "of_energy": pl.Boolean,
        "of_meters": pl.Boolean,  # its readings tell how complete the scope's energy is
        "energy_share": pl.Float64,
        "main_share": pl.Float64,
        "submeter_share": pl.Float64,
    }
)
_LEAST = 1e-9


def metering(site: Site) -> pl.DataFrame:
    """Resolve the meters of every scope of a site."""
    tree = _Meters(site)
    rows = [row for asset in site.assets for row in tree.rows(asset.key)]
    return pl.DataFrame(rows, schema=METERING, orient="row")


class _Meters:
    def __init__(self, site: Site) -> None:
        self._assets = {asset.key: asset for asset in site.assets}
        self._children: dict[str, list[str]] = {}
        for asset in site.assets:
            if asset.parent is not None:
                self._children.setdefault(asset.parent, []).append(asset.key)
        self._own = {each.asset for each in site.series if each.quantity in METERED}
        self._given: dict[str, float] = {}  # share of a meter that is other assets' energy
        self._meters_of: dict[str, set[str]] = {}
        self._mains: dict[str, dict[str, float]] = {}
        self._subs: dict[str, dict[str, float]] = {}
        for each in site.relations:
            if each.kind == METERS:
                self._given[each.from_asset] = self._given.get(each.from_asset, 0.0) + each.share
                self._meters_of.setdefault(each.to_asset, set()).add(each.from_asset)
            if each.kind == SUBMETER:
                self._mains.setdefault(each.from_asset, {})[each.to_asset] = each.share
                self._subs.setdefault(each.to_asset, {})[each.from_asset] = each.share

    def rows(self, scope: str) -> Iterator[tuple[str, str, bool, bool, float, float, float]]:
        shares = self._shares(scope)
        mains, subs = self._submeters(scope, shares)
        reading = {meter for key in shares for meter in self._meters_of.get(key, {key})}
        for key in sorted({*shares, *subs, *reading}):
            share = shares.get(key, 0.0)
            main = share if key in mains else 0.0
            yield scope, key, key in shares, key in reading, share, main, subs.get(key, 0.0)

    def _shares(self, scope: str) -> dict[str, float]:
        """Meters of a scope with the share of their energy that no other one of them counts."""
        nearest = self._nearest(scope)
        found = {
            key: (1.0 if key == scope else self._rest(key)) * (1.0 - counted_by(key, nearest, self._mains))
            for key in sorted(nearest)
        }
        return {key: share for key, share in found.items() if share > _LEAST}

    def _submeters(self, scope: str, shares: dict[str, float]) -> tuple[set[str], dict[str, float]]:
        """Main meters of a scope, and their sub-meters with shares: those named, and those that the tree shows."""
        mains, below = self._shown(scope)
        found = {key: self._rest(key) for key in below if not self._is_named(key) and key not in shares}
        for main in shares:
            for sub, share in self._subs.get(main, {}).items():
                mains.add(main)
                found[sub] = found.get(sub, 0.0) + share
        found = {key: share for key, share in found.items() if share > _LEAST}
        return (mains if found else set()), found

    def _nearest(self, key: str) -> set[str]:
        if self._is_metered(key):
            return {key}
        return self._standing(key) or set().union(*map(self._nearest, self._children.get(key, [])))

    def _shown(self, key: str) -> tuple[set[str], set[str]]:
        """Main meters at or below by the tree, and the nearest meters below what they measure."""
        below = self._children.get(key, [])
        mains = {key} if self._is_metered(key) else self._standing(key)
        if mains:
            subs: set[str] = set().union(*(self._nearest(child) for child in below if child not in mains))
            return (mains, subs) if subs else (set(), set())
        parts = [self._shown(child) for child in below]
        return set().union(*(part[0] for part in parts)), set().union(*(part[1] for part in parts))

    def _is_metered(self, key: str) -> bool:
        return key in self._own or key in self._meters_of

    def _standing(self, key: str) -> set[str]:
        """Children of kind meter that measure all of an asset."""
        return {
            child
            for child in self._children.get(key, [])
            if self._assets[child].kind == METER_KIND and child in self._own and child not in self._given
            and not self._mains.get(child, {}).keys() & self._siblings(child)
        }  # fmt: skip

    def _siblings(self, key: str) -> set[str]:
        return set(self._children.get(self._assets[key].parent or "", ())) - {key}

    def _rest(self, key: str) -> float:
        return 1.0 - self._given.get(key, 0.0)

    def _is_named(self, key: str) -> bool:
        """Whether relations, not the tree, say which main meters measure it too."""
        return key in self._mains or any(meter in self._mains for meter in self._meters_of.get(key, ()))
