"""Derived rows name assets of their site, without a foreign key that is looked up row by row."""

import psycopg
import pytest

from store.pool import connect
from store.registry import apply_site
from store.site_file import SiteFile
from tests.support.database import TestDatabase

pytestmark = pytest.mark.needs_database
INSERTS = {
    "state_interval": "(site_id, asset_id, production_day, from_ts, to_ts, time_class) "
    "SELECT {site}, {asset}, '2026-03-02', '2026-03-02T00:00Z', '2026-03-02T01:00Z', 'production'",
    "atom": "(site_id, asset_id, production_day, hour, quantity, amount) "
    "SELECT {site}, {asset}, '2026-03-02', '2026-03-02T00:00Z', 'energy', 1.0",
    "interval_series": "(site_id, asset_id, quantity, production_day, from_ts, interval_us, value) "
    "SELECT {site}, {asset}, 'active_power', '2026-03-02', '2026-03-02T00:00Z', 900000000, 1.0",
    "kpi_value": "(site_id, asset_id, kpi, grain, window_start, window_end, production_day, status, is_final, "
    "definition_version, config_digest, inputs_digest) SELECT {site}, {asset}, 'oee', 'hour', '2026-03-02T00:00Z', "
    "'2026-03-02T01:00Z', '2026-03-02', 'provisional', false, 1, '', ''",
}


@pytest.fixture
def assets(database: TestDatabase) -> dict[str, tuple[int, int]]:
    """Numbers of site and asset of two sites' machines."""
    with connect(database.url, "test", autocommit=True) as connection:
        for key in ("one", "two"):
            document = {"site": {"key": key, "name": key, "timezone": "UTC"}, "assets": [{"key": "m", "level": "unit"}]}
            apply_site(connection, SiteFile.model_validate(document))
        rows = connection.execute("SELECT s.key, s.site_id, a.asset_id FROM asset a JOIN site s USING (site_id)"
                                  " WHERE a.key = 'm'").fetchall()  # fmt: skip
    return {key: (site, asset) for key, site, asset in rows}


@pytest.mark.parametrize("table", sorted(INSERTS))
def test_rows_of_an_unknown_asset_or_of_another_site_are_refused(
    database: TestDatabase, assets: dict[str, tuple[int, int]], table: str
) -> None:
    site, asset = assets["one"]
    with connect(database.url_for("haidang_kpi"), "test", autocommit=True) as connection:
        for wrong in ({"site": site, "asset": 999_999}, {"site": assets["two"][0], "asset": asset}):
            with pytest.raises(
                psycopg.errors.ForeignKeyViolation, match=f"{table}: there is no asset {wrong['asset']}"
            ):
                connection.execute(f"INSERT INTO {table} {INSERTS[table].format(**wrong)}".encode())
        connection.execute(f"INSERT INTO {table} {INSERTS[table].format(site=site, asset=asset)}".encode())


def test_an_asset_with_derived_rows_is_not_deleted(database: TestDatabase, assets: dict[str, tuple[int, int]]) -> None:
    site, asset = assets["one"]
    with connect(database.url, "test", autocommit=True) as connection:
        connection.execute(f"INSERT INTO atom {INSERTS['atom'].format(site=site, asset=asset)}".encode())
        connection.execute("DELETE FROM asset_setting")  # has a foreign key of its own
        with pytest.raises(psycopg.errors.ForeignKeyViolation, match="retired, not deleted"):
            connection.execute("DELETE FROM asset WHERE asset_id = %s", [asset])
        connection.execute("DELETE FROM asset WHERE asset_id = %s", [assets["two"][1]])
