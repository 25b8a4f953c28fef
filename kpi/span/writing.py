"""Writing of a span: pieces and digests of its days, the values of their windows and of those around them."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import polars as pl

from kpi.building import Builder, Built, Fresh
from kpi.frames import ATOMS, INTERVAL_SERIES, Tables, conform
from kpi.marking import conflict_marks, marks_of, quality_marks
from kpi.running.parts import Done
from kpi.running.work import long_windows, without_pending
from kpi.span.handing import day_digests, jobs_of
from kpi.span.reading import Read
from kpi.span.scene import LONG, PIECES, SHORT, VALUES, Scene
from model.canonical import canonical_json, digest
from model.registry import Site
from store import derived, inputs
from store.pool import Connection
from store.series_quality import replace_quality


def write(scene: Scene, read: Read, done: Done, planned: frozenset[date]) -> tuple[int, int]:
    """Write a computed span; gives the numbers of new or replaced values and of revisions.

    The database takes the pieces in while the values of the days are rolled up from them: that needs no connection.
    """
    tables = done.tables
    fresh = Fresh(
        scene.span.days,
        conform(tables.atoms, ATOMS),
        conform(tables.interval_series, INTERVAL_SERIES),
        day_digests(scene, read, tables, done.digests),
        _marks(scene, tables),
    )
    builder = Builder(scene.connection, scene.place, scene.site, scene.now_us)
    wanted = long_windows(scene.span.days, jobs_of(scene, tables, planned))
    wanted = without_pending(wanted, (day for day in planned if day > scene.span.last))
    with ThreadPoolExecutor(1, "pieces") as thread:
        pieces = thread.submit(_write_pieces, scene, done)
        with scene.step("roll up", SHORT, "rolling up days"):
            short = builder.short(fresh, read.causes)
        with scene.step("pieces", PIECES, "writing pieces of days"):
            pieces.result()
    with scene.step("roll up", LONG, "rolling up weeks, months and jobs"):
        built = [short, builder.long(wanted, fresh, read.causes)]
    with scene.step("values", VALUES, f"writing {sum(len(part.values) for part in built):,} values"):
        return store_values(scene.connection, scene.place, scene.site, built)


def store_values(connection: Connection, place: derived.Place, site: Site, parts: Iterable[Built]) -> tuple[int, int]:
    """Store values with the registry that they were made with."""
    config, built = digest(site), list(parts)
    derived.keep_config(connection, place.site_id, config, canonical_json(site).decode())
    values, owned = pl.concat([part.values for part in built]), pl.concat([part.owned for part in built])
    return derived.write_values(connection, place, values, owned, config)


def _marks(scene: Scene, tables: Tables) -> pl.DataFrame:
    """What becomes a flag: counters first seen inside a day, conflicts between what was sent and what is stored."""
    conflicts = inputs.conflicts(scene.connection, scene.place.site_id, scene.whole)
    found = marks_of(tables.findings, scene.site, scene.span.days)
    quality = quality_marks(tables.quality, scene.site)
    return pl.concat([found, conflict_marks(conflicts, scene.site, scene.span.days), quality])


def _write_pieces(scene: Scene, done: Done) -> None:
    """Write pieces, and the digests of days that are over."""
    _replace_pieces(scene, done.tables)
    if scene.closed:
        closed = done.digests.filter(pl.col("production_day").is_in(scene.closed)).drop("active")
        derived.write_digests(scene.connection, scene.place.site_id, closed)


def _replace_pieces(scene: Scene, tables: Tables) -> None:
    """Write intervals, carry and those days of atoms and demand that differ from the stored ones."""
    bounds, days = derived.Days(scene.span.first, scene.span.last), list(scene.span.days)
    connection, place = scene.connection, scene.place
    atoms = conform(derived.stored_atoms(connection, place.site_id, bounds), ATOMS)
    derived.replace_atoms(connection, place, tables.atoms, _differing(atoms, tables.atoms, days))
    series = conform(derived.stored_interval_series(connection, place.site_id, bounds), INTERVAL_SERIES)
    changed = _differing(series, tables.interval_series, days)
    derived.replace_interval_series(connection, place, tables.interval_series, changed)
    derived.replace_intervals(connection, place, tables.intervals, days)
    derived.replace_carry(connection, place, tables.carry, days)
    replace_quality(connection, place.site_id, tables.quality, days)


def _differing(stored: pl.DataFrame, new: pl.DataFrame, days: list[date]) -> list[date]:
    """Days whose rows are not the stored ones."""
    order = new.columns
    before = stored.select(order).sort(order).partition_by("production_day", as_dict=True)
    after = new.sort(order).partition_by("production_day", as_dict=True)
    nothing = new.clear()
    return [day for day in days if not before.get((day,), nothing).equals(after.get((day,), nothing))]
