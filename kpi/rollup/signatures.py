"""Which windows may be made together: what contributes to a scope hangs on the pieces of its own window, and no others.

In: the pieces of several windows of one kind. Out: the scopes of all, and those windows whose own scopes differ: a unit
that only records tell of counts on the days that it has records of, whichever days are computed together.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import polars as pl

from kpi.compute.samples import QUANTITIES as SAMPLES
from kpi.rollup import base
from kpi.rollup.scopes import Scopes
from model.vocabulary import Grain

_DAY = pl.col("production_day")
_UNIT: dict[Grain, pl.Expr] = {
    Grain.WEEK: _DAY.dt.truncate("1w").cast(pl.String),
    Grain.MONTH: _DAY.dt.truncate("1mo").cast(pl.String),
    Grain.JOB: pl.col("job"),
}
_TIMED = pl.col("quantity") == "time"
_COUNTED = pl.col("quantity").is_in(["good", "reject", "unattributed", "ideal_time_total"]) | (
    pl.col("origin") == "record"
)
_RECORDED = pl.col("quantity").is_in([*base.OF_RECORDS, *SAMPLES])


@dataclass(frozen=True)
class Signature:
    """Of which assets there are pieces, of which of them time, counts and business records."""

    assets: frozenset[str] = frozenset()
    timed: frozenset[str] = frozenset()
    counted: frozenset[str] = frozenset()
    recorded: frozenset[str] = frozenset()


Resolve = Callable[[Signature], Scopes]


@dataclass(frozen=True)
class Apart:
    """Windows (values of `unit`) that are made together, and what contributes to them; null = all windows."""

    grains: frozenset[Grain]
    unit: pl.Expr
    windows: list[str] | None
    scopes: Scopes

    def of(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The rows of these windows."""
        if self.windows is None or ("job" not in rows.columns and Grain.JOB in self.grains):
            return rows
        return rows.filter(self.unit.is_in(self.windows))


def signature(atoms: pl.DataFrame) -> Signature:
    """Read the signature of pieces."""
    return _signature(_contents(atoms, pl.lit("")))


def apart(
    atoms: pl.DataFrame, grains: frozenset[Grain], resolve: Resolve, by_signal: frozenset[str]
) -> Iterator[Apart]:
    """Split the windows of the grains where their scopes are not those of all of them together.

    Args:
        atoms: the pieces.
        grains: of the windows.
        resolve: gives the scopes of a signature.
        by_signal: assets whose state and counts signals tell: pieces have nothing to add.
    """
    together = frozenset[Grain]()
    for of_kind, unit in _kinds(grains):
        own: dict[Signature, list[str]] = {}
        for (window,), part in sorted(_contents(atoms, unit).partition_by("unit", as_dict=True).items()):
            own.setdefault(_signature(part), []).append(str(window))
        whole = resolve(signature(atoms))
        others = [each for each in own if len(own) > 1 and not _same(each, resolve(each), whole)]
        if not others:
            together |= of_kind
            continue
        for members, of_members in _grouped(others, resolve, by_signal):
            yield Apart(of_kind, unit, [name for each in members for name in own[each]], of_members)
        yield Apart(of_kind, unit, [name for each in own.keys() - others for name in own[each]], whole)
    if together:
        yield Apart(together, pl.lit(""), None, resolve(signature(atoms)))


def _grouped(
    found: list[Signature], resolve: Resolve, by_signal: frozenset[str]
) -> Iterator[tuple[list[Signature], Scopes]]:
    """Put together what records tell the same of; one to which others would add something stays alone."""
    alike: dict[tuple[frozenset[str], frozenset[str]], list[Signature]] = {}
    for each in found:
        alike.setdefault((each.timed - by_signal, each.counted - by_signal), []).append(each)
    for members in alike.values():
        of_all = resolve(_union(members))
        fitting = [each for each in members if _same(each, resolve(each), of_all)]
        if fitting:
            yield fitting, of_all
        yield from (([each], resolve(each)) for each in members if each not in fitting)


def _union(members: list[Signature]) -> Signature:
    parts = zip(*((each.assets, each.timed, each.counted, each.recorded) for each in members), strict=True)
    return Signature(*(frozenset[str]().union(*part) for part in parts))


def _kinds(grains: frozenset[Grain]) -> Iterator[tuple[frozenset[Grain], pl.Expr]]:
    short = grains - _UNIT.keys()
    if short:
        yield short, _DAY.cast(pl.String)
    for grain in sorted(grains & _UNIT.keys()):
        yield frozenset({grain}), _UNIT[grain]


def _contents(atoms: pl.DataFrame, unit: pl.Expr) -> pl.DataFrame:
    rows = atoms.select(unit.alias("unit"), "asset", _TIMED.alias("timed"), _COUNTED.alias("counted"),
                        _RECORDED.alias("recorded"))  # fmt: skip
    return rows.group_by("unit", "asset").agg(pl.col("timed", "counted", "recorded").any())


def _signature(contents: pl.DataFrame) -> Signature:
    kinds = (frozenset(contents.filter(name)["asset"]) for name in ("timed", "counted", "recorded"))
    return Signature(frozenset(contents["asset"]), *kinds)


def _same(own: Signature, scopes: Scopes, whole: Scopes) -> bool:
    """Whether the pieces of a window contribute to the same in both."""
    return _effect(own, scopes) == _effect(own, whole)


def _effect(own: Signature, scopes: Scopes) -> tuple[object, ...]:
    sources = scopes.sources.filter(pl.col("asset").is_in(sorted(own.assets)))
    able = scopes.abilities.filter(pl.col("scope").is_in(sources["scope"].unique().implode()))
    roles = sources.drop("of_records", "of_own").sort("scope", "asset")  # without records there is nothing to add
    return roles.rows(), able.sort("scope").rows(), own.assets & scopes.counted
