"""Assesses a site of the database: reads its facts, freezes new baselines and enters them as evidence."""

from datetime import date

from maturity.archive import SiteArchive
from maturity.assessing import Assessment, Progress, assess
from maturity.evaluate import Baseline
from maturity.facts import Declared
from maturity.framework import Framework
from maturity.lint import require_sound
from maturity.log import EvidenceLog, Record, entries_that_are_new
from maturity.read_values import kpis_of
from maturity.reading import read_facts
from store import maturity as rows
from store import registry
from store.pool import Connection

BASELINE_KIND = "criterion_baseline"


def assess_site(
    connection: Connection,
    framework: Framework,
    site: str,
    period: tuple[date, date],
    progress: Progress | None = None,
) -> Assessment:
    """Assess a site over a period.

    Args:
        connection: of role haidang_evidence, autocommit.
        framework: the catalogue.
        site: key of the site.
        period: first and last production day.
        progress: told the criteria done and in all.

    Raises:
        UnknownSiteError: there is no such site.
        CatalogueError: the catalogue contradicts itself, or names a metric that the product does not have.
    """
    require_sound(framework)
    site_id = registry.site_id(connection, site)
    said = rows.declarations(connection, site_id, period[1])
    declared = [Declared(each.name, each.value, each.statement, each.attachment) for each in said]
    facts = read_facts(connection, site, period[1], kpis_of([framework]), declared)
    claimed = rows.claims(connection, site_id, framework.key)
    while True:
        archive = SiteArchive(facts, _frozen(connection, site_id), rule=framework.baseline)
        found = assess(framework, archive, site, period, claimed, progress=progress)
        if _freeze(connection, site_id, site, archive.found):
            return found


def _frozen(connection: Connection, site_id: int) -> dict[str, Baseline]:
    return {
        each.key: Baseline(each.value, each.first_day, each.last_day, each.version)
        for each in rows.baselines(connection, site_id)
    }


def _freeze(connection: Connection, site_id: int, site: str, found: dict[str, Baseline]) -> bool:
    """Freeze new baselines and enter them into the evidence log; false where somebody else froze another meanwhile."""
    if not found:
        return True
    records = {
        key: Record(
            BASELINE_KIND,
            f"{BASELINE_KIND}|{key}",
            {
                "kind": BASELINE_KIND,
                "version": baseline.version,
                "site": site,
                "key": key,
                "value": baseline.value,
                "first": baseline.first.isoformat(),
                "last": baseline.last.isoformat(),
            },
        )
        for key, baseline in sorted(found.items())
    }
    with connection.transaction():
        for key, baseline in sorted(found.items()):
            row = rows.FrozenBaseline(key, baseline.value, baseline.first, baseline.last, baseline.version)
            if not rows.freeze(connection, site_id, row):
                del records[key]
        EvidenceLog(connection).append(entries_that_are_new(records.values(), site_id, connection))
    return len(records) == len(found)
