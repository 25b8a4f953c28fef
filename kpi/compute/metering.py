"""Whose energy a meter's is: shares of a meter given to what it measures, and whose pieces of time tell its class.

A unit of kind `meter` without a state of its own takes the time classes, jobs and products of what it hangs on; a line
that is judged at its constraint takes the constraint's.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from kpi.compute.signals import among
from model.metering import METER_KIND, METERED, METERS
from model.registry import Asset, Site

_SHARES = pl.Schema({"meter": pl.String, "asset": pl.String, "share": pl.Float64})


def shares(site: Site) -> pl.DataFrame:
    """List what meters give to other assets (meter, asset, share)."""
    rows = [(each.from_asset, each.to_asset, each.share) for each in site.relations if each.kind == METERS]
    return pl.DataFrame(sorted(rows), _SHARES, orient="row")


def hosts(site: Site) -> dict[str, str]:
    """Say whose pieces of time an asset's energy is spread over, where these are not its own."""
    found = _Hosts(site)
    measured = {each.asset for each in site.series if each.quantity in METERED}
    measured |= {each.to_asset for each in site.relations if each.kind == METERS}
    return {key: host for key in sorted(measured) if (host := found.of(key)) != key}


def together(site: Site) -> list[tuple[str, str]]:
    """List pairs of assets that must be computed together: the energy of one is spread over the other's time."""
    given = [(each.from_asset, each.to_asset) for each in site.relations if each.kind == METERS]
    return sorted([*hosts(site).items(), *given])


def with_shares(spans: pl.DataFrame, metered: pl.DataFrame, given: pl.DataFrame, assets: pl.DataFrame) -> "Metered":
    """Add the shares that meters give to other assets as meters of those, beside the meters themselves.

    Args:
        spans: kpi.compute.energy.flow_spans.
        metered: kpi.compute.energy.meters.
        given: `shares` of the site.
        assets: ranks of the computed assets (a, asset).
    """
    ranks = assets.select(pl.col("asset"), to_a=pl.col("a"))
    extra = metered.join(given.rename({"asset": "to"}), left_on="asset", right_on="meter")
    extra = extra.join(ranks, left_on="to", right_on="asset").sort("to", "series_id")
    if extra.is_empty():
        return Metered(spans, metered)
    first = int(metered.select(pl.col("series_id").max()).item()) + 1
    extra = extra.with_columns(pl.int_range(first, first + len(extra), dtype=pl.Int32).alias("new_id"))
    copied = among(spans, extra).join(extra.select("series_id", "new_id", "to_a", "share"), on="series_id")
    copied = copied.with_columns(
        series_id=pl.col("new_id"), a=pl.col("to_a"), amount=pl.col("amount") * pl.col("share")
    ).sort("series_id", "t0")
    meters = extra.with_columns(series_id=pl.col("new_id"), a=pl.col("to_a"), asset=pl.col("to"))
    return Metered(
        pl.concat([spans, copied.select(spans.columns)]), pl.concat([metered, meters.select(metered.columns)])
    )


@dataclass(frozen=True)
class Metered:
    """Flows (kpi.compute.energy.flow_spans) and the meters that they are of, one asset each."""

    spans: pl.DataFrame
    meters: pl.DataFrame

    def hosted(self, of: Mapping[str, str], assets: pl.DataFrame) -> pl.DataFrame:
        """Give the flows with the rank of the asset whose pieces they are spread over."""
        ranks = dict(assets.select("asset", "a").iter_rows())
        moved = {key: ranks[host] for key, host in of.items() if host in ranks}
        away = self.meters.filter(pl.col("asset").is_in(list(moved)))
        if away.is_empty():
            return self.spans
        to_a = away.select("series_id", pl.col("asset").replace_strict(moved, return_dtype=pl.Int32).alias("to_a"))
        gone = pl.col("series_id").is_in(away["series_id"].implode())
        there = self.spans.filter(gone).join(to_a, on="series_id", maintain_order="left").with_columns(a=pl.col("to_a"))
        return pl.concat([self.spans.filter(~gone), there.select(self.spans.columns)])


class _Hosts:
    def __init__(self, site: Site) -> None:
        self._assets = {asset.key: asset for asset in site.assets}
        self._timed = {each.asset for each in site.series if each.quantity == "state"}

    def of(self, key: str) -> str:
        seen: set[str] = set()
        at: str | None = key
        while at is not None and at not in seen:
            if at in self._timed:
                return at
            seen.add(at)
            at = self._next(self._assets[at])
        return key

    def _next(self, asset: Asset) -> str | None:
        if asset.kind == METER_KIND:
            return asset.parent
        if asset.roll_up != "constraint":
            return None
        name = asset.constraint_key or ""
        return next((key for key in (name, f"{asset.key}/{name}".strip("/")) if key in self._assets), None)
