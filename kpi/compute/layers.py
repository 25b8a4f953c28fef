"""Step functions: frames with asset rank `a`, instant `ts` and values, each row holding until the next of its asset.

Everything that is known about time (state, shift, job, ...) comes as such a layer; pieces are cut where any of them
steps, and a layer is attached to the pieces by an as-of join.
"""

from collections.abc import Iterable

import polars as pl


def attach(pieces: pl.DataFrame, layer: pl.DataFrame) -> pl.DataFrame:
    """Give each piece (a, from_us; sorted) the values that its asset's layer (a, ts, ...; sorted) has at its start."""
    return pieces.join_asof(
        layer.rename({"ts": "_ts"}), left_on="from_us", right_on="_ts", by="a", coalesce=False, check_sortedness=False
    ).drop("_ts")


def cut(layers: Iterable[pl.DataFrame], bounds: pl.DataFrame) -> pl.DataFrame:
    """Cut each asset's range (a, lo, hi) at all steps of all layers: pieces (a, from_us, to_us), sorted."""
    starts = bounds.select("a", pl.col("lo").alias("ts"))
    cuts = pl.concat([starts, *(layer.select(pl.col("a").cast(pl.Int32), "ts") for layer in layers)])
    return (
        cuts.join(bounds, on="a")
        .filter(pl.col("ts") >= pl.col("lo"), pl.col("ts") < pl.col("hi"))
        .unique(["a", "ts"])
        .sort("a", "ts")
        .select(
            "a", pl.col("ts").alias("from_us"), pl.col("ts").shift(-1).over("a").fill_null(pl.col("hi")).alias("to_us")
        )
    )


def steps(spans: pl.DataFrame, columns: list[str]) -> pl.DataFrame:
    """Turn spans (a, from_us, to_us, ...) that do not overlap into a layer that is null between them."""
    begin = spans.select("a", pl.col("from_us").alias("ts"), *columns, pl.lit(1, pl.Int8).alias("_open"))
    end = spans.select(
        "a",
        pl.col("to_us").alias("ts"),
        *(pl.lit(None, spans.schema[c]).alias(c) for c in columns),
        pl.lit(0, pl.Int8).alias("_open"),
    )
    return (
        pl.concat([begin, end])
        .sort("a", "ts", "_open")
        .unique(["a", "ts"], keep="last", maintain_order=True)
        .drop("_open")
    )


def newest(spans: pl.DataFrame, columns: list[str], by: list[str]) -> pl.DataFrame:
    """Turn spans that may overlap into a layer on which the greatest one by the given order lies on top."""
    cuts = pl.concat([spans.select("a", pl.col(c).alias("ts")) for c in ("from_us", "to_us")]).unique().sort("a", "ts")
    covering = cuts.join(spans, on="a").filter(pl.col("from_us") <= pl.col("ts"), pl.col("ts") < pl.col("to_us"))
    top = covering.sort("a", "ts", *by).unique(["a", "ts"], keep="last", maintain_order=True)
    return cuts.join(top.select("a", "ts", *columns), on=["a", "ts"], how="left", maintain_order="left")


def run_id(*columns: str) -> pl.Expr:
    """Number the runs of neighbouring rows that agree in the columns."""
    return pl.struct(*columns).rle_id()
