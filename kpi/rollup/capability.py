"""Sums of measured values → wide rows of each characteristic, for the windows and scopes that the job builds. Pure."""

import polars as pl

from kpi.compute.samples import QUANTITIES
from kpi.rollup import base, windows
from model.vocabulary import Grain

_MARK = "\x1f"  # between scope and characteristic


def characteristic_rows(
    atoms: pl.DataFrame, sources: pl.DataFrame, wide: pl.DataFrame, grains: frozenset[Grain]
) -> pl.DataFrame:
    """Give the wide rows once more for each characteristic measured in them, with its sums and its name.

    Args:
        atoms: all atoms of the windows (frames.ATOMS).
        sources: which assets contribute to which scope (scopes.SOURCES).
        wide: wide rows of the same windows, which hold everything but these sums.
        grains: of the wide rows; an hour is looked at, not judged, and has none.
    """
    measured = atoms.filter(pl.col("quantity").is_in(QUANTITIES))
    nothing = wide.clear().with_columns(characteristic=pl.lit(""), **{name: pl.lit(0.0) for name in QUANTITIES})
    if measured.is_empty():
        return nothing
    pieces = _pieces(measured, sources)
    parts = []
    for grain in sorted(grains - {Grain.HOUR}):
        sums = windows.sums_of_grain(pieces, grain, QUANTITIES)
        scope = pl.col("scope").str.split_exact(_MARK, 1).struct.rename_fields(["scope", "characteristic"])
        sums = sums.with_columns(scope.alias("_")).drop("scope").unnest("_")
        keys = ["scope", "job"] if grain is Grain.JOB else ["scope", "production_day", "shift", "job", "product"]
        own = sums.select(*keys, "characteristic", *QUANTITIES)
        parts.append(wide.filter(pl.col("grain") == grain.value).join(own, on=keys))
    return pl.concat(parts) if parts else nothing


def _pieces(measured: pl.DataFrame, sources: pl.DataFrame) -> pl.DataFrame:
    columns = (
        pl.when(pl.col("quantity") == name).then(pl.col("amount")).otherwise(0.0).alias(name) for name in QUANTITIES
    )
    rows = measured.sort(measured.columns).with_columns(columns)
    sums = base.grouped(rows.sort(*base.KEYS, "qualifier", maintain_order=True), (*base.KEYS, "qualifier"), QUANTITIES)
    of_scope = sums.join(sources.filter("of_records").select("asset", "scope"), on="asset")
    return of_scope.with_columns(pl.concat_str("scope", pl.lit(_MARK), "qualifier").alias("scope"))
