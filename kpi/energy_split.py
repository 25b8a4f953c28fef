"""Where the energy of a scope went: by time class and reason, and which meter said how much of it. Pure.

In: the atoms of one window and the scope's meters (rows of `Scopes.sources`). Out: rows whose kWh add up to the
energy of the scope.
"""

import polars as pl

_CLASS = ["time_class", "sub_class", "reason"]


def energy_by_reason(atoms: pl.DataFrame, meters: pl.DataFrame) -> pl.DataFrame:
    """Sum the energy per time class, sub-class and reason (kWh); class '' is energy of which nobody knows what was
    done meanwhile.
    """
    found = _energy(atoms, meters).filter(pl.col("energy_share") > 0)
    sums = found.group_by(_CLASS).agg((pl.col("amount") * pl.col("energy_share")).sum().alias("kwh"))
    return sums.sort(["kwh", *_CLASS], descending=[True, False, False, False])


def meters_of(atoms: pl.DataFrame, meters: pl.DataFrame) -> pl.DataFrame:
    """List the meters of a scope: what each measured (kWh), its share in the scope's energy, in that of its main meters
    and as a sub-meter.
    """
    measured = _energy(atoms, meters).group_by("asset").agg(pl.col("amount").sum().alias("kwh"))
    shares = ["energy_share", "main_share", "submeter_share"]
    listed = meters.filter(pl.any_horizontal(pl.col(name) > 0 for name in shares)).select("asset", *shares)
    return listed.join(measured, on="asset", how="left").with_columns(pl.col("kwh").fill_null(0.0)).sort("asset")


def _energy(atoms: pl.DataFrame, meters: pl.DataFrame) -> pl.DataFrame:
    of_energy = atoms.filter(pl.col("quantity") == "energy").sort(atoms.columns)
    shares = meters.select("asset", "energy_share")
    return of_energy.join(shares, on="asset", maintain_order="left")
