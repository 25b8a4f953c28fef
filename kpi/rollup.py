"""Atoms → KPI values of all grains and scopes. Pure: nothing is read or written, sums first, ratios last.

In: frames of `kpi.frames` for whole windows. Out: one row per value, see VALUES.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import date
from functools import cache

import polars as pl
from polars.expr.whenthen import Then

from kpi import base, demand, prices, status, windows
from kpi.baselines import with_baselines
from kpi.boundary import factor_basis
from kpi.capability import characteristic_rows
from kpi.catalogue import CATALOGUE, Basis, Kpi
from kpi.catalogue.columns import calendar
from kpi.compute.samples import QUANTITIES as SAMPLES
from kpi.evaluate import value_columns, why_missing
from kpi.frames import HOUR_US
from kpi.market import with_contracts
from kpi.scopes import Scopes, scopes
from kpi.steps import with_rolled_yields
from model.registry import Site
from model.vocabulary import Grain

VALUES = pl.Schema(
    {
        "asset": pl.String(),
        "product": pl.String(),
        "job": pl.String(),
        "shift": pl.String(),
        "kpi": pl.String(),
        "variant": pl.String(),
        "grain": pl.String(),
        "window_start": pl.Int64(),
        "window_end": pl.Int64(),
        "production_day": pl.Date(),
        "value": pl.Float64(),
        "numerator": pl.Float64(),
        "denominator": pl.Float64(),
        "coverage": pl.Float64(),
        "completeness": pl.Float64(),
        "status": pl.String(),
        "is_final": pl.Boolean(),
        "flags": pl.List(pl.String()),
        "definition_version": pl.Int32(),
        "factor_set": pl.String(),
        "inputs_digest": pl.String(),
    }
)
_AS_STORED = [pl.col(name).cast(dtype) for name, dtype in VALUES.items()]
MARKS = pl.Schema({"asset": pl.String, "production_day": pl.Date, "mark": pl.String})
_MICROSECONDS = 1e6
_goes_in = pl.any_horizontal(
    pl.col(name) > 0 for name in ("scope1_rows", "energy_rows", "precursor_direct_t", "precursor_indirect_t")
)
_has_reactive = (pl.col("reactive_kvarh") != 0) | (pl.col("beside_reactive_kwh") != 0)
_PRICED = frozenset({Basis.COST, Basis.BILL})


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
    """

    site: Site
    atoms: pl.DataFrame
    interval_series: pl.DataFrame
    windows: pl.DataFrame
    now_us: int
    day_digests: dict[date, str] = field(default_factory=dict)
    marks: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=MARKS))


def rollup(inputs: RollupInputs, grains: frozenset[Grain] = frozenset(Grain)) -> pl.DataFrame:
    """Build the values of the grains; rows sorted by scope, grain, window and KPI."""
    found = scopes_of(inputs)
    wide = wide_rows(inputs, found, grains)
    if wide.is_empty():
        return pl.DataFrame(schema=VALUES)
    plan = wide.lazy()
    rows = [_values(plan, kpi, variant, inputs.site) for kpi in CATALOGUE.values() for variant in kpi.variants]
    measured = characteristic_rows(inputs.atoms, found.sources, wide, grains)
    if not measured.is_empty():
        of_samples = (kpi for kpi in CATALOGUE.values() if kpi.basis is Basis.SAMPLE)
        rows += [_values(measured.lazy(), kpi, "", inputs.site) for kpi in of_samples]
    keys = ("asset", "grain", "production_day", "window_start", "shift", "job", "product", "kpi", "variant")
    return pl.concat(pl.collect_all(rows)).sort(keys)


def wide_rows(inputs: RollupInputs, found: Scopes, grains: frozenset[Grain]) -> pl.DataFrame:
    """Give the base sums of every scope and window, in the columns of the catalogue's expressions."""
    pieces = _pieces(inputs, found)
    shifts = windows.shifts_of_scopes(inputs.windows, found.sources)
    parts = [
        windows.bounded(windows.sums_of_grain(pieces, grain), grain, inputs.windows, shifts, inputs.site)
        for grain in sorted(grains)
    ]
    rows = pl.concat(parts)
    peaks = demand.demand_of_windows(inputs.interval_series, found.sources, shifts)
    return (
        _with_demand(rows, peaks)
        .pipe(with_rolled_yields, pieces, inputs.site)
        .join(found.abilities, on="scope", how="left")
        .pipe(_with_marks, inputs.marks, found.sources)
        .with_columns(_seconds(rows))
        .with_columns(
            (calendar() > 0).alias("has_time"),
            pl.col("can_count").alias("has_counts"),
            ((pl.col("energy_rows") > 0) | (pl.col("energy_received") > 0)).alias("has_energy"),
            pl.col("peak_kw").is_not_null().alias("has_demand"),
            prices.subscribed_kw(inputs.site).alias("subscribed_kw"),
            prices.tariff_keys(inputs.site).alias("tariff"),
            (pl.col("window_end") + inputs.site.lateness_us <= inputs.now_us).alias("is_final"),
            status.coverage().alias("coverage"),
            pl.lit(inputs.site.confidence_gate).alias("gate"),
        )
        .pipe(with_contracts, inputs.site)
        .pipe(_with_digests, inputs.day_digests)
    )


def scopes_of(inputs: RollupInputs) -> Scopes:
    """Resolve which assets contribute to which scope."""
    atoms = inputs.atoms
    timed = atoms.filter(pl.col("quantity") == "time")["asset"].unique().to_list()
    counts = pl.col("quantity").is_in(["good", "reject", "ideal_time_total"]) | (pl.col("origin") == "record")
    recorded = atoms.filter(pl.col("quantity").is_in([*base.OF_RECORDS, *SAMPLES]))["asset"].unique().to_list()
    counted = atoms.filter(counts)["asset"].unique().to_list()
    return scopes(inputs.site, timed=set(timed), counted=set(counted), recorded=set(recorded))


def _pieces(inputs: RollupInputs, found: Scopes) -> pl.DataFrame:
    """Repeat each asset's base sums for the scopes that it contributes to, only what it contributes."""
    sums = base.base_sums(inputs.atoms, inputs.site, found.counted)
    of_role = (_part_of(name).otherwise(pl.lit(0, sums.schema[name])).alias(name) for name in base.MEASURES)
    pieces = sums.join(found.sources, on="asset").with_columns(of_role)
    return with_baselines(pieces, inputs.site)


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


def _seconds(rows: pl.DataFrame) -> list[pl.Expr]:
    return [
        (pl.col(name) / _MICROSECONDS).alias(f"{name.removesuffix('_us')}_s")
        for name in rows.columns
        if name in base.DURATIONS
    ]


def _with_demand(rows: pl.DataFrame, peaks: pl.DataFrame) -> pl.DataFrame:
    of_hour = pl.when(pl.col("grain") == Grain.HOUR.value)
    hour = of_hour.then(pl.col("window_start") // HOUR_US * HOUR_US).otherwise(0)
    keys = ["scope", "grain", "production_day", "shift", "window_hour_us"]
    return rows.with_columns(hour.alias("window_hour_us")).join(peaks, on=keys, how="left")


def _with_marks(rows: pl.DataFrame, marks: pl.DataFrame, sources: pl.DataFrame) -> pl.DataFrame:
    """Put the list of marks of the assets and days of each window beside it."""
    of_scope = marks.join(sources, on="asset").select("scope", "mark", mark_day="production_day")
    keys = ["scope", "production_day", "last_day"]
    spans = rows.select(keys).unique()
    lists = (
        spans.join(of_scope, on="scope")
        .filter(pl.col("mark_day").is_between(pl.col("production_day"), pl.col("last_day")))
        .group_by(keys)
        .agg(pl.col("mark").unique().sort().alias("marks"))
    )
    none = pl.lit([], pl.List(pl.String))
    return rows.join(lists, on=keys, how="left").with_columns(pl.col("marks").fill_null(none))


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


@dataclass(frozen=True)
class _Recipe:
    """The expressions of one KPI and variant: wide rows → values."""

    wanted: pl.Expr
    value: list[pl.Expr]
    kept: pl.Expr
    rest: list[pl.Expr]


@cache
def _recipe(kpi_id: str, variant: str) -> _Recipe:
    kpi = CATALOGUE[kpi_id]
    constants = {"kpi": kpi.id, "definition_version": kpi.definition_version}
    constants |= {} if kpi.basis is Basis.SAMPLE else {"variant": variant}
    rest = [
        *(pl.lit(value, VALUES[name]).alias(name) for name, value in constants.items()),
        *([pl.col("characteristic").alias("variant")] if kpi.basis is Basis.SAMPLE else []),
        status.completeness(kpi).alias("completeness"),
        status.status(kpi).alias("status"),
        status.flags(kpi).alias("flags"),
        pl.col("scope").alias("asset"),
    ]
    grains = kpi.grains - {Grain.HOUR} if variant else kpi.grains  # an hour is looked at, not judged
    of_grains = pl.col("grain").is_in([grain.value for grain in grains])
    return _Recipe(of_grains & _makes_sense(kpi), value_columns(kpi, variant), _worth_storing(kpi), rest)


def _values(wide: pl.LazyFrame, kpi: Kpi, variant: str, site: Site) -> pl.LazyFrame:
    recipe = _recipe(kpi.id, variant)
    made_with = pl.col("tariff") if kpi.basis in _PRICED else pl.lit(factor_basis(site, kpi), pl.String)
    factor_set = made_with.alias("factor_set")
    rows = wide.filter(recipe.wanted).with_columns(recipe.value).filter(recipe.kept)
    return rows.with_columns(*recipe.rest, factor_set).select(_AS_STORED)


def _makes_sense(kpi: Kpi) -> pl.Expr:
    """Whether the scope can have the KPI at all."""
    able = _ABLE.get(kpi.basis, pl.col("can_energy"))
    return able & pl.col("can_count") if kpi.per_piece else able


_ABLE: dict[Basis, pl.Expr] = {
    **dict.fromkeys((Basis.TIME, Basis.PERFORMANCE), pl.col("can_time") & pl.col("has_time")),
    # records of whole shifts know nothing of single failures
    Basis.MAINTENANCE: pl.col("can_time") & pl.col("has_time") & (pl.col("from_records_s") == 0),
    Basis.COUNT: pl.col("can_count"),
    **dict.fromkeys((Basis.RECORD, Basis.SAMPLE), pl.lit(value=True)),
    Basis.SCOPE1: pl.col("scope1_rows") > 0,
    Basis.MARKET: pl.col("can_energy") & (pl.col("scope") == ""),  # contracts are of the whole site
    Basis.CBAM: (pl.col("good_kg") > 0) & _goes_in,  # goods by mass, and energy or records of what went into them
    Basis.BASELINE: pl.col("baseline_days") > 0,
    Basis.SUBMETER: pl.col("can_submeter"),
    Basis.REACTIVE: pl.col("can_energy") & _has_reactive,
    # the supply is of the whole site
    Basis.BILL: pl.col("can_energy") & _has_reactive & pl.col("subscribed_kw").is_not_null(),
}


def _worth_storing(kpi: Kpi) -> pl.Expr:
    """Hours keep values only, a gap is a gap; jobs and products have no rows for what cannot be split by them."""
    in_hour = pl.col("grain") == Grain.HOUR.value
    split = pl.col("grain").is_in([Grain.JOB.value, Grain.PRODUCT.value])
    nothing = pl.col("value").is_null() | (pl.col("value") == 0 if kpi.sparse else pl.lit(value=False))
    no_data = (why_missing(kpi) == "no_data").fill_null(value=False)
    if kpi.basis in {Basis.RECORD, Basis.SAMPLE}:  # without its records there is no row at all
        return pl.col("value").is_not_null()
    return ~((in_hour & nothing) | (split & no_data & (kpi.basis in status.METERED)))
