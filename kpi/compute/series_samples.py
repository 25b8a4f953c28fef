"""Readings of a series with specification limits as measured values, in the same sums as those of inspection records.

A reading counts while its unit produces, or always where the unit has no time model, between the limits in force for
the product made then. A run is what a shift made of a product and order; a subgroup is so many readings of a run, one
after the other. Sums are taken about the middle of the limits, in the order of time, so they are safe and always equal.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from kpi.compute.atoms import ROWS
from kpi.compute.samples import SIDES, place
from kpi.compute.signals import of_series, usable
from kpi.compute.spread import Pieces, at_instants
from kpi.sums import run_starts, run_sums
from model.registry import Site, SpecLimit
from model.vocabulary import SeriesKind, TimeClass

SUBGROUP = 5  # readings, where the limits do not say
_COUNTED = [TimeClass.PRODUCTION.value, ""]
_AROUND = ["production_day", "shift", "job", "product"]
_RUN = ["characteristic", "a", "production_day", "shift", "job", "product"]

Finding = dict[str, Any]


def series_samples(
    readings: pl.DataFrame, series: pl.DataFrame, site: Site, pieces: pl.DataFrame, index: Pieces
) -> tuple[pl.DataFrame, list[Finding]]:
    """Give the sums of the readings of series with limits (rows of atoms), and of which products there are no limits.

    Args:
        readings: in order.
        series: with the asset rank `a`.
        site: holds the limits of series.
        pieces: of time.
        index: of the pieces.
    """
    limits = _limits_of_series(site)
    gauges = series.filter(pl.col("kind").is_in([SeriesKind.GAUGE.value, SeriesKind.DELTA.value]))
    wanted = gauges.filter(pl.struct("asset", "name").map_elements(_known(limits), pl.Boolean)) if limits else None
    if wanted is None or wanted.is_empty():
        return _empty(), []
    rows = of_series(readings, wanted, ["a", "asset", "name"]).filter(usable()).rename({"ts": "t1"})
    rows = at_instants(rows, index)
    around = pieces.select(*_AROUND, "time_class")[rows["p"]]
    rows = pl.concat([rows, around], how="horizontal").filter(pl.col("time_class").is_in(_COUNTED))
    if rows.is_empty():
        return _empty(), []
    parts, findings = [], []
    for (asset, name), part in rows.partition_by(["asset", "name"], as_dict=True).items():
        placed, without = _placed(part, limits[asset, name])
        parts.append(placed)
        findings += [
            {"kind": "missing_spec_limit", "asset": asset, "characteristic": name, "product": product, "values": count}
            for product, count in without
        ]
    placed = pl.concat(parts).sort("characteristic", "a", "t1", "name")
    return _families(placed), sorted(
        findings, key=lambda each: (each["asset"], each["characteristic"], each["product"])
    )


def _limits_of_series(site: Site) -> dict[tuple[str, str], list[SpecLimit]]:
    found: dict[tuple[str, str], list[SpecLimit]] = defaultdict(list)
    for limit in site.spec_limits:
        if limit.series is not None:
            found[limit.asset or "", limit.series].append(limit)
    return found


def _known(limits: dict[tuple[str, str], list[SpecLimit]]) -> Any:
    return lambda row: (row["asset"], row["name"]) in limits


def _placed(rows: pl.DataFrame, limits: Sequence[SpecLimit]) -> tuple[pl.DataFrame, list[tuple[str, int]]]:
    """Put each reading between the limits of its product and instant: those of the product before those of any."""
    ts, product = rows["t1"].to_numpy(), rows["product"].to_numpy()
    order = sorted(limits, key=lambda each: (each.product is not None, each.valid_from_us, str(each)))
    chosen = np.full(len(rows), -1)
    for number, limit in enumerate(order):
        fits = (ts >= limit.valid_from_us) & (limit.valid_to_us is None or ts < limit.valid_to_us)
        chosen[fits if limit.product is None else fits & (product == limit.product)] = number
    terms = [place(limit.lower, limit.upper) for limit in order]
    table = pl.DataFrame(
        {
            "_limit": range(len(order)),
            "characteristic": [limit.characteristic for limit in order],
            "size": [limit.subgroup_size or SUBGROUP for limit in order],
            "middle": [middle for _, middle, _ in terms],
            "scale": [scale for _, _, scale in terms],
            **{f"is_{side}": [float(each == side) for each, _, _ in terms] for side in SIDES},
        },
        schema_overrides={"_limit": pl.Int64, "size": pl.Int64, "middle": pl.Float64, "scale": pl.Float64},
    )
    rows = rows.with_columns(pl.Series("_limit", chosen, pl.Int64))
    without = rows.filter(pl.col("_limit") < 0).group_by("product").len().sort("product").rows()
    found = rows.join(table, on="_limit", maintain_order="left")
    value = ((pl.col("value") - pl.col("middle")) / pl.col("scale")).alias("value")
    return found.with_columns(value).drop("middle", "scale", "_limit"), without


def _families(placed: pl.DataFrame) -> pl.DataFrame:
    number = pl.int_range(pl.len()).over(_RUN)
    grouped = placed.with_columns((number // pl.col("size")).alias("_group"))
    full = pl.len().over(*_RUN, "_group") == pl.col("size")
    return pl.concat(
        [
            _sums(placed, "sample", ["characteristic", "p"]),
            _sums(placed, "run", _RUN),
            _sums(grouped.filter(full), "subgroup", [*_RUN, "_group"]),
        ]
    )


def _sums(placed: pl.DataFrame, family: str, keys: list[str]) -> pl.DataFrame:
    """Sums of groups of readings: about the middle of the limits, or within the group, which is where it closes."""
    if placed.is_empty():
        return _empty()
    rows = placed.sort(keys, maintain_order=True)
    starts = run_starts(rows.select(pl.struct(keys).rle_id()).to_series().to_numpy())
    values, ends = rows["value"].to_numpy(), np.append(starts[1:], len(rows))
    n, total = (ends - starts).astype(np.float64), run_sums(values, starts)
    within = family != "sample"
    same = np.maximum.reduceat(values, starts) == np.minimum.reduceat(values, starts)
    mean = np.where(same, values[starts], total / n) if within else np.zeros(len(starts))
    squares = run_sums((values - np.repeat(mean, ends - starts)) ** 2, starts)
    sums = {"n": n, "sum": total, "squares": squares, "df": n - 1 if within else np.zeros_like(n)}
    sums |= {side: run_sums(rows[f"is_{side}"].to_numpy(), starts) for side in SIDES}
    closing = rows.select("p", "product", "job", "characteristic")[(ends - 1).tolist()]
    wide = closing.with_columns(pl.Series(f"{family}_{name}", each) for name, each in sums.items())
    wide = wide.filter(pl.col(f"{family}_n") >= 2) if within else wide
    long = wide.unpivot(index=["p", "product", "job", "characteristic"], variable_name="quantity", value_name="amount")
    return long.filter(pl.col("amount") != 0).rename({"characteristic": "qualifier"}).select(*ROWS, "product", "job")


def _empty() -> pl.DataFrame:
    return pl.DataFrame(schema={**ROWS, "product": pl.String, "job": pl.String})
