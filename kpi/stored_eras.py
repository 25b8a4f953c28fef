"""Registries that held on production days, read from the database; see kpi/rollup/eras.py for what they are."""

from datetime import date
from zoneinfo import ZoneInfo

from kpi.rollup.eras import Era, eras_of, in_force_at
from model.registry import Site
from store import registry
from store.pool import Connection


def registry_of_day(connection: Connection, site_key: str, day: date) -> Site:
    """Read the registry whose settings a production day has."""
    return registry.snapshot(connection, site_key, in_force_at(registry.timezone(connection, site_key), day))


def changed_days(connection: Connection, site_id: int, zone: str) -> list[date]:
    """Production days from which on other settings hold, in order."""
    changes = registry.setting_changes(connection, site_id)
    return sorted({at.astimezone(ZoneInfo(zone)).date() for at in changes if at.year > date.min.year})


def stored_eras(connection: Connection, site: Site, first: date, last: date) -> tuple[Era, ...]:
    """Read the eras that the production days from first to last lie in; none where one registry held throughout."""
    changes = changed_days(connection, registry.site_id(connection, site.key), site.timezone)
    within = [day for day in changes if first < day <= last]
    if not within:
        return ()
    starts = [first, *within]
    return eras_of((day, registry.snapshot(connection, site.key, in_force_at(site.timezone, day))) for day in starts)
