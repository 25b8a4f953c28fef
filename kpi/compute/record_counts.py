"""What production records count, spread over the pieces of their slots: whole pieces only, by the open time."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from kpi.compute.atoms import ROWS
from kpi.compute.counts import Counts
from kpi.compute.layers import attach
from kpi.compute.records import Run
from kpi.compute.spread import Pieces
from kpi.sums import Ints


@dataclass(frozen=True)
class Slots:
    """Where records are spread to."""

    open_time: pl.DataFrame  # kpi.compute.plan.open_layer
    pieces: pl.DataFrame
    index: Pieces
    rank: dict[str, int]


def record_rows(runs: list[Run], counted: set[str], slots: Slots) -> Counts:
    """Spread what each record counts over its part of the slot, but not where counters count (`counted`)."""
    table = _run_table(runs, slots.rank).filter(~pl.col("asset").is_in(sorted(counted)))
    shares = _shares(table, slots)
    spread = _amounts(runs).join(shares, on="run").with_columns((_counted("end") - _counted("begin")).alias("amount"))
    kept = spread.filter((pl.col("amount") != 0) | (pl.col("is_first") & pl.col("quantity").is_in(["good", "cycles"])))
    given = table.select("run", "product", "job", "good_s", "total_s", "per")
    rows = kept.join(given, on="run", maintain_order="left")
    parts = [_with_orders(rows, slots.pieces), _ideal_of_records(rows, slots.pieces)]
    return Counts(pl.concat(parts), _missing(runs))


def _run_table(runs: list[Run], rank: dict[str, int]) -> pl.DataFrame:
    rows = []
    for number, run in enumerate(runs):
        whole = None if run.cycle_us is None else run.activity * run.cycle_us / 1e6
        per = "pieces" if run.cycles is None else "cycles"
        good_s = None if whole is None or not run.total else whole / run.total
        total_s = None if run.cycle_us is None else run.cycle_us / 1e6
        # a run with time of its own has given its product and job to its pieces, where a correction may lie on top
        named = (run.product or None, run.job or None) if run.s0 == run.s1 else (None, None)
        rows.append((number, run.asset, rank[run.asset], run.from_us, run.s0, run.s1, *named, good_s, total_s, per))
    schema = pl.Schema(
        {
            "run": pl.Int64,
            "asset": pl.String,
            "a": pl.Int32,
            "from_us": pl.Int64,
            "s0": pl.Int64,
            "s1": pl.Int64,
            "product": pl.String,
            "job": pl.String,
            "good_s": pl.Float64,
            "total_s": pl.Float64,
            "per": pl.String,
        }
    )
    return pl.DataFrame(rows, schema, orient="row")


def _amounts(runs: list[Run]) -> pl.DataFrame:
    rows: list[tuple[int, str, str, float]] = []
    for number, run in enumerate(runs):
        rows.append((number, "good", "", run.good))
        rows += [(number, "cycles", "", run.cycles)] if run.cycles is not None else []
        rows += [(number, "reject", kind, count) for kind, count in sorted(run.rejects.items())]
    schema = pl.Schema({"run": pl.Int64, "quantity": pl.String, "qualifier": pl.String, "stated": pl.Float64})
    return pl.DataFrame(rows, schema, orient="row")


def _shares(table: pl.DataFrame, slots: Slots) -> pl.DataFrame:
    """Say for each run and piece how much of the run's working time (`whole`, µs) was over at the piece's ends."""
    timed = table.filter(pl.col("s0") < pl.col("s1")).select("run", "s0", "s1")
    numbered = (
        slots.pieces.select("a", "run", "from_us", "to_us").with_row_index("p").with_columns(pl.col("p").cast(pl.Int64))
    )
    parts = numbered.drop_nulls("run").join(timed, on="run", maintain_order="left")
    worked = {name: _open_time(slots.open_time, parts, name) for name in ("from_us", "to_us", "s0", "s1")}
    parts = parts.with_columns(pl.Series(f"w_{name}", values) for name, values in worked.items())
    closed = pl.col("w_s0") == pl.col("w_s1")  # the calendar is shut for the whole slot: by the wall clock

    def since_start(name: str) -> pl.Expr:
        return pl.when(closed).then(pl.col(name) - pl.col("s0")).otherwise(pl.col(f"w_{name}") - pl.col("w_s0"))

    shares = parts.select(
        "run", "p", since_start("from_us").alias("begin"), since_start("to_us").alias("end"),
        since_start("s1").alias("whole"), (pl.col("from_us") == pl.col("s0")).alias("is_first"),
    )  # fmt: skip
    return pl.concat([shares, _instant_runs(table, slots.index)])


def _instant_runs(table: pl.DataFrame, index: Pieces) -> pl.DataFrame:
    """Runs without time of their own are booked at the piece that ends with the time before them, which is of their
    slot and so of its day; those that begin their slot, at the piece that begins it.
    """
    begins = pl.col("s0") == pl.col("from_us")
    at = table.filter(pl.col("s0") == pl.col("s1"))
    found = pl.concat([_booked(at.filter(begins), index.beginning, index, 0),
                       _booked(at.filter(~begins), index.ending, index, 1)])  # fmt: skip
    return found.sort("run").select(
        "run", "p", *(pl.lit(n, pl.Int64).alias(name) for name, n in (("begin", 0), ("end", 1), ("whole", 1))),
        pl.lit(value=True).alias("is_first"),
    )  # fmt: skip


def _booked(at: pl.DataFrame, find: Callable[[Ints, Ints], Ints], index: Pieces, after: int) -> pl.DataFrame:
    """Name the piece `p` of runs at instants from so long (µs) after the first border, and as long after the last."""
    a, instant = at["a"].to_numpy().astype(np.int64), at["s0"].to_numpy()
    low, high = index.reach(a)
    inside = (instant >= low + after) & (instant < high + after)
    return at.filter(inside).with_columns(pl.Series("p", find(a[inside], instant[inside]), pl.Int64))


def _open_time(plan_open: pl.DataFrame, parts: pl.DataFrame, column: str) -> pl.Series:
    """Give the open time (µs) of the calendar before each instant, counted from the first step of its asset."""
    at = parts.select("a", pl.col(column).alias("from_us")).with_row_index("_row").sort("a", "from_us")
    found = attach(at, plan_open.with_columns(pl.col("ts").alias("step_us"))).sort("_row")
    passed = pl.when("is_open").then(pl.col("from_us") - pl.col("step_us")).otherwise(0)
    return found.select(pl.col("opened_us") + passed).to_series()


def _counted(done: str) -> pl.Expr:
    """A running count after some of the working time: whole pieces where a whole number of pieces is stated."""
    whole, done_us = pl.col("whole").cast(pl.Int128), pl.col(done).cast(pl.Int128)
    rounded = (pl.col("stated").cast(pl.Int128) * done_us * 2 + whole) // (whole * 2)
    exact = (
        pl.when(pl.col(done) == pl.col("whole"))
        .then("stated")
        .otherwise(pl.col("stated") * pl.col(done) / pl.col("whole"))
    )
    return pl.when(pl.col("stated") == pl.col("stated").round()).then(rounded.cast(pl.Float64)).otherwise(exact)


def _with_orders(rows: pl.DataFrame, pieces: pl.DataFrame) -> pl.DataFrame:
    held = pieces.select(pl.col("product").alias("_product"), pl.col("job").alias("_job"))[rows["p"]]
    return pl.concat([rows, held], how="horizontal").select(
        *ROWS, pl.coalesce("product", "_product").alias("product"), pl.coalesce("job", "_job").alias("job")
    )


def _ideal_of_records(rows: pl.DataFrame, pieces: pl.DataFrame) -> pl.DataFrame:
    made = rows.filter(pl.col("quantity").is_in(["good", "reject"]))
    work = rows.filter(
        ((pl.col("per") == "cycles") & (pl.col("quantity") == "cycles"))
        | ((pl.col("per") == "pieces") & pl.col("quantity").is_in(["good", "reject"]))
    )
    good = made.filter((pl.col("quantity") == "good") & pl.col("good_s").is_not_null())
    parts = [
        work.drop_nulls("total_s").with_columns(
            pl.lit("ideal_time_total").alias("quantity"), amount=pl.col("amount") * pl.col("total_s")
        ),
        good.with_columns(pl.lit("ideal_time_good").alias("quantity"), amount=pl.col("amount") * pl.col("good_s")),
        made.filter(pl.col("total_s").is_null()).with_columns(pl.lit("no_ideal").alias("quantity")),
    ]
    ideal = pl.concat(parts).with_columns(pl.lit("").alias("qualifier")).filter(pl.col("amount") != 0)
    return _with_orders(ideal, pieces)


def _missing(runs: list[Run]) -> list[dict[str, Any]]:
    missing: dict[tuple[str, str, str], float] = {}
    for run in runs:
        if run.cycle_us is None and run.activity > 0:
            key = (run.asset, run.product, run.tool)
            missing[key] = missing.get(key, 0.0) + run.total
    return [
        {"kind": "missing_ideal_cycle", "asset": asset, "product": product, "tool": tool, "pieces": pieces}
        for (asset, product, tool), pieces in sorted(missing.items())
    ]
