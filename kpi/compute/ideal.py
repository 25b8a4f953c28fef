"""Ideal cycles: which routing holds for an asset, a product and a tool at an instant."""

from dataclasses import dataclass
from functools import cached_property

import polars as pl

from kpi.compute.plan import Plan
from model.calendar import chain
from model.registry import Routing, Site


@dataclass(frozen=True)
class Routings:
    """The routings of a site; the one that names most of asset, product and tool wins, then the newest."""

    site: Site

    @cached_property
    def _chains(self) -> dict[str, tuple[str | None, ...]]:
        return {each.key: chain(self.site, each.key) for each in self.site.assets}

    @cached_property
    def borders(self) -> list[int]:
        """Instants at which some routing begins or ends, in order."""
        borders = (border for each in self.site.routings for border in (each.valid_from_us, each.valid_to_us))
        return sorted({border for border in borders if border})

    def find(self, asset: str, product: str, tool: str, at_us: int) -> Routing | None:
        """Find the routing in force, or none."""
        fits = (each for each in self.site.routings if self._fits(each, asset, product, tool, at_us))
        return max(fits, key=lambda each: self._rank(each, asset), default=None)

    def eras(self, plan: Plan) -> pl.DataFrame:
        """Give a layer (a, ts, era_us) that steps wherever a routing begins or ends."""
        borders = pl.DataFrame({"ts": self.borders}, {"ts": pl.Int64})
        return plan.assets.select("a").join(borders, how="cross").sort("a", "ts").with_columns(era_us="ts")

    def _fits(self, each: Routing, asset: str, product: str, tool: str, at_us: int) -> bool:
        named = each.asset is None or each.asset in self._chains.get(asset, ())
        same = each.product in (None, product) and each.tool in ("", tool)
        return named and same and each.valid_from_us <= at_us and (each.valid_to_us is None or at_us < each.valid_to_us)

    def _rank(self, each: Routing, asset: str) -> tuple[int, bool, bool, int, int, int]:
        near = -self._chains[asset].index(each.asset)
        tool, product = each.tool != "", each.product is not None
        named = tool + product + (each.asset is not None)
        return named, tool, product, near, each.valid_from_us, each.ideal_cycle_us
