"""What the days of a span were made of and what they hand to the day after."""

from collections.abc import Mapping
from datetime import date

import polars as pl

from kpi.compute.substances import counts_from
from kpi.digests import inputs_digest
from kpi.frames import Tables
from kpi.running.work import DAY, computed_after, windows_of_days
from kpi.span.reading import Read
from kpi.span.scene import Scene, bounds
from store import derived, inputs, marks


def day_digests(scene: Scene, read: Read, tables: Tables, rows: pl.DataFrame) -> dict[date, str]:
    """Digest all inputs per day; the carry of the day before belongs to them."""
    carried = {scene.span.first - DAY: read.carried}
    for (day,), part in tables.carry.partition_by("production_day", as_dict=True).items():
        carried[day] = dict(part.select("asset", "digest").iter_rows())
    return {day: inputs_digest(day, rows, _context(scene, read, day, carried)) for day in scene.span.days}


def jobs_of(scene: Scene, tables: Tables, planned: frozenset[date]) -> set[str]:
    """Jobs of the span, and those that the span before left open; one that may go on is left to the next span.

    The stored pieces are still those of before: jobs that have left the span are among them.
    """
    days = derived.Days(scene.span.first - DAY, scene.span.last)
    stored = derived.stored_jobs(scene.connection, scene.place.site_id, days)
    jobs = {*stored, *tables.atoms["job"].unique().to_list()}
    if scene.span.last + DAY in planned:
        of_last = tables.atoms.filter(pl.col("production_day") == scene.span.last)
        jobs -= set(of_last["job"].unique().to_list())
    return jobs - {""}


def pass_on(scene: Scene, read: Read, tables: Tables, planned: frozenset[date]) -> frozenset[int]:
    """Mark days after the span dirty, with its causes, when what the first of them is handed has changed."""
    following, site_id = scene.span.last + DAY, scene.place.site_id
    last = tables.carry.filter(pl.col("production_day") == scene.span.last)
    if following in planned or dict(last.select("asset", "digest").iter_rows()) == read.handed:
        return frozenset()
    days = computed_after(scene.span.last, marks.runs(scene.connection, site_id), scene.ahead)
    if not days:
        return frozenset()
    where = bounds(windows_of_days(scene.site, days))
    causes = frozenset().union(*read.causes.values()) - {"carry"} or {"carry"}
    return frozenset(marks.add_mark(scene.connection, site_id, where, cause) for cause in sorted(causes))


def _context(
    scene: Scene, read: Read, day: date, carried: Mapping[date, Mapping[str, str]]
) -> dict[str, list[list[str]] | Mapping[str, str]]:
    """What a day was made of besides readings."""
    whole = bounds({asset: tuple(w for w in plan if w.day == day) for asset, plan in scene.windows.items()})
    event_from, event_to = pl.coalesce("from_us", "ts"), pl.max_horizontal("to_us", pl.col("ts") + 1)
    context: dict[str, list[list[str]] | Mapping[str, str]] = {
        "events": _rows_within(read.inputs.events, event_from, event_to, whole),
        "annotations": _rows_within(read.inputs.annotations, pl.col("from_us"), pl.col("to_us"), whole),
        "carry": carried.get(day - DAY, {}),
    }
    if not read.inputs.records.is_empty():
        context["records"] = _rows_within(read.inputs.records, counts_from(), pl.col("to_us"), whole)
    return context


def _rows_within(frame: pl.DataFrame, start: pl.Expr, end: pl.Expr, whole: inputs.Range) -> list[list[str]]:
    """Rows of the range; what ends where it begins is of the time before it, which is not read with it alone."""
    rows = frame.filter(start < whole.to_us, end > whole.from_us).sort(frame.columns)
    return [[str(value) for value in row] for row in rows.iter_rows()]
