"""Stored pieces of a range of production days as the roll-up wants them: to fit, to attribute, to make again."""

from datetime import date

from kpi.errors import KpiError
from kpi.frames import ATOMS, INTERVAL_SERIES, conform, empty
from kpi.rollup.rolling import RollupInputs
from kpi.rollup.windows import calendar_windows
from kpi.stored_eras import registry_of_day, stored_eras
from store import derived, registry
from store.pool import Connection


def stored_pieces(connection: Connection, site_key: str, first: date, last: date) -> RollupInputs:
    """Read the pieces of the days (both included), with the registry in force after the last one.

    Raises:
        KpiError: nothing of these days is computed.
    """
    if last < first:
        raise KpiError(f"{last} is before {first}.")
    site, number = registry_of_day(connection, site_key, last), registry.site_id(connection, site_key)
    atoms = conform(derived.stored_atoms(connection, number, derived.Days(first, last)), ATOMS)
    if atoms.is_empty():
        raise KpiError(f"Nothing of {first} to {last} is computed; see `haidang kpi run`.")
    windows, eras = calendar_windows(site, first, last), stored_eras(connection, site, first, last)
    return RollupInputs(site, atoms, empty(INTERVAL_SERIES), windows, 0, eras=eras)
