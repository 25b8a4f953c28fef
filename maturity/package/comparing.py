"""What is stated beside what is recorded and what comes out again: equal, different, or not to be computed. Pure.

Numbers are equal within a relative 1e-9, whole numbers exactly.
"""

import math
from collections.abc import Iterator
from enum import StrEnum

import polars as pl

from kpi.catalogue import CATALOGUE
from maturity.package import layout
from maturity.package.compact import TEXT, compacted, plain

RELATIVE = 1e-9
_KEY = list(layout.VALUE_KEY)
_NUMBERS = ("value", "numerator", "denominator", "coverage", "completeness")
COMPARED = pl.Schema(
    {
        **{name: layout.VALUES[name] for name in _KEY},
        "value": pl.Float64(),
        "again": pl.Float64(),
        "verdict": pl.String(),
        "why": pl.String(),
    }
)
_FROM = {"again": "value_again", "why": "_why"}


class Verdict(StrEnum):
    """What computing again came to."""

    EQUAL = "equal"
    DIFFERENT = "different"
    NOT_RECOMPUTABLE = "cannot be recomputed"


def close(one: float | None, other: float | None) -> bool:
    """Whether two numbers count as the same."""
    if one is None or other is None:
        return one is other
    if one == other or (math.isnan(one) and math.isnan(other)):
        return True
    if one.is_integer() and other.is_integer():
        return False
    return abs(one - other) <= RELATIVE * max(abs(one), abs(other))


def compared(stated: pl.DataFrame, again: pl.DataFrame, why_not: pl.Expr) -> pl.DataFrame:
    """Set stated values beside recomputed ones.

    Args:
        stated: rows of layout.VALUES, compact.
        again: rows of kpi.rollup.rolling.VALUES, compact.
        why_not: why a stated value cannot be computed again, null where it can.

    Returns:
        Rows of COMPARED, one for every value on either side.
    """
    sides = (*_KEY, *_NUMBERS, "window_end")
    made = again.rename({"asset": "scope"}).select(*sides, is_made=True)
    of_days = ["grain", "production_day", "job"]  # what the package has anything of, it must have all of
    made = made.join(stated.select(of_days).unique(), on=of_days, how="semi")
    said = stated.select(*sides, "definition_version", why_not.alias("why"), is_stated=True)
    both = said.join(made, on=_KEY, how="full", coalesce=True, suffix="_again")
    known = {kpi: each.definition_version for kpi, each in CATALOGUE.items()}
    version = pl.col("kpi").cast(pl.String).replace_strict(known, default=None, return_dtype=pl.Int32)
    same = pl.all_horizontal(*(_same(name) for name in _NUMBERS), pl.col("window_end") == pl.col("window_end_again"))
    gone = pl.col("value").is_null() & pl.col("is_made").is_null()
    why = (
        pl.when(pl.col("is_stated").is_null())
        .then(pl.lit("the package lacks it"))
        .when(pl.col("why").is_not_null())
        .then("why")
        .when(version.is_null())
        .then(pl.lit("this version of haidang has no such KPI"))
        .when(version != pl.col("definition_version"))
        .then(pl.format("defined by version {}, here by version {}", "definition_version", version))
        .when(gone | same)
        .then(pl.lit(""))
        .when(pl.col("is_made").is_null())
        .then(pl.lit("it does not come out"))
        .when(_same("value"))
        .then(pl.lit("the value is the same, what it was made of is not"))
        .otherwise(pl.lit(""))
    )
    impossible = pl.col("why").is_not_null() | version.is_null() | (version != pl.col("definition_version"))
    verdict = (
        pl.when(pl.col("is_stated").is_null())
        .then(pl.lit(Verdict.DIFFERENT.value))
        .when(impossible)
        .then(pl.lit(Verdict.NOT_RECOMPUTABLE.value))
        .when(gone | same)
        .then(pl.lit(Verdict.EQUAL.value))
        .otherwise(pl.lit(Verdict.DIFFERENT.value))
    )
    rows = both.with_columns(verdict.alias("verdict"), why.alias("_why"))
    named = (pl.col(_FROM.get(name, name)).cast(dtype).alias(name) for name, dtype in COMPARED.items())
    return rows.select(named).sort(_KEY)


def log_differences(stated: pl.DataFrame, logged: pl.DataFrame) -> Iterator[str]:
    """Say where stated values are not those of the log, in both directions; everything but the time must be equal."""
    columns = [name for name in layout.VALUES if name in logged.columns]
    day = pl.col("production_day")
    for each in pl.concat([stated.select(day), logged.select(day)]).unique().sort(day).to_series():
        one, other = (side.filter(day.eq_missing(pl.lit(each, pl.Date))) for side in (stated, logged))
        yield from _differences_of_day(compacted(one.select(columns)), compacted(other.select(columns)))


def _differences_of_day(stated: pl.DataFrame, logged: pl.DataFrame) -> Iterator[str]:
    rest = [name for name in stated.columns if name not in _KEY]
    one, other = _by_key(stated), _by_key(logged)
    if one.equals(other):
        return
    both = one.with_columns(here=True).join(other.with_columns(there=True), on=_KEY, how="full", coalesce=True)
    differs = pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"{name}_right")) for name in rest)
    found = both.filter(differs | pl.col("here").is_null() | pl.col("there").is_null())
    for row in plain(found).sort(_KEY).iter_rows(named=True):
        named = named_value(row)
        if row["here"] is None:
            yield f"{named}: the log has {row['value_right']}, the package nothing"
        elif row["there"] is None:
            yield f"{named}: the package has {row['value']}, the log nothing"
        else:
            yield f"{named}: the package has {row['value']}, the log {row['value_right']}"


def named_value(row: dict[str, object]) -> str:
    """Name a value for a person."""
    window = [row[name] for name in ("grain", "production_day", "shift", "job", "product") if row[name]]
    variant = f" ({row['variant']})" if row["variant"] else ""
    return f"{row['kpi']}{variant} of {row['scope'] or 'the site'}, {' '.join(map(str, window))}"


def _same(name: str) -> pl.Expr:
    one, other = pl.col(name), pl.col(f"{name}_again")
    whole = (one == one.floor()) & (other == other.floor())
    near = (one - other).abs() <= RELATIVE * pl.max_horizontal(one.abs(), other.abs())
    return one.eq_missing(other) | (~whole & near).fill_null(value=False)


def _by_key(rows: pl.DataFrame) -> pl.DataFrame:
    """Sort compact rows by what names them; texts by their numbers, which is the same order for all frames."""
    order = (pl.col(name).to_physical() if rows.schema[name] == TEXT else pl.col(name) for name in _KEY)
    return rows.sort(*order)
