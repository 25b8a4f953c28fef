"""What the roles of the services may not do: become the owner through a function that runs as its owner."""

import psycopg
import pytest

from tests.support.database import TestDatabase

pytestmark = pytest.mark.needs_database
SERVICES = ("haidang_ingest", "haidang_kpi", "haidang_api", "haidang_evidence", "haidang_grafana")
OWNERS_FUNCTIONS = """
    SELECT p.oid::regprocedure::text, p.proacl IS NULL OR EXISTS (
               SELECT FROM aclexplode(p.proacl) AS a WHERE a.grantee = 0 AND a.privilege_type = 'EXECUTE')
    FROM pg_proc AS p
    WHERE p.prosecdef AND p.pronamespace = 'public'::regnamespace
      AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.objid = p.oid AND d.deptype = 'e')
"""
HANG_ON_OWN_TABLE = """
    CREATE TEMPORARY TABLE mine (site_id integer, id integer);
    CREATE TRIGGER as_owner AFTER INSERT ON mine REFERENCING NEW TABLE AS changed
        FOR EACH STATEMENT EXECUTE FUNCTION note_registry_change('site', 'site_id');
"""


def test_what_runs_as_the_owner_is_not_for_everybody(database: TestDatabase) -> None:
    with psycopg.connect(database.url) as connection:
        found: dict[str, bool] = dict(connection.execute(OWNERS_FUNCTIONS).fetchall())
    assert "note_registry_change()" in found
    assert [name for name, for_everybody in found.items() if for_everybody] == []


@pytest.mark.parametrize("role", SERVICES)
def test_no_service_hangs_a_function_of_the_owner_on_a_table_of_its_own(database: TestDatabase, role: str) -> None:
    with (
        psycopg.connect(database.url_for(role)) as connection,
        pytest.raises(psycopg.errors.InsufficientPrivilege, match="note_registry_change"),
    ):
        connection.execute(HANG_ON_OWN_TABLE)


def test_the_triggers_of_the_owner_fire_for_those_who_may_not_call_them(database: TestDatabase) -> None:
    with psycopg.connect(database.url) as connection:
        connection.execute("INSERT INTO site (key, name, timezone) VALUES ('a', 'A', 'UTC')")
        connection.execute(
            "INSERT INTO asset (site_id, key, name, level) SELECT site_id, 'hall', 'Hall', 'unit' FROM site"
        )
    with psycopg.connect(database.url_for("haidang_ingest")) as connection:
        connection.execute(
            "INSERT INTO series (site_id, asset_id, name, quantity, unit, kind) "
            "SELECT site_id, asset_id, 'oil', 'pressure', 'bar', 'gauge' FROM asset"
        )
        rows = connection.execute("SELECT kind FROM registry_change ORDER BY at, kind DESC").fetchall()
    assert ("series",) in rows
