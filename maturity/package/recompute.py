"""Every KPI of a package again, from its raw rows: days in spans with the registry that was in force, then weeks,
months and jobs from the pieces of the days. Pure computation of `kpi.compute` and `kpi.rollup.rolling`; bounded memory.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import groupby
from typing import Any

import polars as pl

from kpi.compute import compute, read_range
from kpi.frames import ATOMS, INTERVAL_SERIES, INTERVALS, SERIES, Inputs, Tables, conform, empty
from kpi.marking import marks_of, quality_marks
from kpi.rollup.eras import eras_of
from kpi.rollup.rolling import VALUES, RollupInputs, rollup
from kpi.rollup.windows import calendar_windows
from kpi.running.work import DAY, reach_of, windows_of_days
from maturity.day_context import Context
from maturity.errors import PackageError
from maturity.package import layout
from maturity.package.compact import compacted, plain
from maturity.package.content import Package
from maturity.package.longer import ALL_FINAL, Pieces
from maturity.package.periods import Plan
from maturity.package.rows import RawDays, Spans
from model.canonical import canonical_json
from model.registry import Site
from model.vocabulary import Grain

SPAN_ROWS = 2_000_000
MOST_SPAN_DAYS = 31
_SHORT = frozenset({Grain.HOUR, Grain.SHIFT, Grain.DAY, Grain.PRODUCT})
_SERIES_OF_SITE = [name for name in SERIES if name != "series_id"]
_COMPARED = [
    *("asset", *layout.VALUE_KEY[1:], "window_end"),
    *("value", "numerator", "denominator", "coverage", "completeness", "status"),
]
Progress = Callable[[int, int], None]


@dataclass
class Recomputation:
    """The pieces and values that came out, compact.

    Attributes:
        whole: keep all that is said of a value, as it is, not only what is compared.
    """

    whole: bool = False
    values: list[pl.DataFrame] = field(default_factory=list)
    atoms: list[pl.DataFrame] = field(default_factory=list)
    demand: list[pl.DataFrame] = field(default_factory=list)
    intervals: list[pl.DataFrame] = field(default_factory=list)
    marks: list[pl.DataFrame] = field(default_factory=list)

    def all_values(self) -> pl.DataFrame:
        """Rows of kpi.rollup.rolling.VALUES, or of those columns of it that are compared, compact."""
        return pl.concat([self._kept(empty(VALUES)), *self.values])

    def all_intervals(self) -> pl.DataFrame:
        """Rows of kpi.frames.INTERVALS."""
        return plain(pl.concat([compacted(empty(INTERVALS)), *self.intervals]))

    def keep(self, tables: Tables, values: pl.DataFrame, marks: pl.DataFrame) -> None:
        """Take what a span brought."""
        self.add(values)
        self.atoms.append(compacted(conform(tables.atoms, ATOMS)))
        self.demand.append(compacted(conform(tables.interval_series, INTERVAL_SERIES)))
        self.intervals.append(compacted(conform(tables.intervals, INTERVALS)))
        self.marks.append(marks)

    def add(self, values: pl.DataFrame) -> None:
        """Take values."""
        self.values.append(self._kept(values))

    def _kept(self, values: pl.DataFrame) -> pl.DataFrame:
        return values if self.whole else compacted(values.select(_COMPARED))


def recompute(
    package: Package, raw: RawDays, plan: Plan, progress: Progress | None = None, *, whole: bool = False
) -> Recomputation:
    """Compute every KPI that the package names and holds the inputs of.

    Args:
        package: of which the signature and the digests have been checked.
        raw: its readings.
        plan: which registry was in force on which day, and which longer windows are wanted.
        progress: told the days done and in all.
        whole: keep all that is said of a value, not only what is compared.
    """
    context, made, done = context_of(package), Recomputation(whole), 0
    spans = Spans(raw, _steep(map(package.site, sorted(set(plan.configs.values()))), raw.ids))
    carry: Mapping[str, Mapping[str, Any]] | None = None
    days = package.manifest.days
    for digest, of_span in _spans(plan, days, raw.expected):
        if digest is None:
            spans.skip(of_span)
            carry = {}
            continue
        site = package.site(digest)
        rows = spans.rows(of_span, read_range(site, of_span), _first_end(site, of_span[-1]))
        inputs = _inputs(site, of_span, raw.ids, context, rows)
        tables = compute(replace(inputs, carry=context.carry if carry is None else carry))
        _roll_up(made, site, of_span, tables)
        carry = _handed_on(tables, of_span[-1])
        done += len(of_span)
        if progress:
            progress(done, len(days))
    if plan.targets:
        runs = groupby(days, key=lambda day: plan.configs[day])
        eras = eras_of((next(of_run), package.site(digest)) for digest, of_run in runs)
        pieces = Pieces.of((days[0], days[-1]), made.atoms, made.demand, made.marks, eras)
        made.atoms, made.demand = [], []
        for target in plan.targets:
            for values in pieces.rolled_up(package.site(target.digest), target):
                made.add(values)
    return made


def context_of(package: Package) -> Context:
    """Read what a package holds besides readings.

    Raises:
        PackageError: a table or the carry is malformed.
    """
    frames = {name: package.frame(layout.raw_table(name), schema) for name, schema in layout.RAW_TABLES.items()}
    carry = package.json(layout.CARRY)
    try:
        is_canonical = isinstance(carry, dict) and canonical_json(carry) == package.read(layout.CARRY)
    except ValueError:  # a number that JSON of ours cannot have
        is_canonical = False
    if not is_canonical:
        raise PackageError(f"{layout.CARRY} is not written as it is hashed.")
    return Context(**frames, carry=carry)


def _spans(
    plan: Plan, days: tuple[date, ...], rows: Mapping[date, int]
) -> Iterator[tuple[str | None, tuple[date, ...]]]:
    """Cut days into spans of one registry and not too many rows; days that were never computed have no registry."""
    span: list[date] = []
    size = 0
    for day in days:
        weight = rows.get(day, 0)
        full = size + weight > SPAN_ROWS or len(span) >= MOST_SPAN_DAYS
        if span and (plan.in_force(day) != plan.in_force(span[-1]) or full):
            yield plan.in_force(span[-1]), tuple(span)
            span, size = [], 0
        span.append(day)
        size += weight
    yield plan.in_force(span[-1]), tuple(span)


def _steep(sites: Iterable[Site], ids: Mapping[str, int]) -> dict[int, bool]:
    """Counters with a highest rate, and whether a zero of them is none."""
    series = pl.concat([empty(SERIES), *(series_of(site, ids) for site in sites)])
    rows = series.filter(pl.col("kind") == "counter", pl.col("max_rate_per_s").is_not_null())
    return dict(rows.select("series_id", pl.col("counter_rule") == "false_zero").iter_rows())


def _inputs(site: Site, days: tuple[date, ...], ids: Mapping[str, int], context: Context, rows: pl.DataFrame) -> Inputs:
    low, high = read_range(site, days)
    whole = reach_of(windows_of_days(site, days))
    series = series_of(site, ids)
    return Inputs(
        site=site,
        days=days,
        series=series,
        readings=rows.filter(pl.col("series_id").is_in(series["series_id"].implode())),
        symbols=context.symbols,
        events=context.events_of(low, high),
        annotations=context.annotations_of(low, high),
        records=context.records_of(*whole),
    )


def series_of(site: Site, ids: Mapping[str, int]) -> pl.DataFrame:
    """The series of a registry that the package has, as the computation wants them."""
    rows = [
        {"series_id": ids[key], **{name: getattr(each, name) for name in _SERIES_OF_SITE}}
        for each in site.series
        if (key := series_key(site.key, each.asset, each.name)) in ids
    ]
    return pl.DataFrame(rows, SERIES, orient="row").sort("series_id")


def series_key(site: str, asset: str, name: str) -> str:
    """Name a series as digests do."""
    return "/".join(part for part in (site, asset, name) if part)


def _first_end(site: Site, day: date) -> int:
    return min(window.to_us for plan in windows_of_days(site, [day]).values() for window in plan)


def _handed_on(tables: Tables, day: date) -> dict[str, Mapping[str, Any]]:
    last = tables.carry.filter(pl.col("production_day") == day)
    return {asset: json.loads(payload) for asset, payload in last.select("asset", "payload").iter_rows()}


def _roll_up(made: Recomputation, site: Site, days: tuple[date, ...], tables: Tables) -> None:
    marks = pl.concat([marks_of(tables.findings, site, days), quality_marks(tables.quality, site)])
    given = RollupInputs(
        site=site,
        atoms=conform(tables.atoms, ATOMS),
        interval_series=conform(tables.interval_series, INTERVAL_SERIES),
        windows=calendar_windows(site, days[0] - DAY, days[-1] + DAY),
        now_us=ALL_FINAL,
        marks=marks,
    )
    made.keep(tables, rollup(given, _SHORT), marks)
