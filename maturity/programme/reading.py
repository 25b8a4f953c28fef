"""Summaries and entries of a programme from the database."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any

from maturity.framework import Framework
from maturity.programme.summary import Assessed
from maturity.programme.view import Entry, ProgrammeView
from maturity.site_assessment import assess_site
from maturity.workflow import read
from store import assessments, programme, registry
from store.pool import Connection


def assessed(connection: Connection, framework: Framework, site: str, period: tuple[date, date]) -> Assessed:
    """The newest kept assessment of a site and period with what assessors confirmed; without one, a fresh one.

    Raises:
        InvalidConfigurationError: there is no such site.
    """
    site_id = registry.site_id(connection, site)
    kept = assessments.newest_of_period(connection, site_id, framework.key, period)
    if kept is None:
        return Assessed(assess_site(connection, framework, site, period).plain(), framework, {})
    found = read(connection, kept[0])
    levels = {key: stand.level for key, stand in found.confirmed.items()} if found.decisions else {}
    return Assessed(found.stored.result, found.framework, levels)


def entries(connection: Connection, framework: str, sites: Sequence[int] | None = None) -> list[Entry]:
    """The current assessment of each site (null = of all that the connection sees), local and imported."""
    return [_entry(connection, each) for each in programme.current(connection, framework, sites)]


def catalogue_of(connection: Connection, view: ProgrammeView, found: Sequence[Entry]) -> Framework | None:
    """The catalogue that the compared sites of a view were assessed with, for the names in it."""
    compared = {each.site for each in view.sites if each.compared}
    digest = next((each.catalogue for each in found if each.site in compared), None)
    content = assessments.framework(connection, digest) if digest else None
    return Framework.model_validate(content) if content else None


def now() -> datetime:
    """The time, UTC, to the second."""
    return datetime.now(UTC).replace(microsecond=0)


def _entry(connection: Connection, found: programme.CurrentAssessment) -> Entry:
    if found.origin == "imported":
        return Entry(found.site, found.name, "imported", found.result, _imported(found.result))
    kept = read(connection, found.assessment_id)
    confirmed = {key: stand.level for key, stand in kept.confirmed.items()} if kept.decisions else {}
    return Entry(found.site, found.name, "local", found.result, confirmed)


def _imported(result: dict[str, Any]) -> dict[str, int]:
    stands = [*result["principles"], *result["areas"]]
    return {each["key"]: each["confirmed"] for each in stands if each["confirmed"] is not None}
