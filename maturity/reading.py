"""Facts of a site from the database."""

from collections.abc import Iterable
from datetime import UTC, date, datetime

from kpi.stored_eras import registry_of_day
from maturity.facts import FRAMES, Declared, Facts
from store import maturity as rows
from store import registry
from store.pool import Connection


def read_facts(
    connection: Connection, site_key: str, last: date, kpis: Iterable[str], declared: Iterable[Declared] = ()
) -> Facts | None:
    """Read everything of a site up to a production day; null where it has no values by then.

    Values are read of these KPIs only, named as `read_values.kpis_of` names them: there are millions of all.
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
