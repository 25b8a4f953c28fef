"""Wide rows → values. Pure. KPIs of one kind (same needs, status and flags) are evaluated together in one pass.

In: base sums of scopes and windows, in the columns of the catalogue's expressions. Out: frames of VALUES, a KPI and
variant each; a kind that no row can have is not evaluated at all.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

import polars as pl

from kpi import status
from kpi.boundary import factor_basis
from kpi.catalogue import CATALOGUE, Basis, Kpi
from kpi.evaluate import value_columns, why_missing
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
_OF_WINDOW = ("grain", "window_start", "window_end", "production_day", "shift", "job", "product")
_BESIDE = (*_OF_WINDOW, "coverage", "is_final", "inputs_digest")
_OF_VARIANT = ("numerator", "denominator", "value")
_PRICED = frozenset({Basis.COST, Basis.BILL, Basis.CAPACITY})
_goes_in = pl.any_horizontal(
    pl.col(name) > 0 for name in ("scope1_rows", "energy_rows", "precursor_direct_t", "precursor_indirect_t")
)
_has_reactive = (pl.col("reactive_kvarh") != 0) | (pl.col("beside_reactive_kwh") != 0)


@dataclass(frozen=True)
class _Kind:
    """What decides which rows a KPI is of and what is said beside its value."""

    basis: Basis
    per_piece: bool
    of_rejects: bool
    with_vat: bool
    family: str = ""  # of measured values
    counts: bool = False  # a number of them, which is never too small

    @classmethod
    def of(cls, kpi: Kpi) -> "_Kind":
        return cls(kpi.basis, kpi.per_piece, kpi.loss in status.OF_REJECTS, "cost_vat" in kpi.inputs, *_sampled(kpi))


def _sampled(kpi: Kpi) -> tuple[str, bool]:
    return status.sample_family(kpi), kpi.basis is Basis.SAMPLE and kpi.denominator is None


def values_of(wide: pl.DataFrame, kpis: Iterable[Kpi], site: Site) -> list[pl.DataFrame]:
    """Evaluate KPIs over the rows that can have them; those of samples need the column characteristic."""
    kinds: dict[_Kind, list[Kpi]] = {}
    for kpi in kpis:
        if kpi.variants or "characteristic" in wide.columns:
            kinds.setdefault(_Kind.of(kpi), []).append(kpi)
    if not kinds or wide.is_empty():
        return []
    able = wide.select(_makes_sense(of_kind[0]).alias(str(n)) for n, of_kind in enumerate(kinds.values()))
    rows = [wide.filter(able[str(n)]) for n in range(len(kinds))]
    kept = [(found, of_kind) for found, of_kind in zip(rows, kinds.values(), strict=True) if len(found)]
    done = pl.collect_all([_evaluated(found.lazy(), of_kind, site) for found, of_kind in kept])
    each = [
        found.lazy().filter(f"kept_{at}").select(_columns(kpi.id, variant, at))
        for found, (_, of_kind) in zip(done, kept, strict=True)
        for at, (kpi, variant) in enumerate(_variants(of_kind))
    ]
    return pl.collect_all(each)


def _variants(kpis: Iterable[Kpi]) -> list[tuple[Kpi, str]]:
    return [(kpi, variant) for kpi in kpis for variant in (("",) if kpi.basis is Basis.SAMPLE else kpi.variants)]


def _evaluated(rows: pl.LazyFrame, kpis: list[Kpi], site: Site) -> pl.LazyFrame:
    """Put numerators, denominators and values of all variants beside what they have in common."""
    one = kpis[0]
    made_with = pl.col("tariff") if one.basis in _PRICED else pl.lit(factor_basis(site, one), pl.String)
    found, kept, chosen = _expressions(tuple(kpi.id for kpi in kpis))
    return rows.with_columns(made_with.alias("factor_set"), *found).with_columns(kept).select(chosen)


@cache
def _expressions(ids: tuple[str, ...]) -> tuple[list[pl.Expr], list[pl.Expr], list[pl.Expr]]:
    """Give what is evaluated over rows of a kind: common columns and values, then which are kept; and what is chosen,
    in the types of VALUES.
    """
    kpis = [CATALOGUE[id_] for id_ in ids]
    one, each = kpis[0], list(enumerate(_variants(kpis)))
    common = {
        "completeness": status.completeness(one),
        "status": status.status(one),
        "flags": status.flags(one),
        "asset": pl.col("scope"),
    }
    values = [part.name.suffix(f"_{at}") for at, (kpi, variant) in each for part in value_columns(kpi, variant)]
    kept = [_kept(kpi, variant, f"value_{at}").alias(f"kept_{at}") for at, (kpi, variant) in each]
    shared = [pl.col(name).cast(VALUES[name]) for name in (*_BESIDE, "factor_set", *common)]
    own = [pl.col(f"{name}_{at}") for at, _ in each for name in (*_OF_VARIANT, "kept")]
    named = [pl.col("characteristic").cast(VALUES["variant"])] if one.basis is Basis.SAMPLE else []
    found = [*(expression.alias(name) for name, expression in common.items()), *values]
    return found, kept, [*shared, *named, *own]


@cache
def _columns(id_: str, variant: str, at: int) -> list[pl.Expr]:
    """Give the columns of VALUES of a variant of a kind; all but its own have their names and types already."""
    kpi = CATALOGUE[id_]
    own = {
        "kpi": pl.lit(id_).alias("kpi"),
        "variant": (pl.col("characteristic") if kpi.basis is Basis.SAMPLE else pl.lit(variant)).alias("variant"),
        "definition_version": pl.lit(kpi.definition_version, VALUES["definition_version"]).alias("definition_version"),
        **{name: pl.col(f"{name}_{at}").alias(name) for name in _OF_VARIANT},
    }
    return [own[name] if name in own else pl.col(name) for name in VALUES]


def _kept(kpi: Kpi, variant: str, value: str) -> pl.Expr:
    grains = kpi.grains - {Grain.HOUR} if variant else kpi.grains  # an hour is looked at, not judged
    return _in(grains) & _worth_storing(kpi, pl.col(value))


@cache
def _in(grains: frozenset[Grain]) -> pl.Expr:
    return pl.col("grain").is_in([grain.value for grain in grains])


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
    # a baseline of weeks says nothing of single days, and months do not begin with a week
    Basis.BASELINE: (pl.col("baseline_days") > 0)
    & ((pl.col("baseline_weekly_days") == 0) | (pl.col("grain") == Grain.WEEK.value)),
    Basis.SUBMETER: pl.col("can_submeter"),
    Basis.REACTIVE: pl.col("can_energy") & _has_reactive,
    # the supply is of the whole site, its terms are null elsewhere
    Basis.CAPACITY: pl.col("can_energy") & pl.col("demand_price").is_not_null(),
    Basis.BILL: pl.col("can_energy") & _has_reactive & pl.col("subscribed_kw").is_not_null(),
}


def _worth_storing(kpi: Kpi, value: pl.Expr) -> pl.Expr:
    """Hours keep values only, a gap is a gap; jobs and products have no rows for what cannot be split by them."""
    if kpi.basis in {Basis.RECORD, Basis.SAMPLE}:  # without its records there is no row at all
        return value.is_not_null()
    nothing = value.is_null() | (value == 0) if kpi.sparse else value.is_null()
    empty = _in(frozenset({Grain.HOUR})) & nothing
    if kpi.basis not in status.METERED:
        return ~empty
    no_data = (why_missing(kpi) == "no_data").fill_null(value=False)
    return ~(empty | (_in(frozenset({Grain.JOB, Grain.PRODUCT})) & no_data))
