"""All of a site's data computed again: one dirty mark from its first to its last recorded instant."""

from datetime import timedelta

from store.pool import Connection
from store.queries import load


def mark_all_data(connection: Connection, site_id: int, cause: str) -> None:
    """Ask for every day with data of a site again; a site without data gets no mark."""
    sql = load("registry")
    extent = connection.execute(sql["data_extent"], {"site_id": site_id}).fetchone()
    if extent is None or extent[0] is None:
        return
    connection.execute(
        sql["insert_dirty_mark"],
        {"site_id": site_id, "from_ts": extent[0], "to_ts": extent[1] + timedelta(microseconds=1), "cause": cause},
    )
