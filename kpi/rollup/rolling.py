"""Atoms → KPI values of all grains and scopes. Pure: nothing is read or written, sums first, ratios last.

In: frames of `kpi.frames` for whole windows. Out: one row per value, see VALUES.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache, lru_cache

import polars as pl
from polars.expr.whenthen import Then

from kpi.carbon.market import with_contracts
from kpi.catalogue import CATALOGUE, Basis
from kpi.catalogue.columns import calendar
from kpi.energy import demand, prices
from kpi.energy.baselines import with_baselines
from kpi.hours import hour_of
from kpi.rollup import base, status, windows
from kpi.rollup.capability import characteristic_rows
from kpi.rollup.eras import Era, stretches
from kpi.rollup.scopes import Scopes, over_eras, scopes, told_by_signals
from kpi.rollup.signatures import Signature, apart, signature
from kpi.rollup.steps import with_rolled_yields
from kpi.rollup.valuing import VALUES, values_of
from kpi.rollup.window_marks import MARKS, findings, with_marks
from model.registry import Site
from model.vocabulary import Grain

__all__ = ["MARKS", "VALUES", "RollupInputs", "rollup", "scopes_of", "wide_rows"]
_MICROSECONDS = 1e6


@dataclass(frozen=True)
class RollupInputs:
    """Everything of the windows to be built.

    Args:
        atoms: all atoms of the windows (frames.ATOMS).
        interval_series: all demand intervals of the windows (frames.INTERVAL_SERIES).
        windows: production days and shifts of every asset and day of the windows (frames.WINDOWS).
        now_us: instant of the computation: decides what is final.
        day_digests: digest of the raw inputs per production day.
        marks: findings that become flags (MARKS).
        eras: registries that assign the pieces of days to scopes, where it was not `site` throughout.
        scopes: what contributes to what, where more is known than these atoms tell (`scopes_of` over all of them).
    """

    site: Site
    atoms: pl.DataFrame
    interval_series: pl.DataFrame
    windows: pl.DataFrame
    now_us: int
    day_digests: dict[date, str] = field(default_factory=dict)
    marks: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=MARKS))
    eras: tuple[Era, ...] = ()
    scopes: Scopes | None = None


def rollup(inputs: RollupInputs, grains: frozenset[Grain] = frozenset(Grain)) -> pl.DataFrame:
    """Build the values of the grains; rows sorted by scope, grain, window and KPI."""
    rows = [frame for part, of_part in _apart(inputs, grains) for frame in _values(part, of_part)]
    keys = ("asset", "grain", "production_day", "window_start", "shift", "job", "product", "kpi", "variant")
    return pl.concat([pl.DataFrame(schema=VALUES), *rows]).sort(keys)


def _values(inputs: RollupInputs, grains: frozenset[Grain]) -> list[pl.DataFrame]:
    found = inputs.scopes or scopes_of(inputs)
    wide = wide_rows(inputs, found, grains)
    if wide.is_empty():
        return []
    rows = values_of(wide, CATALOGUE.values(), inputs.site)
    measured = characteristic_rows(inputs.atoms, found.sources, wide, grains)
    of_samples = (kpi for kpi in CATALOGUE.values() if kpi.basis is Basis.SAMPLE)
    return [*rows, *values_of(measured, of_samples, inputs.site)]


def _apart(inputs: RollupInputs, grains: frozenset[Grain]) -> Iterator[tuple[RollupInputs, frozenset[Grain]]]:
    """The windows that are made together: those to which the same contributes."""
    if inputs.scopes is not None or inputs.atoms.is_empty():
        yield inputs, grains
        return
    known: dict[Signature, Scopes] = {}

    def resolve(found: Signature) -> Scopes:
        if found not in known:
            known[found] = scopes(inputs.site, found.timed, found.counted, found.recorded)
        return known[found]

    for each in apart(inputs.atoms, grains, resolve, told_by_signals(inputs.site)):
        atoms, series = each.of(inputs.atoms), each.of(inputs.interval_series)
        found = None if inputs.eras else each.scopes
        yield replace(inputs, atoms=atoms, interval_series=series, scopes=found), each.grains


def wide_rows(inputs: RollupInputs, found: Scopes, grains: frozenset[Grain]) -> pl.DataFrame:
    """Give the base sums of every scope and window, in the columns of the catalogue's expressions."""
    eras = _by_era(inputs) or [(inputs, found)]
    pieces = pl.concat([_pieces(part, of_part) for part, of_part in eras])
    shifts = windows.shifts_of_scopes(inputs.windows, found.sources)
    held = _held(pieces)
    parts = [
        windows.bounded(windows.sums_of_grain(pieces, grain, held), grain, inputs.windows, shifts, inputs.site)
        for grain in sorted(grains)
    ]
    rows = pl.concat(parts).select(_with_zeros(held, _types(pieces)))
    series = [(part.interval_series, of_part.sources) for part, of_part in eras]
    marks = pl.concat([findings(part.marks, of_part.sources, part.site) for part, of_part in eras])
    peaks = demand.demand_of_windows(series, shifts, inputs.site.timezone, inputs.site.demand_interval_us)
    return (
        _with_demand(rows, peaks, inputs.site.timezone)
        .pipe(with_rolled_yields, pieces, inputs.site)
        .join(found.abilities, on="scope", how="left")
        .pipe(with_marks, marks, pieces)
        .with_columns(_seconds())
        .with_columns(
            (calendar() > 0).alias("has_time"),
            pl.col("can_count").alias("has_counts"),
            ((pl.col("energy_rows") > 0) | (pl.col("energy_received") > 0)).alias("has_energy"),
            pl.col("peak_kw").is_not_null().alias("has_demand"),
            *prices.supply(inputs.site),
            prices.tariff_keys(inputs.site).alias("tariff"),
            (pl.col("window_end") + inputs.site.lateness_us <= inputs.now_us).alias("is_final"),
            status.coverage().alias("coverage"),
            pl.lit(inputs.site.confidence_gate).alias("gate"),
        )
        .pipe(with_contracts, inputs.site)
        .pipe(_with_digests, inputs.day_digests)
    )


def scopes_of(inputs: RollupInputs) -> Scopes:
    """Resolve which assets contribute to which scope, in any of the eras."""
    own = _by_era(inputs)
    return over_eras([of_part for _, of_part in own]) if own else _scopes_of(inputs)


def sources_by_days(inputs: RollupInputs) -> list[tuple[pl.DataFrame, date, date]]:
    """Give what contributes to which scope (scopes.SOURCES) with the days, both included, on which it did so."""
    days = [(first, last) for _, first, last in stretches(inputs.eras)]
    own = [of_part.sources for _, of_part in _by_era(inputs)]
    return [(found, *held) for found, held in zip(own, days, strict=True)] or [
        (_scopes_of(inputs).sources, date.min, date.max)
    ]


def _by_era(inputs: RollupInputs) -> list[tuple[RollupInputs, Scopes]]:
    """Cut the pieces at the borders of the eras, each part with its registry, limited to the scopes of the last one."""
    known = [asset.key for asset in inputs.eras[-1].site.assets] if inputs.eras else []
    found = []
    for site, first, last in stretches(inputs.eras):
        days = pl.col("production_day").is_between(first, last)
        atoms, series = inputs.atoms.filter(days), inputs.interval_series.filter(days)
        marks = inputs.marks.filter(days)
        part = replace(inputs, site=site, atoms=atoms, interval_series=series, marks=marks, eras=())
        found.append((part, _scopes_of(part).limited(known)))
    return found


def _scopes_of(inputs: RollupInputs) -> Scopes:
    found = signature(inputs.atoms)
    return scopes(inputs.site, found.timed, found.counted, found.recorded)


def _pieces(inputs: RollupInputs, found: Scopes) -> pl.DataFrame:
    """Repeat each asset's base sums for the scopes that it contributes to, only what it contributes."""
    sums = base.base_sums(inputs.atoms, inputs.site, found.counted)
    pieces = sums.join(found.sources, on="asset").with_columns(_of_role(_types(sums)))
    return with_baselines(pieces, inputs.site)


def _types(sums: pl.DataFrame) -> tuple[pl.DataType, ...]:
    """Types of the base sums."""
    schema = sums.schema
    return tuple(schema[name] for name in base.MEASURES)


def _held(pieces: pl.DataFrame) -> tuple[str, ...]:
    """Base sums that there are anything of; the others need not be added up, they are 0."""
    found = pieces.select(pl.col(base.MEASURES).ne_missing(0).any()).row(0)
    return tuple(name for name, is_held in zip(base.MEASURES, found, strict=True) if is_held)


@lru_cache(64)
def _with_zeros(held: tuple[str, ...], types: tuple[pl.DataType, ...]) -> list[pl.Expr]:
    """All base sums beside the keys of windows."""
    of_all = zip(base.MEASURES, types, strict=True)
    sums = (pl.col(name) if name in held else pl.lit(0, dtype).alias(name) for name, dtype in of_all)
    return [pl.col(windows.WIDE_KEYS), *sums]


@cache
def _of_role(types: tuple[pl.DataType, ...]) -> list[pl.Expr]:
    """Base sums of an asset, limited to what it contributes to a scope."""
    of_all = zip(base.MEASURES, types, strict=True)
    return [_part_of(name).otherwise(pl.lit(0, dtype)).alias(name) for name, dtype in of_all]


def _part_of(name: str) -> Then:
    share = base.share(name)
    if share is not None:
        return pl.when(pl.col(share) > 0).then(pl.col(name) * pl.col(share))
    return pl.when(pl.col(base.role(name))).then(_lent(name))


def _lent(name: str) -> pl.Expr:
    """A base sum, or for an asset that lends its time to the counts of another one, that time."""
    if name not in base.LENT:
        return pl.col(name)
    return pl.when("lends").then(pl.sum_horizontal(base.LENT[name])).otherwise(pl.col(name))


@cache
def _seconds() -> list[pl.Expr]:
    return [
        (pl.col(name) / _MICROSECONDS).alias(f"{name.removesuffix('_us')}_s")
        for name in base.MEASURES
        if name in base.DURATIONS
    ]


def _with_demand(rows: pl.DataFrame, peaks: pl.DataFrame, zone: str) -> pl.DataFrame:
    of_hour = pl.when(pl.col("grain") == Grain.HOUR.value)
    hour = of_hour.then(hour_of(pl.col("window_start"), zone)).otherwise(0)
    keys = ["scope", "grain", "production_day", "shift", "window_hour_us"]
    return rows.with_columns(hour.alias("window_hour_us")).join(peaks, on=keys, how="left")


def _with_digests(rows: pl.DataFrame, digests: dict[date, str]) -> pl.DataFrame:
    spans = rows.select("production_day", "last_day").unique()
    found = [_span_digest(digests, first, last) for first, last in spans.iter_rows()]
    return rows.join(spans.with_columns(inputs_digest=pl.Series(found, dtype=pl.String)), on=spans.columns, how="left")


def _span_digest(digests: dict[date, str], first: date, last: date) -> str:
    """Digest of a day, or of the listed digests of several days."""
    found = [digests[day] for day in sorted(digests) if first <= day <= last]
    if first == last:
        return found[0] if found else ""
    return hashlib.sha256("\n".join(found).encode()).hexdigest()
