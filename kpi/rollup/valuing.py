"""Wide rows → values. Pure. KPIs of one kind (same needs, status and flags) are evaluated together in one pass.

In: base sums of scopes and windows, in the columns of the catalogue's expressions. Out: frames of VALUES, a KPI and
variant each; a kind that no row can have is not evaluated at all.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from itertools import chain

import numpy as np
import polars as pl

from kpi.carbon.boundary import factor_basis
from kpi.catalogue import CATALOGUE, Basis, Kpi
from kpi.rollup import status
from kpi.rollup.evaluate import divided, parts, why_missing
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
_SHARED = ("asset", *_BESIDE, "factor_set", "completeness", "status", "flags")
_NAMED = pl.Schema({name: VALUES[name] for name in ("kpi", "variant", "definition_version")})
_FLAG = "flag_"
_OF_VARIANT = ("numerator", "denominator", "value")
_PRICED = frozenset({Basis.COST, Basis.BILL, Basis.CAPACITY})
_weighed = pl.col("good_kg") > 0
_burned = (pl.col("scope1_rows") > 0) | (pl.col("precursor_direct_t") > 0)
_powered = (pl.col("energy_rows") > 0) | (pl.col("precursor_indirect_t") > 0)
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
    kept = [(able[str(n)], of_kind) for n, of_kind in enumerate(kinds.values()) if able[str(n)].any()]
    return [_evaluated(wide, rows, of_kind, site) for rows, of_kind in kept]


def _variants(kpis: Iterable[Kpi]) -> list[tuple[Kpi, str]]:
    return [(kpi, variant) for kpi in kpis for variant in (("",) if kpi.basis is Basis.SAMPLE else kpi.variants)]


def _evaluated(wide: pl.DataFrame, able: pl.Series, kpis: list[Kpi], site: Site) -> pl.DataFrame:
    """Evaluate the KPIs of a kind over the rows that can have them."""
    one, plan = kpis[0], _plan(tuple(kpi.id for kpi in kpis))
    made_with = pl.col("tariff") if one.basis in _PRICED else pl.lit(factor_basis(site, one), pl.String)
    rows = wide.lazy().select(pl.col(plan.needed)).filter(able)
    for step in plan.steps:
        rows = rows.with_columns(step)
    found = rows.with_columns(made_with.alias("factor_set")).collect()
    return _below_each_other(found.lazy().with_columns(_flags(found)).select(plan.chosen), plan)


def _flags(rows: pl.DataFrame) -> pl.Expr:
    """List the flags of each row: only what holds in some row is looked at."""
    named = [name for name in rows.columns if name.startswith(_FLAG) and rows[name].null_count() < len(rows)]
    marks = "marked" if (rows["marked"].list.len() > 0).any() else None
    return status.sorted_flags(named, marks).alias("flags")


def _below_each_other(evaluated: pl.LazyFrame, plan: "_Plan") -> pl.DataFrame:
    """Put the variants that were evaluated beside each other below each other, those rows that are kept."""
    rows, many = evaluated.collect(), range(len(plan.named))
    kept = pl.concat([rows[f"kept_{at}"] for at in many])
    variant, row = np.divmod(kept.arg_true().to_numpy(), max(len(rows), 1))
    own = (pl.concat([rows[f"{name}_{at}"] for at in many]).filter(kept).alias(name) for name in _OF_VARIANT)
    named = plan.named[variant].drop(plan.variant)
    found = rows.select(pl.col(*_SHARED, *plan.variant))[row].hstack(named).with_columns(own)
    return found.select(pl.col(VALUES.names()))


@dataclass(frozen=True)
class _Plan:
    """How a kind is evaluated.

    Args:
        needed: columns of the wide rows.
        steps: expressions, each of columns of the steps before.
        chosen: what is used of it, in the types of VALUES.
        variant: the column `variant` where rows tell it, of samples.
        named: KPI, variant and version of what is evaluated, in order.
    """

    needed: list[str]
    steps: tuple[list[pl.Expr], ...]
    chosen: list[pl.Expr]
    variant: tuple[str, ...]
    named: pl.DataFrame


@cache
def _plan(ids: tuple[str, ...]) -> _Plan:
    kpis = [CATALOGUE[id_] for id_ in ids]
    one, each = kpis[0], list(enumerate(_variants(kpis)))
    missing = pl.col("why_missing").is_not_null()
    split = [(at, kpi, *parts(kpi, variant, missing)) for at, (kpi, variant) in each]
    steps = (
        [why_missing(one).alias("why_missing"), status.completeness(one).alias("completeness")],
        [
            *status.doubts(one),
            *(part.alias(f"numerator_{at}") for at, _, part, _ in split),
            *(whole.alias(f"denominator_{at}") for at, _, _, whole in split),
        ],
        [
            *(_value(kpi, at).alias(f"value_{at}") for at, kpi, _, _ in split),
            *(flag.alias(f"{_FLAG}{n}") for n, flag in enumerate(status.flags(one))),
            *(status.marked(one).alias("marked"), status.status().alias("status")),
        ],
        [_kept(kpi, variant, f"value_{at}").alias(f"kept_{at}") for at, (kpi, variant) in each],
    )
    common = [pl.col("scope").alias("asset"), *(pl.col(name) for name in _SHARED if name != "asset")]
    own = [pl.col(f"{name}_{at}") for at, _ in each for name in (*_OF_VARIANT, "kept")]
    told = [pl.col("characteristic").cast(VALUES["variant"]).alias("variant")] if one.basis is Basis.SAMPLE else []
    chosen = [*(part.cast(VALUES[name]) for name, part in zip(_SHARED, common, strict=True)), *told, *own]
    roots = {name for part in (*chain(*steps), *chosen) for name in part.meta.root_names()} | {"tariff"}
    made = {"factor_set", "flags", *(part.meta.output_name() for part in chain(*steps))}
    named = [(kpi.id, variant, kpi.definition_version) for _, (kpi, variant) in each]
    rows = pl.DataFrame(named, schema=_NAMED, orient="row")
    return _Plan(sorted(roots - made), steps, chosen, ("variant",) if told else (), rows)


def _value(kpi: Kpi, at: int) -> pl.Expr:
    numerator, denominator = pl.col(f"numerator_{at}"), pl.col(f"denominator_{at}")
    return numerator if kpi.denominator is None else divided(numerator, denominator)


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
    Basis.CBAM: _weighed & (_burned | _powered),  # goods by mass, and energy or records of what went into them
    Basis.CBAM_ENERGY: _weighed & (_powered | (pl.col("scope1_rows") > 0)),
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
    no_data = (pl.col("why_missing") == "no_data").fill_null(value=False)
    return ~(empty | (_in(frozenset({Grain.JOB, Grain.PRODUCT})) & no_data))
