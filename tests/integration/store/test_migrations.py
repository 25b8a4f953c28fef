"""The schema that people read is the schema that migrations make, on the server of this run."""

from datetime import date
from importlib.resources import files

import psycopg
import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from store.errors import SchemaOutdatedError
from store.migrate import migrate
from store.revision import newest_revision, require_current, status
from tests.support.database import Databases, TestDatabase
from tests.support.fill import fill
from tests.support.schema import schema

# Everything that makes a schema: columns, constraints, indexes, views, functions, policies, rights.
CATALOGUE = {
    "columns": """
        SELECT table_name, column_name, data_type, udt_name, is_nullable, column_default, is_identity
        FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2""",
    "constraints": """
        SELECT c.conrelid::regclass::text, c.conname, pg_get_constraintdef(c.oid)
        FROM pg_constraint c JOIN pg_namespace n ON n.oid = c.connamespace WHERE n.nspname = 'public' ORDER BY 1, 2""",
    "indexes": "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1, 2",
    "views": "SELECT viewname, definition FROM pg_views WHERE schemaname = 'public' ORDER BY 1",
    "functions": """
        SELECT p.oid::regprocedure::text, pg_get_functiondef(p.oid), p.proacl::text
        FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE n.nspname = 'public' AND p.prokind = 'f' AND NOT EXISTS (
            SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e') ORDER BY 1""",
    "triggers": """
        SELECT tgrelid::regclass::text, tgname, pg_get_triggerdef(oid) FROM pg_trigger
        WHERE NOT tgisinternal AND tgrelid::regclass::text !~ '^_' ORDER BY 1, 2""",
    "policies": "SELECT tablename, policyname, roles::text, cmd, qual, with_check FROM pg_policies ORDER BY 1, 2",
    "rights": """
        SELECT grantee, table_name, privilege_type FROM information_schema.role_table_grants
        WHERE table_schema = 'public' AND grantee LIKE 'haidang%' ORDER BY 1, 2, 3""",
    "column rights": """
        SELECT grantee, table_name, column_name, privilege_type FROM information_schema.column_privileges
        WHERE table_schema = 'public' AND grantee LIKE 'haidang%' ORDER BY 1, 2, 3, 4""",
    "comments": """
        SELECT c.relname, a.attname, d.description FROM pg_description d JOIN pg_class c ON c.oid = d.objoid
        JOIN pg_namespace n ON n.oid = c.relnamespace
        LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.objsubid AND d.objsubid > 0
        WHERE n.nspname = 'public' ORDER BY 1, 2""",
}


def described(url: str) -> dict[str, list[tuple[object, ...]]]:
    with psycopg.connect(url) as connection:
        found = {name: connection.execute(query).fetchall() for name, query in CATALOGUE.items()}
    return {name: [row for row in rows if "alembic_version" not in row] for name, rows in found.items()}


def test_a_fresh_schema_equals_all_migrations(databases: Databases, database: TestDatabase) -> None:
    with databases.empty() as fresh:
        with psycopg.connect(fresh.url, autocommit=True) as connection:
            if database.has_timescaledb():
                connection.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
        with psycopg.connect(fresh.url) as connection:
            for part in schema():
                connection.execute(part)
        from_files, from_migrations = described(fresh.url), described(database.url)
    for name in CATALOGUE:
        assert from_files[name] == from_migrations[name], name
    assert from_files["columns"]


def test_migrating_twice_changes_nothing(database: TestDatabase) -> None:
    before = described(database.url)
    assert migrate(database.url).up_to_date
    assert described(database.url) == before


def test_an_empty_database_is_told_apart(empty_database: TestDatabase) -> None:
    assert status(empty_database.url).current is None
    with pytest.raises(SchemaOutdatedError, match="haidang db migrate"):
        require_current(empty_database.url)


def test_shipped_emission_factors_are_seeded_once(database: TestDatabase) -> None:
    migrate(database.url)
    with psycopg.connect(database.url) as connection:
        rows = connection.execute(
            "SELECT count(*), max(kg_per_unit) FILTER (WHERE valid_from = '2023-01-01') "
            "FROM emission_factor JOIN factor_set USING (factor_set_id) WHERE key = 'vn-grid' AND zone = 'VN'"
        ).fetchone()
    assert rows == (10, 0.6592)


def test_partitions_are_made_by_the_ingest_role_which_may_not_create_tables(database: TestDatabase) -> None:
    with psycopg.connect(database.url_for("haidang_ingest")) as connection:
        for _ in range(2):
            connection.execute("SELECT ensure_partitions('2026-03-01T23:00Z', '2026-03-03T01:00Z')")
        connection.execute("INSERT INTO reading VALUES ('2026-03-02T12:00Z', 1, 2.5, 0)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
            connection.execute("CREATE TABLE mine (x integer)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
            connection.execute("SELECT * FROM api_key")
        with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
            connection.execute("DELETE FROM reading")


def test_the_newest_revision_is_the_head_of_the_migrations() -> None:
    config = Config()
    config.set_main_option("script_location", str(files("store") / "migrations"))
    assert ScriptDirectory.from_config(config).get_current_head() == newest_revision()


def test_a_stolen_ingest_login_cannot_run_code_as_the_owner(database: TestDatabase) -> None:
    with psycopg.connect(database.url_for("haidang_ingest")) as connection:
        connection.execute("CREATE TEMP TABLE ledger_delta (hour timestamptz)")
        connection.execute("CREATE TEMP TABLE seen (who text)")
        connection.execute(
            "CREATE FUNCTION pg_temp.spy() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN INSERT INTO pg_temp.seen VALUES (current_user); RETURN OLD; END $$"
        )
        connection.execute(
            "CREATE TRIGGER spy AFTER DELETE ON pg_temp.ledger_delta FOR EACH ROW EXECUTE FUNCTION pg_temp.spy()"
        )
        connection.execute("INSERT INTO pg_temp.ledger_delta (hour) VALUES (now())")
        connection.execute("SELECT public.fold_ledger()")
        assert connection.execute("SELECT count(*) FROM pg_temp.seen").fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM pg_temp.ledger_delta").fetchone() == (1,)


def test_what_runs_as_the_owner_looks_into_temporary_tables_last(database: TestDatabase) -> None:
    with psycopg.connect(database.url) as owner:
        found = owner.execute(
            """SELECT proname, array_to_string(proconfig, ';') FROM pg_proc
            WHERE prosecdef AND pronamespace = 'public'::regnamespace"""
        ).fetchall()
    assert found
    assert {name: path for name, path in found if not str(path).endswith("pg_temp")} == {}


def test_a_filled_database_of_the_last_release_keeps_its_values(
    databases: Databases, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = "SELECT (SELECT count(*) FROM kpi_value), (SELECT count(*) FROM state_interval)"
    with databases.empty() as old:
        with monkeypatch.context() as then:
            upgrade = command.upgrade
            then.setattr(command, "upgrade", lambda config, _: upgrade(config, "0004_evidence"))
            assert migrate(old.url).current == "0004_evidence"
        fill(old.url, date(2026, 11, 4))
        with psycopg.connect(old.url) as owner:
            before = owner.execute(counted).fetchone()
        assert migrate(old.url).up_to_date
        with psycopg.connect(old.url) as owner:
            assert owner.execute(counted).fetchone() == before
            with pytest.raises(psycopg.errors.ForeignKeyViolation):
                owner.execute("DELETE FROM asset WHERE key = 'hall/line1/filler'")
