"""Where the energy of a scope went: by time class and reason, and which meter said how much of it. Pure.

In: the atoms of one window and the scope's meters, stretch of days by stretch of days where what measures what changed
within the window. Out: rows whose kWh add up to the energy of the scope.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

_CLASS = ["time_class", "sub_class", "reason"]
_SHARES = ["energy_share", "main_share", "submeter_share"]
_day = pl.col("production_day")


@dataclass(frozen=True)
class Held:
    """The meters of a scope (rows of `Scopes.sources`) on the production days from first to last, both included."""

    meters: pl.DataFrame
    first: date = date.min
    last: date = date.max


def energy_by_reason(atoms: pl.DataFrame, held: Sequence[Held]) -> pl.DataFrame:
    """Sum the energy per time class, sub-class and reason (kWh); class '' is energy of which nobody knows what was
    done meanwhile.
    """
    found = pl.concat([_energy(atoms, each) for each in held]).filter(pl.col("energy_share") > 0)
    sums = found.group_by(_CLASS).agg((pl.col("amount") * pl.col("energy_share")).sum().alias("kwh"))
    return sums.sort(["kwh", *_CLASS], descending=[True, False, False, False])


def meters_of(atoms: pl.DataFrame, held: Sequence[Held]) -> pl.DataFrame:
    """List the meters of a scope: from which to which day of the window what each measured (kWh), its share in the
    scope's energy, in that of its main meters and as a sub-meter. kWh times energy_share add up to the energy.
    """
    days = atoms.select(first=_day.min(), last=_day.max()).row(0)
    parts = [_measured(atoms, each, *days) for each in held if _touches(each, *days)]
    rows = pl.concat(parts).sort("asset", "from_day")
    same = pl.struct("asset", *_SHARES).rle_id().alias("_run")
    joined = rows.with_columns(same).group_by("_run", maintain_order=True)
    found = joined.agg(
        pl.col("asset").first(), pl.col("from_day").min(), pl.col("to_day").max(), pl.col("kwh").sum(),
        *(pl.col(name).first() for name in _SHARES),
    )  # fmt: skip
    return found.drop("_run")


def _touches(held: Held, first: date | None, last: date | None) -> bool:
    return first is None or last is None or (held.first <= last and held.last >= first)


def _measured(atoms: pl.DataFrame, held: Held, first: date | None, last: date | None) -> pl.DataFrame:
    measured = _energy(atoms, held).group_by("asset").agg(pl.col("amount").sum().alias("kwh"))
    listed = held.meters.filter(pl.any_horizontal(pl.col(name) > 0 for name in _SHARES)).select("asset", *_SHARES)
    begin, end = (max(held.first, first), min(held.last, last)) if first and last else (None, None)
    days = (pl.lit(begin, pl.Date).alias("from_day"), pl.lit(end, pl.Date).alias("to_day"))
    rows = listed.join(measured, on="asset", how="left").with_columns(pl.col("kwh").fill_null(0.0), *days)
    return rows.select("asset", "from_day", "to_day", "kwh", *_SHARES)


def _energy(atoms: pl.DataFrame, held: Held) -> pl.DataFrame:
    within = _day.is_between(held.first, held.last)
    of_energy = atoms.filter(within, pl.col("quantity") == "energy").sort(atoms.columns)
    shares = held.meters.select("asset", "energy_share")
    return of_energy.join(shares, on="asset", maintain_order="left")
