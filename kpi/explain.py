"""Why a KPI value is what it is: its formula with the numbers, made again from the stored pieces of time and counts."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import msgspec
import polars as pl

from kpi.capability import characteristic_rows
from kpi.catalogue import CATALOGUE, Basis
from kpi.errors import KpiError
from kpi.evaluate import value_columns
from kpi.frames import ATOMS, INTERVAL_SERIES, conform, empty
from kpi.losses import Loss, losses
from kpi.rollup import RollupInputs, scopes_of, wide_rows
from kpi.windows import calendar_windows
from kpi.work import month_end
from model.registry import Site
from model.vocabulary import Grain
from store import derived
from store import explain as stored
from store.pool import Connection

LONGEST = 10
LOOK_BACK = timedelta(days=400)  # of a job's pieces
_TOLERANCE = 1e-9
Row = Mapping[str, Any]


class NotExplainableError(KpiError):
    """A value whose registry or pieces are not kept any more."""


@dataclass(frozen=True)
class Explanation:
    """Everything that stands behind one value; times in seconds, amounts in the unit of the base sum.

    `equal` is None where the value was superseded: the pieces are those of the newest computation.
    """

    kpi: str
    name_vi: str
    name_en: str
    formula: str
    unit: str
    definition_version: int
    value: Row
    inputs: dict[str, float]
    numerator: float | None
    denominator: float | None
    made_again: float | None
    equal: bool | None
    losses: tuple[Loss, ...]
    window_s: float
    longest: list[dict[str, Any]]
    raw_rows: int
    raw_digests: list[dict[str, Any]]
    revisions: list[dict[str, Any]]
    contributing: tuple[str, ...]


def explain(connection: Connection, site_id: int, value: Row) -> Explanation:
    """Explain a stored value.

    Args:
        connection: of a role that reads derived data.
        site_id: the value's site.
        value: row of `store.serving.kpi_values`, with asset and asset_id.

    Raises:
        NotExplainableError: registry or pieces are not there any more.
    """
    kpi = CATALOGUE[value["kpi"]]
    site = _site(connection, site_id, value)
    inputs = _inputs(connection, site_id, site, value)
    found = scopes_of(inputs)
    rows = wide_rows(inputs, found, grains := frozenset({Grain(value["grain"])}))
    if kpi.basis is Basis.SAMPLE:
        rows = characteristic_rows(inputs.atoms, found.sources, rows, grains)
        rows = rows.filter(pl.col("characteristic") == value["variant"])
    row = _wide(rows, value)
    again = row.select(value_columns(kpi, value["variant"])).row(0, named=True)
    sums = row.row(0, named=True)
    sources = found.sources.filter(pl.col("scope") == value["asset"])["asset"].unique().sort().to_list()
    first, last = _days(value)
    stretch = stored.Stretch(first, last, value["window_start"], value["window_end"], sources)
    digests = stored.raw_digests(connection, site_id, stretch)
    is_current = value.get("superseded_at") is None
    return Explanation(
        kpi=kpi.id,
        name_vi=kpi.name_vi,
        name_en=kpi.name_en,
        formula=kpi.formula,
        unit=kpi.unit,
        definition_version=value["definition_version"],
        value=value,
        inputs={name: float(sums[name]) for name in kpi.inputs},
        numerator=again["numerator"],
        denominator=again["denominator"],
        made_again=again["value"],
        equal=_equal(again["value"], value["value"]) if is_current else None,
        losses=tuple(losses(sums)) if sums["has_time"] else (),
        window_s=_calendar_s(sums),
        longest=stored.longest(connection, site_id, stretch, LONGEST),
        raw_rows=sum(each["rows"] for each in digests),
        raw_digests=digests,
        revisions=stored.revisions(connection, site_id, dict(value)),
        contributing=tuple(sources),
    )


def _site(connection: Connection, site_id: int, value: Row) -> Site:
    """The registry that was in force, from the snapshot that the value names."""
    text = stored.config(connection, site_id, value["config_digest"])
    if text is None:
        raise NotExplainableError(
            f"The registry {value['config_digest'][:12]}… that this value names is not kept here."
        )
    return msgspec.json.decode(text, type=Site)


def _inputs(connection: Connection, site_id: int, site: Site, value: Row) -> RollupInputs:
    first, last = _days(value)
    if value["grain"] == Grain.JOB:
        found = derived.stored_job_atoms(connection, site_id, [value["job"]], first - LOOK_BACK)
        series = empty(INTERVAL_SERIES)
    else:
        found = derived.stored_atoms(connection, site_id, derived.Days(first, last))
        series = conform(
            derived.stored_interval_series(connection, site_id, derived.Days(first, last)), INTERVAL_SERIES
        )
    atoms = conform(found, ATOMS)
    if atoms.is_empty():
        raise NotExplainableError("The pieces of time and counts behind this value are not kept here.")
    known = atoms["production_day"]
    bounds = min([first, *known]), max([last, *known])
    now_us = round(value["computed_at"].timestamp() * 1e6)
    return RollupInputs(site, atoms, series, calendar_windows(site, *bounds), now_us)


def _wide(rows: pl.DataFrame, value: Row) -> pl.DataFrame:
    keys = {"scope": value["asset"], **{name: value[name] for name in ("production_day", "shift", "job", "product")}}
    if value["grain"] == Grain.HOUR:
        keys["window_start"] = round(value["window_start"].timestamp() * 1e6)
    if value["grain"] == Grain.JOB:
        del keys["production_day"]
    row = rows.filter(*(pl.col(name) == key for name, key in keys.items()))
    if row.is_empty():
        raise NotExplainableError("The pieces behind this value are not kept here any more.")
    return row.head(1)


def _days(value: Row) -> tuple[date, date]:
    first: date = value["production_day"]
    match value["grain"]:
        case Grain.WEEK:
            return first, first + timedelta(days=6)
        case Grain.MONTH:
            return first, month_end(first)
        case _:
            return first, first


def _calendar_s(sums: Row) -> float:
    names = ("production_s", "setup_s", "delay_s", "down_no_order_s", "unknown_s", "planned_down_s", "not_scheduled_s")
    return float(sum(sums[name] for name in names))


def _equal(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=_TOLERANCE)
