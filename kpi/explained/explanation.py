"""Why a KPI value is what it is: its formula with the numbers, made again from the stored pieces of time and counts."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl

from kpi.carbon.boundary import boundary
from kpi.catalogue import CATALOGUE, Basis, Kpi
from kpi.energy.split import energy_by_reason, meters_of
from kpi.explained.behind import Archive, Made, NotKeptError, days_of, kind_of
from kpi.explained.losses import Loss, losses
from kpi.explained.rules import rule_text
from kpi.explained.series_verdict import device_reasons, judged
from kpi.explained.terms import terms
from kpi.explained.worked_out import UnwrittenError, number, written
from kpi.rollup.evaluate import value_columns
from kpi.rollup.status import METERED
from model.canonical import digest
from model.registry import Site
from store import explain as stored
from store.derived import Days
from store.pool import Connection
from store.series_quality import quality_of

LONGEST = 10
MOST_INTERVALS = 2_000
MOST_PIECES = 500
MOST_GAPS = 100
MOST_SERIES = 100
_TOLERANCE = 1e-9
_WHAT = ["asset", "quantity", "qualifier", "time_class", "sub_class", "reason", "origin"]
_WITHDRAWN = "Withdrawn: what the final value was made from has gone since; see its revisions."
_SUPERSEDED = "Superseded: the pieces are those of the newest computation."
_MOVED = "Computed again while it was being explained: ask again."
_ATTEMPTS = 3
_FACTORS = {"oee": ("oee_availability", "effectiveness", "quality_ratio")}
Row = dict[str, Any]


@dataclass(frozen=True)
class Explanation:
    """Everything that stands behind one value; times in seconds, amounts in the unit of the quantity.

    `equal` is None where the value was superseded (the pieces are those of the newest computation) or cannot be made
    again; then `note` says why.
    """

    kpi: str
    name_vi: str
    name_en: str
    formula: str
    unit: str
    source: str
    definition_version: int
    value: Row
    revisions: list[Row]
    calculation: str = ""
    inputs: dict[str, float | None] = field(default_factory=dict)
    terms: list[Row] = field(default_factory=list)  # amounts times factors that base sums of money and CO2e are made of
    numerator: float | None = None
    denominator: float | None = None
    made_again: float | None = None
    equal: bool | None = None
    note: str = ""
    losses: tuple[Loss, ...] = ()
    window_s: float = 0.0
    pieces: list[Row] = field(default_factory=list)  # sums by asset, quantity and class
    pieces_left_out: int = 0
    intervals: list[Row] = field(default_factory=list)  # what machines did, by asset and time
    intervals_left_out: int = 0
    longest: list[Row] = field(default_factory=list)  # stretches without production
    gaps: list[Row] = field(default_factory=list)  # stretches of which nothing is known
    gaps_s: float = 0.0
    quality: list[Row] = field(default_factory=list)  # series and devices of the window's days with something wrong
    calendar: Row = field(default_factory=dict)
    raw_rows: int = 0
    raw_digests: list[Row] = field(default_factory=list)
    contributing: tuple[str, ...] = ()
    energy: list[Row] = field(default_factory=list)  # kWh by time class and reason; they add up to the energy
    meters: list[Row] = field(default_factory=list)  # what each measured on which days, its share in the scope's energy
    rule: str = ""  # how the units below stand for the scope
    boundary: str | None = None  # of a carbon or baseline value: what it covers, by which factors
    factors: dict[str, float | None] = field(default_factory=dict)  # entries of the catalogue whose product it is


class Explainer:
    """Explains stored values of a site over a connection of a role that reads derived data."""

    def __init__(self, connection: Connection, site_id: int) -> None:
        self._connection, self._site_id = connection, site_id
        self._archive = Archive(connection, site_id)

    def explain_read(self, read: Callable[[], Row]) -> Explanation:
        """Explain the value that `read` gives; one that is computed again meanwhile is read again."""
        for _ in range(_ATTEMPTS):
            found = self.explain(read())
            if found.note != _MOVED:
                break
        return found

    def explain(self, value: Row) -> Explanation:
        """Explain a stored value: a row of `store.serving.kpi_values`, with asset and asset_id."""
        kpi = CATALOGUE[value["kpi"]]
        found = Explanation(
            kpi=kpi.id,
            name_vi=kpi.name_vi,
            name_en=kpi.name_en,
            formula=kpi.formula,
            unit=kpi.unit,
            source=kpi.source,
            definition_version=value["definition_version"],
            value=value,
            revisions=stored.revisions(self._connection, self._site_id, value),
            calculation=_said(value, kpi.unit),
            numerator=value["numerator"],
            denominator=value["denominator"],
        )
        if "withdrawn" in value["flags"]:
            return replace(found, note=_WITHDRAWN)
        try:
            made = self._archive.made(kind_of(value), value["asset"])
            row = made.row(kpi, value)
        except NotKeptError as error:
            return replace(found, note=str(error))
        summed = _with_sums(found, kpi, row)
        if summed.equal is False and self._moved(value):
            self._archive.forget()
            return replace(found, note=_MOVED)
        return self._with_rest(summed, made)

    def _moved(self, value: Row) -> bool:
        """Whether a value has been computed again since it was read."""
        now = stored.revisions(self._connection, self._site_id, value)
        return not any(each["computed_at"] == value["computed_at"] for each in now)

    def _with_rest(self, found: Explanation, made: Made) -> Explanation:
        """What the sums came from: pieces, stretches of time, gaps, calendar, raw rows."""
        value, sources = found.value, made.contributing(found.value["asset"])
        stretch = stored.Stretch(*days_of(value), value["window_start"], value["window_end"], sources)
        digests = stored.raw_digests(self._connection, self._site_id, stretch)
        gaps = stored.gaps(self._connection, self._site_id, stretch, MOST_GAPS)
        intervals = stored.intervals(self._connection, self._site_id, stretch, MOST_INTERVALS)
        atoms = made.pieces(value)
        pieces = _summed(atoms)
        meters = made.meters(value["asset"])
        kpi = CATALOGUE[found.kpi]
        metered = kpi.basis in METERED
        measured = meters_of(atoms, meters).to_dicts() if metered else []
        counting = list(dict.fromkeys(row["asset"] for row in measured if row["energy_share"] > 0))
        return replace(
            found,
            terms=terms(atoms, made.site, meters, found.inputs),
            pieces=pieces[:MOST_PIECES].to_dicts(),
            pieces_left_out=max(0, len(pieces) - MOST_PIECES),
            intervals=intervals.rows,
            intervals_left_out=intervals.total - len(intervals.rows),
            longest=stored.longest(self._connection, self._site_id, stretch, LONGEST),
            gaps=gaps.rows,
            gaps_s=gaps.seconds,
            quality=self._quality(value, sources),
            calendar=_calendar(made.site, value),
            raw_rows=sum(each["rows"] for each in digests),
            raw_digests=digests,
            contributing=tuple(sources),
            energy=energy_by_reason(atoms, meters).to_dicts() if metered else [],
            meters=measured,
            rule=rule_text(made.site, value["asset"], sources) if _has_rule(kpi) else "",
            boundary=boundary(made.site, kpi, value["asset"], counting if metered else sources, days_of(value)),
        )

    def _quality(self, value: Row, sources: list[str]) -> list[Row]:
        """Series of the window's days with something wrong, the worst first, then devices by their hours of receipt."""
        found = quality_of(self._connection, self._site_id, Days(*days_of(value)), sources)
        series = [
            {"of": "/".join(filter(None, (each.series.asset, each.series.name))), "why": each.sentence}
            for each in judged(found.series)
            if each.reasons
        ]
        told = ((each.device, device_reasons(each)) for each in found.devices)
        return [*series[:MOST_SERIES], *({"of": of, "why": " ".join(why)} for of, why in told if why)]


def _has_rule(kpi: Kpi) -> bool:
    """Whether it matters to a KPI how units stand for their line; what a meter says of itself does not ask."""
    return kpi.basis not in METERED or kpi.basis is Basis.ENERGY_TIME or kpi.per_piece


def _with_sums(found: Explanation, kpi: Kpi, row: pl.DataFrame) -> Explanation:
    """Formula and losses with the sums of a row; of a superseded value only the losses, which are not its own."""
    value, sums = found.value, row.row(0, named=True)
    summed = replace(
        found,
        inputs={name: None if sums[name] is None else float(sums[name]) for name in kpi.inputs},
        losses=tuple(losses(sums)) if sums["has_time"] else (),
        window_s=_calendar_s(sums),
    )
    if value.get("superseded_at") is not None:
        return replace(summed, note=_SUPERSEDED)
    again = row.select(value_columns(kpi, value["variant"])).row(0, named=True)
    return replace(
        summed,
        calculation=_calculation(kpi, row, again, value["variant"]),
        numerator=again["numerator"],
        denominator=again["denominator"],
        made_again=again["value"],
        equal=_equal(again["value"], value["value"]),
        factors=_factors(kpi, row, value["variant"]),
    )


def _factors(kpi: Kpi, row: pl.DataFrame, variant: str) -> dict[str, float | None]:
    """The values of the same window whose product the value is: A, E and Q of OEE."""
    found = {each: CATALOGUE[each] for each in _FACTORS.get(kpi.id, ())}
    return {each: row.select(value_columns(part, variant)).row(0, named=True)["value"] for each, part in found.items()}


def _calculation(kpi: Kpi, row: pl.DataFrame, again: Row, variant: str) -> str:
    """The formula with its actual numbers, down to the base sums: text that a calculator works out."""
    part = kpi.capped if variant == "capped" and kpi.capped is not None else kpi.numerator
    try:
        numerator = written(part, row)
        whole = None if kpi.denominator is None else written(kpi.denominator, row)
    except UnwrittenError:
        return _said(again, kpi.unit)
    if again["value"] is None:
        return _said(again, kpi.unit)
    left = numerator if whole is None else f"({numerator}) / ({whole})"
    return f"{left} = {_in_unit(again['value'], kpi.unit)}"


def _said(value: Row, unit: str) -> str:
    """Numerator over denominator, for a value of which no more is known."""
    numerator, denominator = value["numerator"], value["denominator"]
    if denominator is None:
        return _in_unit(value["value"], unit)
    return (
        f"{'–' if numerator is None else number(numerator)} / {number(denominator)} = {_in_unit(value['value'], unit)}"
    )


def _in_unit(value: float | None, unit: str) -> str:
    shown = "no value" if value is None else number(value)
    return shown if value is None or unit in {"", "1"} else f"{shown} {unit}"


def _summed(pieces: pl.DataFrame) -> pl.DataFrame:
    """Sums of the pieces: what was counted in which class of time, the largest first of each quantity."""
    of_time = pl.col("duration_us").is_not_null().any()
    sums = pieces.group_by(_WHAT).agg(
        pl.when(of_time).then(pl.col("duration_us").sum() / 1e6).alias("seconds"),
        pl.when(~of_time).then(pl.col("amount").sum()).alias("amount"),
        pl.len().alias("pieces"),
    )
    size = pl.coalesce("seconds", "amount").abs()
    sums = sums.with_columns(size.alias("_size")).sort(_WHAT).sort("_size", descending=True, maintain_order=True)
    return sums.sort("quantity", maintain_order=True).drop("_size")


def _calendar(site: Site, value: Row) -> Row:
    """The calendar in force: what names it, and how much of it there is."""
    parts = {
        "shifts": site.shifts,
        "exceptions": site.exceptions,
        "planned_stops": site.planned_stops,
        "holidays": site.holidays,
    }
    digested = digest({"timezone": site.timezone, "day_start": site.day_start, **parts})
    counts = {name: len(rows) for name, rows in parts.items()}
    of_site = {"timezone": site.timezone, "day_start": site.day_start}
    return {"digest": digested, "config_digest": value["config_digest"], **of_site, **counts}


def _calendar_s(sums: Mapping[str, Any]) -> float:
    names = ("production_s", "setup_s", "delay_s", "down_no_order_s", "unknown_s", "planned_down_s", "not_scheduled_s")
    return float(sum(sums[name] for name in names))


def _equal(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return math.isclose(one, other, rel_tol=_TOLERANCE, abs_tol=_TOLERANCE)
