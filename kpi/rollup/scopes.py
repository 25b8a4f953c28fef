"""Which assets' pieces make up a scope: its own where it has a signal of its own, else those of the assets below.

In: the registry snapshot and which assets have time or counts. Out: one row per scope and contributing asset.
"""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import polars as pl

from kpi.energy.metering import METERING, metering
from model.metering import METERED
from model.registry import Asset, Site

COUNTS = frozenset({"good_count", "reject_count", "total_count", "cycle_count"})
_KEYS = ("scope", "asset")
_WITHOUT_METERS = pl.Schema(
    {
        "scope": pl.String,
        "asset": pl.String,
        "of_time": pl.Boolean,
        "of_counts": pl.Boolean,
        "lends": pl.Boolean,  # its time stands for that of the unit that counts, under the rule `last`
        "of_records": pl.Boolean,
        "of_own": pl.Boolean,
    }
)
SOURCES = pl.Schema([*_WITHOUT_METERS.items(), *(each for each in METERING.items() if each[0] not in _KEYS)])

ABILITIES = pl.Schema(
    {
        "scope": pl.String,
        "can_time": pl.Boolean,
        "can_count": pl.Boolean,
        "can_energy": pl.Boolean,
        "can_submeter": pl.Boolean,  # has a main meter and meters below it
        "rule": pl.String,  # how the units below stand for the scope; '' = own signal, or they add up
    }
)


@dataclass(frozen=True)
class Scopes:
    """Contributions per scope, and what each scope can have values of."""

    sources: pl.DataFrame
    abilities: pl.DataFrame
    counted: frozenset[str]

    def limited(self, known: Iterable[str]) -> "Scopes":
        """Keep the scopes of these assets."""
        wanted = pl.col("scope").is_in(sorted(known))
        return Scopes(self.sources.filter(wanted), self.abilities.filter(wanted), self.counted)


def over_eras(parts: Sequence[Scopes]) -> Scopes:
    """Join the scopes of several registries, the newest last: what contributed or could be in any of them."""
    newest = list(reversed(parts))
    sources = pl.concat([each.sources for each in newest]).unique(_KEYS, keep="first", maintain_order=True)
    every = pl.concat([each.abilities for each in newest])
    able = (pl.col(name).any() for name in ABILITIES.names() if name.startswith("can_"))
    abilities = every.group_by("scope", maintain_order=True).agg(*able, pl.col("rule").first())
    counted = frozenset[str]().union(*(each.counted for each in parts))
    return Scopes(sources.sort(_KEYS), abilities.select(ABILITIES.names()), counted)


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
    )
    meters = metering(site)
    metered = set(meters.filter("of_energy")["scope"])
    submetered = set(meters.filter(pl.col("main_share") > 0)["scope"])
    rows, abilities = [], []
    for asset in site.assets:
        time, counts = tree.time_sources(asset.key), tree.count_sources(asset.key)
        below = tree.whole(asset.key) & recorded
        lends = tree.lenders(asset.key)
        rows += [
            (
                asset.key,
                key,
                *(key in part for part in (time, counts, lends, below)),
                key in below & {asset.key},
            )
            for key in sorted(time | counts | below)
        ]
        abilities.append(
            (
                asset.key,
                bool(time & tree.timed),
                bool(counts & tree.counted),
                asset.key in metered,
                asset.key in submetered,
                tree.rule(asset.key),
            )
        )
    return Scopes(
        _with_meters(pl.DataFrame(rows, schema=_WITHOUT_METERS, orient="row"), meters),
        pl.DataFrame(abilities, schema=ABILITIES, orient="row"),
        frozenset(tree.counted),
    )


def told_by_signals(site: Site) -> frozenset[str]:
    """Assets with a state series and a count series: what there is of them does not hang on pieces."""
    return frozenset(_with_quantity(site, {"state"}) & _with_quantity(site, COUNTS))


def heard(site: Site) -> frozenset[str]:
    """Assets of which any series tells state, counts or energy."""
    return frozenset(_with_quantity(site, {"state"} | COUNTS | METERED))


def _with_meters(rows: pl.DataFrame, meters: pl.DataFrame) -> pl.DataFrame:
    found = rows.join(meters, on=_KEYS, how="full", coalesce=True).sort(_KEYS)
    none = {name: False if dtype == pl.Boolean else 0.0 for name, dtype in SOURCES.items() if name not in _KEYS}
    return found.select(*_KEYS, *(pl.col(name).fill_null(value) for name, value in none.items()))


def _with_quantity(site: Site, quantities: AbstractSet[str]) -> set[str]:
    return {series.asset for series in site.series if series.quantity in quantities}


class _Tree:
    def __init__(self, site: Site, *, timed: set[str], counted: set[str]) -> None:
        self.timed, self.counted = timed, counted
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

    def _named(self, asset: Asset, name: str | None) -> str | None:
        """Key of the asset that a rule names, by its whole path or the path below its line."""
        for key in (name or "", f"{asset.key}/{name or ''}".strip("/")):
            if key in self._assets and key != asset.key:
                return key
        return None
