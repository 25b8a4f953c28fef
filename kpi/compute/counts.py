"""Pieces made: good and reject per piece of time from counters, and the ideal time they stand for."""

from dataclasses import dataclass, field
from typing import Any

import polars as pl

from kpi.compute.atoms import ROWS
from kpi.compute.ideal import Routings
from kpi.compute.signals import among
from kpi.compute.spread import Pieces, at_instants
from kpi.sums import ordered_sum, total

COUNTERS = ["good_count", "reject_count", "total_count", "cycle_count"]
_ROLES = pl.Schema({"a": pl.Int32, "source": pl.String, "quantity": pl.String, "sign": pl.Float64})
_UNITS = {"good": "good_count", "reject": "reject_count", "total": "total_count"}


@dataclass(frozen=True)
class Counts:
    """Rows (p, quantity, qualifier, amount[, product, job]) and what is odd about them."""

    rows: pl.DataFrame
    findings: list[dict[str, Any]] = field(default_factory=list)


def roles(series: pl.DataFrame) -> pl.DataFrame:
    """Say which counters of an asset make its good and its rejects; one that is missing is the total less the other."""
    rows: list[tuple[int, str, str, float]] = []
    for a, present in series.group_by("a").agg(pl.col("quantity").unique()).sort("a").iter_rows():
        has = {name: unit in present for name, unit in _UNITS.items()}
        for name, other in (("good", "reject"), ("reject", "good")):
            if has[name]:
                rows.append((a, _UNITS[name], name, 1.0))
            elif has["total"] and (has[other] or name == "good"):
                rows.append((a, _UNITS["total"], name, 1.0))
                rows += [(a, _UNITS[other], name, -1.0)] if has[other] else []
        rows += [(a, "cycle_count", "cycles", 1.0)] if "cycle_count" in present else []
    return pl.DataFrame(rows, _ROLES, orient="row")


def counter_rows(made: pl.DataFrame, series: pl.DataFrame, index: Pieces) -> pl.DataFrame:
    """Sum increments per piece of time, named as atoms are."""
    inside = at_instants(among(made, series).filter(pl.col("amount") != 0), index)
    sums = ordered_sum(inside, ["series_id", "p", "kind"], "amount")
    sums = sums.join(series.select("series_id", "a", "qualifier", pl.col("quantity").alias("source")), on="series_id")
    named = sums.join(roles(series), on=["a", "source"], maintain_order="left")
    pieces = pl.col("quantity") != "cycles"
    qualifier = (
        pl.when((pl.col("quantity") == "reject") & (pl.col("source") == "reject_count"))
        .then("qualifier")
        .otherwise(pl.lit(""))
    )
    counted = named.filter((pl.col("kind") == "counted") | (~pieces & (pl.col("kind") == "gap"))).select(
        "p", "quantity", qualifier.alias("qualifier"), (pl.col("amount") * pl.col("sign")).alias("amount")
    )
    apart = named.filter(pieces & (pl.col("kind") == "gap")).select(
        "p",
        pl.lit("unattributed").alias("quantity"),
        pl.col("quantity").alias("qualifier"),
        (pl.col("amount") * pl.col("sign")).alias("amount"),
    )
    left_out = sums.filter((pl.col("kind") == "anomaly") & (pl.col("source") != "cycle_count")).select(
        "p",
        pl.lit("anomaly").alias("quantity"),
        pl.col("source").str.strip_suffix("_count").alias("qualifier"),
        "amount",
    )
    return pl.concat([counted, apart, left_out]).select(ROWS.names())


def ideal_rows(rows: pl.DataFrame, pieces: pl.DataFrame, routings: Routings) -> Counts:
    """Say how long the pieces counted would have taken at the ideal cycle (s), or that nobody knows."""
    wanted = rows.filter(pl.col("quantity").is_in(["good", "reject"]))
    keys = ["asset", "product", "era_us"]
    at = pl.concat([wanted, pieces.select(keys)[wanted["p"]]], how="horizontal")
    known = at.select(keys).unique().sort(keys)
    found = [routings.find(asset, product, "", era) for asset, product, era in known.iter_rows()]
    seconds = [None if each is None else each.ideal_cycle_us / each.pieces_per_cycle / 1e6 for each in found]
    at = at.join(known.with_columns(pl.Series("each_s", seconds, pl.Float64)), on=keys, maintain_order="left")
    timed = at.drop_nulls("each_s").with_columns(pl.col("amount") * pl.col("each_s"))
    without = at.filter(pl.col("each_s").is_null())
    parts = [_named(timed, "ideal_time_total"), _named(timed.filter(pl.col("quantity") == "good"), "ideal_time_good")]
    findings = [
        {"kind": "missing_ideal_cycle", "asset": asset, "product": product, "tool": "", "pieces": total(each["amount"])}
        for (asset, product), each in sorted(without.group_by("asset", "product"), key=lambda group: group[0])
    ]
    return Counts(pl.concat([*parts, _named(without, "no_ideal")]), findings)


def _named(rows: pl.DataFrame, quantity: str) -> pl.DataFrame:
    return rows.select("p", pl.lit(quantity).alias("quantity"), pl.lit("").alias("qualifier"), "amount")
