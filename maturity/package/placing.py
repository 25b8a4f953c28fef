"""Whether rows that no record of the log covers lie where they may: outside of the days that were computed. Pure.

Rows before the period, after it and of days that were never computed are signed, but not in the log. One of them inside
a computed day would be taken for one of the rows that are.
"""

from collections.abc import Iterator, Mapping
from datetime import date

import polars as pl

from kpi.running.work import DAY
from maturity.package import layout
from maturity.package.content import Package
from maturity.package.margins import margins_of, starts_of
from maturity.package.rows import RawDays

_FOLDER = "raw/readings/"
Instants = Mapping[str, int]
Span = tuple[Instants | None, Instants | None]  # begin and end on each asset, µs UTC; null = open


def misplaced(package: Package, raw: RawDays, configs: Mapping[date, str]) -> Iterator[str]:
    """Find readings members that belong to no day, and rows that lie outside of what their member is for.

    Args:
        package: of which the signature and the digests have been checked.
        raw: its readings.
        configs: digest of the registry of each day (`periods.configs_of_days`).
    """
    spans = _spans(package, raw.never, configs)
    days = map(layout.readings_of, package.manifest.days)
    for name in sorted({each for each in package.members if each.startswith(_FOLDER)} - {*spans, *days}):
        yield f"{name}: readings of a day that is not of the period, or was computed from others"
    series = package.frame(layout.SERIES_FILE, layout.SERIES).select("series_id", "series_key", "asset")
    for name, (begin, end) in spans.items():
        rows = raw.load(name).select("series_id", "ts").join(series, on="series_id")
        is_right = _is_since(begin, otherwise=True) & ~_is_since(end, otherwise=False)
        wrong = rows.filter(~is_right.fill_null(value=False))
        for key in wrong["series_key"].unique().sort():
            yield f"{name}: rows of {key} lie in days that were computed without them"


def _spans(package: Package, never: frozenset[date], configs: Mapping[date, str]) -> dict[str, Span]:
    """What each member without records is for."""
    days = package.manifest.days
    first, last = package.site(configs[days[0]]), package.site(configs[days[-1]])
    sites = {day: package.site(configs[day]) for day in days if day not in never}
    return {
        layout.BEFORE: (None, starts_of(first, days[0])),
        layout.AFTER: (starts_of(last, days[-1] + DAY), None),
        **{layout.margin_of(each.first): (each.begins(), each.ends()) for each in margins_of(days, never, sites)},
    }


def _is_since(instants: Instants | None, *, otherwise: bool) -> pl.Expr:
    """Tell whether a row is at or after the instant of its asset; null where the registry has no such asset."""
    if instants is None:
        return pl.lit(otherwise)
    return pl.col("ts") >= pl.col("asset").replace_strict(instants, default=None, return_dtype=pl.Int64)
