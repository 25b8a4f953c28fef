"""What an assessment reads is what held on the last day of its period."""

from datetime import date, timedelta

import psycopg
import pytest

from maturity.reading import read_facts
from store.pool import connect
from tests.support.database import TestDatabase
from tests.support.fill import FILLER, SITE, fill, start_of

pytestmark = pytest.mark.needs_database
DAY = date(2026, 11, 4)


@pytest.mark.parametrize(("offset", "limit_us"), [(0, 60_000_000), (1, 300_000_000)])
def test_a_setting_of_the_next_local_day_does_not_count(database: TestDatabase, offset: int, limit_us: int) -> None:
    fill(database.url, DAY)
    with psycopg.connect(database.url) as owner:
        owner.execute(
            "DELETE FROM asset_setting WHERE asset_id IN (SELECT asset_id FROM asset WHERE key = %s)", [FILLER]
        )
        change = start_of(DAY + timedelta(days=offset))
        for limit, since, until in ((300_000_000, start_of(date(2020, 1, 1)), change), (60_000_000, change, None)):
            owner.execute(
                "INSERT INTO asset_setting (asset_id, site_id, micro_stop_limit_us, valid_from, valid_to) "
                "SELECT asset_id, site_id, %s, %s, %s FROM asset JOIN site USING (site_id) "
                "WHERE asset.key = %s AND site.key = %s",
                [limit, since, until, FILLER, SITE],
            )
    with connect(database.url_for("haidang_evidence"), autocommit=True) as connection:
        facts = read_facts(connection, SITE, DAY, ["oee"])
    assert facts is not None
    assert next(each for each in facts.site.assets if each.key == FILLER).micro_stop_limit_us == limit_us
