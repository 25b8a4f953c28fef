"""Derived data in the database: pieces replaced per site-day, KPI values revised with their history kept.

Everything works in the caller's transaction. Frames have the columns of kpi.frames and kpi.rollup.rolling; assets by
key.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from store.copying import append, copy_in, copy_out, utc
from store.pool import Connection
from store.queries import load

_SQL = load("derived")
_TEXTS = (
    "shift",
    "job",
    "product",
    "tariff_period",
    "quantity",
    "qualifier",
    "time_class",
    "sub_class",
    "reason",
    "origin",
)
_ATOMS = pl.Schema(
    {
        "asset": pl.String(),
        "production_day": pl.Date(),
        "hour_us": pl.Int64(),
        **dict.fromkeys(_TEXTS, pl.String()),
        "duration_us": pl.Int64(),
        "amount": pl.Float64(),
    }
)
_INTERVAL_SERIES = pl.Schema(
    {
        "asset": pl.String,
        "quantity": pl.String,
        "production_day": pl.Date,
        "from_us": pl.Int64,
        "interval_us": pl.Int64,
        "value": pl.Float64,
    }
)


@dataclass(frozen=True)
class Place:
    """A site of this database and the ids of its assets."""

    site_id: int
    assets: Mapping[str, int]


@dataclass(frozen=True)
class Days:
    """Production days from first to last, both included."""

    first: date
    last: date


def stored_atoms(connection: Connection, site_id: int, days: Days, assets: Sequence[str] | None = None) -> pl.DataFrame:
    """Atoms of a range of days, of some assets or of all."""
    return copy_out(connection, _SQL["stored_atoms"], {**_between(site_id, days), "assets": assets}, _ATOMS)


def stored_contents(connection: Connection, site_id: int, days: Days) -> pl.DataFrame:
    """Which quantities of which origin each asset has atoms of, by day: atoms without anything else."""
    return copy_out(connection, _SQL["stored_contents"], _between(site_id, days), _ATOMS)


def stored_job_atoms(connection: Connection, site_id: int, jobs: Iterable[str], since: date) -> pl.DataFrame:
    """Atoms of whole jobs, none older than a day."""
    parameters = {"site_id": site_id, "jobs": sorted(jobs), "from_day": since}
    return copy_out(connection, _SQL["stored_job_atoms"], parameters, _ATOMS)


def stored_jobs(connection: Connection, site_id: int, days: Days) -> list[str]:
    """Jobs that anything was done for on the days, both ends included."""
    return [row[0] for row in connection.execute(_SQL["stored_jobs"], _between(site_id, days)).fetchall()]


def stored_interval_series(
    connection: Connection, site_id: int, days: Days, assets: Sequence[str] | None = None
) -> pl.DataFrame:
    """Demand intervals of a range of days, of some assets or of all."""
    parameters = {**_between(site_id, days), "assets": assets}
    return copy_out(connection, _SQL["stored_interval_series"], parameters, _INTERVAL_SERIES)


def day_digests(connection: Connection, site_id: int, days: Days) -> dict[date, str]:
    """Digests of the inputs of computed days."""
    return dict(connection.execute(_SQL["day_digests"], _between(site_id, days)).fetchall())


def carry(connection: Connection, site_id: int, day: date) -> dict[str, tuple[dict[str, Any], str]]:
    """What a production day hands to the next one: payload and digest per asset."""
    rows = connection.execute(_SQL["carry"], {"site_id": site_id, "day": day}).fetchall()
    return {asset: (payload, digest) for asset, payload, digest in rows}


def replace_atoms(connection: Connection, place: Place, atoms: pl.DataFrame, days: list[date]) -> None:
    """Write the atoms of days anew; their revision rises where the day had been final."""
    parameters = {"site_id": place.site_id, "days": days}
    rows = connection.execute(_SQL["atom_revisions"], parameters).fetchall()
    revisions = pl.DataFrame(
        [(day, revision + int(final)) for day, revision, final in rows],
        schema=pl.Schema({"production_day": pl.Date, "revision": pl.Int32}),
        orient="row",
    )
    connection.execute(_SQL["delete_atoms"], parameters)
    new = atoms.filter(pl.col("production_day").is_in(days)).join(revisions, on="production_day", how="left")
    frame = new.with_columns(utc("hour_us").alias("hour"), pl.col("revision").fill_null(1))
    append(connection, "atom", _placed(frame.drop("hour_us"), place))


def replace_interval_series(connection: Connection, place: Place, frame: pl.DataFrame, days: list[date]) -> None:
    """Write the demand intervals of days anew."""
    connection.execute(_SQL["delete_interval_series"], {"site_id": place.site_id, "days": days})
    rows = frame.filter(pl.col("production_day").is_in(days)).with_columns(utc("from_us").alias("from_ts"))
    append(connection, "interval_series", _placed(rows.drop("from_us"), place))


def replace_intervals(connection: Connection, place: Place, frame: pl.DataFrame, days: list[date]) -> None:
    """Write the state intervals of days anew."""
    connection.execute(_SQL["delete_state_intervals"], {"site_id": place.site_id, "days": days})
    rows = frame.with_columns(utc("from_us").alias("from_ts"), utc("to_us").alias("to_ts"))
    append(connection, "state_interval", _placed(rows.drop("from_us", "to_us"), place))


def replace_carry(connection: Connection, place: Place, frame: pl.DataFrame, days: list[date]) -> None:
    """Write what days hand to the next one."""
    connection.execute(_SQL["delete_carry"], {"site_id": place.site_id, "days": days})
    append(connection, "carry_state", _placed(frame.filter(pl.col("production_day").is_in(days)), place))


def write_values(
    connection: Connection, place: Place, values: pl.DataFrame, owned: pl.DataFrame, config_digest: str
) -> tuple[int, int]:
    """Store KPI values: provisional ones in place, differing final ones as a new revision with its causes.

    Args:
        connection: in the transaction of the caller.
        place: site and asset ids.
        values: rows of kpi.rollup.rolling.VALUES.
        owned: windows that were built (grain, production_day, job, cause): a stored value of these that is not among
            the new ones is withdrawn.
        config_digest: digest of the registry in force.

    Returns:
        Number of new or replaced rows and of revisions of final ones; zero when nothing differs.
    """
    days = owned["production_day"].unique().sort().to_list()
    parameters = {"site_id": place.site_id, "days": days, "config_digest": config_digest}
    connection.execute(_SQL["drop_temporary_values"])
    connection.execute(_SQL["temporary_values"])
    rows = values.with_columns(utc("window_start"), utc("window_end"), pl.lit(config_digest).alias("config_digest"))
    copy_in(connection, "new_value", _with_ids(rows, place))
    copy_in(connection, "owned_window", owned)
    for name in ("analyze_values", "join_by_hash", "keep_final", "compare_values", "find_withdrawn", "join_freely"):
        connection.execute(_SQL[name], parameters if "%(" in _SQL[name] else None)
    for name in ("supersede_values", "delete_provisional", "insert_values", "insert_withdrawn"):
        connection.execute(_SQL[name], parameters if "%(" in _SQL[name] else None)
    counts = connection.execute(_SQL["count_changes"]).fetchone()
    return (counts[0], counts[1]) if counts else (0, 0)


def write_digests(connection: Connection, site_id: int, digests: pl.DataFrame) -> None:
    """Store the digests of closed days' rows; one that differs from an earlier one supersedes it."""
    connection.execute(_SQL["drop_temporary_digests"])
    connection.execute(_SQL["temporary_digests"])
    copy_in(
        connection,
        "new_digest",
        digests.with_columns(utc("from_us").alias("from_ts"), utc("to_us").alias("to_ts")).drop("from_us", "to_us"),
    )
    connection.execute(_SQL["supersede_digests"])
    connection.execute(_SQL["insert_digests"], {"site_id": site_id})


def keep_config(connection: Connection, site_id: int, digest: str, json: str) -> None:
    """Store the registry in force under its digest."""
    connection.execute(_SQL["insert_config_snapshot"], {"digest": digest, "site_id": site_id, "json": json})


def _between(site_id: int, days: Days) -> dict[str, Any]:
    return {"site_id": site_id, "from_day": days.first, "to_day": days.last}


def _with_ids(frame: pl.DataFrame, place: Place) -> pl.DataFrame:
    ids = pl.DataFrame(
        {"asset": list(place.assets), "asset_id": list(place.assets.values())},
        schema=pl.Schema({"asset": pl.String, "asset_id": pl.Int32}),
    )
    return frame.join(ids, on="asset", how="inner").drop("asset")


def _placed(frame: pl.DataFrame, place: Place) -> pl.DataFrame:
    return _with_ids(frame, place).with_columns(pl.lit(place.site_id, pl.Int32).alias("site_id"))
