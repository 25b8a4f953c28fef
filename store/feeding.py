"""Which fields the imported records of a site hold."""

from model.vocabulary import EventKind
from store.pool import Connection
from store.queries import load


def record_fields(connection: Connection, site_id: int) -> frozenset[tuple[str, str]]:
    """Kinds and fields of the records that stand; ("event", "production_run") where production runs were reported."""
    parameters = {"site_id": site_id, "run": EventKind.PRODUCTION_RUN.value}
    rows = connection.execute(load("feeding")["record_fields"], parameters).fetchall()
    return frozenset((row[0], row[1]) for row in rows)
