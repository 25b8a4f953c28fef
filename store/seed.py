"""Write the emission factor sets that come with the product; repeating changes nothing."""

from datetime import date
from typing import Any

from model.data import emission_factor_sets
from store.pool import Connection
from store.queries import load


def seed(connection: Connection) -> None:
    """Insert the shipped factor sets that are not there yet, in one transaction."""
    sql = load("registry")
    with connection.transaction():
        for factor_set in emission_factor_sets():
            row = connection.execute(sql["insert_factor_set"], {**factor_set, "site_id": None}).fetchone()
            if row:
                insert_factors(connection, row[0], factor_set["factors"])


def insert_factors(connection: Connection, factor_set_id: int, factors: list[dict[str, Any]]) -> None:
    """Insert yearly factors ({zone, year, kg_per_kwh, status, origin, source}) of a set."""
    sql = load("registry")["insert_emission_factor"]
    for factor in factors:
        connection.execute(
            sql,
            {
                **factor,
                "factor_set_id": factor_set_id,
                "valid_from": date(factor["year"], 1, 1),
                "valid_to": date(factor["year"] + 1, 1, 1),
            },
        )
