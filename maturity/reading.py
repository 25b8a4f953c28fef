"""Facts of a site from the database."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any

from kpi.stored_eras import registry_of_day
from maturity.facts import FRAMES, Declared, Facts
from maturity.framework import Framework
from store import maturity as rows
from store import registry
from store.pool import Connection

# What metrics of data properties read besides the KPIs that criteria name: of days, and of other grains.
ALWAYS = frozenset(
    {
        *("oee", "availability", "effectiveness", "quality_ratio", "production_time", "produced_quantity"),
        *("good_quantity", "scrap_quantity", "energy", "energy_submetered", "energy_performance", "co2e_location"),
        *("specific_co2e", "cpk", "hour/produced_quantity"),
        *("shift/oee", "shift/availability", "shift/effectiveness", "shift/quality_ratio"),
        *("shift/produced_quantity", "shift/good_quantity"),
        *("job/production_time", "job/good_quantity", "job/co2e_location"),
        *("product/production_time", "product/scrap_quantity"),
    }
)


def kpis_of(framework: Framework) -> frozenset[str]:
    """KPIs that the criteria of a framework read: by day, or by the grain that stands before the name (`shift/oee`)."""
    every = [each for criterion in framework.criteria for each in criterion.every_condition]
    direct = {each.metric.removeprefix("kpi.") for each in every if each.metric.startswith("kpi.")}
    return ALWAYS.union(direct, *(named_by(each.parameters) for each in every))


def named_by(parameters: Mapping[str, Any]) -> frozenset[str]:
    """KPIs that the parameters of a metric name, of days and of their grain, which is the shift where they say none."""
    if "kpi" not in parameters:
        return frozenset()
    return frozenset({str(parameters["kpi"]), f"{parameters.get('grain', 'shift')}/{parameters['kpi']}"})


def read_facts(
    connection: Connection, site_key: str, last: date, kpis: Iterable[str], declared: Iterable[Declared] = ()
) -> Facts | None:
    """Read everything of a site up to a production day; null where it has no values by then.

    Values are read of these KPIs only, named as `kpis_of` names them: there are millions of all.
    """
    site_id = registry.site_id(connection, site_key)
    known = rows.extent(connection, site_id)
    if known is None or known[0] > last:
        return None
    site = registry_of_day(connection, site_key, last)
    whole = Facts(site=site, first=known[0], last=last)
    low, high = (datetime.fromtimestamp(each / 1e6, UTC) for each in whole.bounds_us)
    parameters = rows.between(site_id, (whole.first, last), (low, high), kpis=sorted(kpis), site=site_key)
    frames = {name: rows.frame(connection, name, parameters, schema) for name, schema in FRAMES.items()}
    return Facts(site=site, first=whole.first, last=last, declared={each.name: each for each in declared}, **frames)
