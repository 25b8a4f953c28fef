"""Write the emission factor sets that come with the product; repeating changes nothing."""

from datetime import date
from typing import Any

from model.data import emission_factor_sets, fuel_factor_sets
from store.extent import mark_all_data
from store.pool import Connection
from store.queries import load


def seed(connection: Connection) -> None:
    """Insert the shipped factor sets that are not there yet, in one transaction.

    Sites that use a set of which a newer version came are computed again.
    """
    with connection.transaction():
        for factor_set in (*emission_factor_sets(), *fuel_factor_sets()):
            if insert_factor_set(connection, None, factor_set):
                _mark_users(connection, factor_set)


def insert_factor_set(connection: Connection, site_id: int | None, factor_set: dict[str, Any]) -> bool:
    """Insert a set {key, version, name, source, factors, fuels}, shipped or a site's own; tell whether it was new."""
    head = {name: factor_set[name] for name in ("key", "version", "name", "source")}
    row = connection.execute(load("registry")["insert_factor_set"], {**head, "site_id": site_id}).fetchone()
    if row is None:
        return False
    _insert_factors(connection, row[0], factor_set["factors"])
    for fuel in factor_set.get("fuels", ()):
        connection.execute(load("registry")["insert_fuel_factor"], {**fuel, "factor_set_id": row[0]})
    return True


def _insert_factors(connection: Connection, factor_set_id: int, factors: list[dict[str, Any]]) -> None:
    sql = load("registry")["insert_emission_factor"]
    for factor in factors:
        connection.execute(
            sql,
            {
                "basis": "location",
                **factor,
                "factor_set_id": factor_set_id,
                "valid_from": date(factor["year"], 1, 1),
                "valid_to": date(factor["year"] + 1, 1, 1),
            },
        )


def _mark_users(connection: Connection, factor_set: dict[str, Any]) -> None:
    wanted = {"key": factor_set["key"], "version": factor_set["version"]}
    for (site_id,) in connection.execute(load("registry")["sites_on_shipped_set"], wanted).fetchall():
        mark_all_data(connection, site_id, "factor_set")
