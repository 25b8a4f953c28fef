"""Assesses a site for its package, and writes down all that its criteria rest on and nobody can compute again."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import polars as pl

from maturity.archive import SiteArchive
from maturity.assessing import Assessment, assess
from maturity.errors import PackageError
from maturity.evaluate import Baseline
from maturity.facts import FRAMES, Declared, Facts
from maturity.framework import Framework
from maturity.package import layout
from maturity.package.criteria import About, facts_values
from maturity.package.parquet import to_parquet
from maturity.package.persons import records_without_persons, without_persons
from maturity.read_values import kpis_of
from maturity.reading import read_facts
from maturity.report.making import reports
from maturity.report.overview import KPIS, overview
from maturity.report.reading import read_kept
from maturity.report.review import Review
from maturity.report.view import NO_REVIEW
from model.canonical import canonical_json, digest
from store import maturity as rows
from store import registry
from store.pool import Connection

_KEY = ["scope", "kpi", "variant", "grain", "production_day", "shift", "job", "product", "from_us"]
_PAYLOADS = {"events": "payload", "alerts": "detail", "predictions": "detail"}


@dataclass(frozen=True)
class Stated:
    """Members of criteria."""

    members: Mapping[str, bytes]


def state(
    connection: Connection,
    frameworks: tuple[Framework, ...],
    site: str,
    period: tuple[date, date],
    values: pl.DataFrame,
) -> Stated:
    """Assess a site over a period, and say what the result rests on.

    Args:
        connection: of role haidang_evidence.
        frameworks: the catalogues.
        site: key of the site.
        period: first and last production day.
        values: that the package holds (layout.VALUES).
    """
    site_id = registry.site_id(connection, site)
    said = rows.declarations(connection, site_id, period[1])
    declared = [Declared(each.name, each.value, "", each.attachment) for each in said]  # free texts may name people
    every = kpis_of(frameworks).union(KPIS)
    known = read_facts(connection, site, period[1], every, declared)
    if known is None:
        raise PackageError(f"{site} has no values by {period[1]}.")
    known = _without_persons(known)
    frozen = {
        each.key: Baseline(each.value, each.first_day, each.last_day, each.version)
        for each in rows.baselines(connection, site_id)
    }
    members: dict[str, bytes] = {}
    claimed = {}
    for framework in frameworks:
        claimed[framework.key] = rows.claims(connection, site_id, framework.key)
        archive = SiteArchive(known, frozen, rule=framework.baseline)
        found = assess(framework, archive, site, period, claimed[framework.key])
        frozen = {**frozen, **archive.found}
        members[layout.criteria(framework.key)] = canonical_json(found.plain())
        members[layout.catalogue(framework.key)] = canonical_json(framework.plain())
        members |= _reports(found, known, _review(connection, found))
    about = About(digest(known.site), known.first, tuple(declared), frozen, claimed)
    members[layout.config(about.config)] = canonical_json(known.site)
    members[layout.FACTS_ABOUT] = canonical_json(about.plain())
    return Stated({**members, **_tables(known, facts_values(values, every), period)})


def _reports(found: Assessment, known: Facts, review: Review) -> dict[str, bytes]:
    """The report for people, with what assessors decided."""
    period = (found.first, found.last)
    made = reports(found, overview(known.window(*period), *period), review)
    return {layout.report(found.framework.key, *which): content for which, content in made.items()}


def _review(connection: Connection, found: Assessment) -> Review:
    """Decisions on the kept assessment of the same period and catalogue, where it found the same as this one.

    Comments stay at home, since they may name people; a document is named by its digest.
    """
    kept = read_kept(connection, found.site, found.framework.key, (found.first, found.last))
    if kept is None or kept[0].framework.plain() != found.framework.plain():
        return NO_REVIEW
    assessed, review = kept
    said = {
        name: replace(each, comment="")
        for name, each in review.decisions.items()
        if assessed.results[name].outcome is found.results[name].outcome
    }
    return Review(said, is_final=review.is_final)


def _without_persons(known: Facts) -> Facts:
    frames: dict[str, Any] = {name: without_persons(getattr(known, name), column) for name, column in _PAYLOADS.items()}
    return replace(known, records=records_without_persons(known.records), **frames)


def _tables(known: Facts, held: pl.DataFrame, period: tuple[date, date]) -> dict[str, bytes]:
    frames = {name: getattr(known, name) for name in FRAMES}
    frames["values"] = known.values.join(held.select(_KEY), on=_KEY, how="anti")
    frames["intervals"] = known.intervals.filter(pl.col("production_day") < period[0])
    return {layout.facts(name): to_parquet(_sorted(frame, FRAMES[name])) for name, frame in frames.items()}


def _sorted(frame: pl.DataFrame, schema: pl.Schema) -> pl.DataFrame:
    plain = [name for name, dtype in schema.items() if not isinstance(dtype, pl.List)]
    return frame.select(schema.names()).sort(plain)
