"""Sums of floats whose bytes depend only on the values: not on row order, threads or how often one runs them.

Polars adds floats per thread, so two runs of `group_by().sum()` may differ in the last bit; here the order is fixed.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import polars as pl

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def run_starts(*keys: npt.NDArray[np.generic]) -> Ints:
    """Give the index of the first row of every run of rows with equal keys."""
    if len(keys[0]) == 0:
        return np.empty(0, np.int64)
    change = np.zeros(len(keys[0]), np.bool_)
    change[0] = True
    for key in keys:
        change[1:] |= key[1:] != key[:-1]
    return np.flatnonzero(change)


def run_sums(values: Floats, starts: Ints) -> Floats:
    """Sum each run of rows in the order in which they stand."""
    return np.add.reduceat(values, starts) if len(starts) else np.empty(0, np.float64)


def ordered_sum(frame: pl.DataFrame, keys: Sequence[str], amount: str) -> pl.DataFrame:
    """Sum a float column (no nulls) per key, each group from its smallest to its largest value; sorted by the keys."""
    rows = frame.select(*keys, amount).sort(*keys, amount)
    if rows.is_empty():
        return rows
    group = rows.select(pl.struct(keys).rle_id()).to_series().to_numpy()
    starts = run_starts(group)
    sums = run_sums(rows[amount].to_numpy(), starts)
    return rows[starts].select(*keys, pl.Series(amount, sums, pl.Float64))


def total(values: pl.Series) -> float:
    """Sum all values of a float column, from the smallest to the largest."""
    return float(np.add.reduce(values.drop_nulls().sort().to_numpy())) if len(values) else 0.0
