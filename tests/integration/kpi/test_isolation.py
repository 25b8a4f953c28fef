"""One site whose calendar contradicts itself does not keep the job from computing the others."""

from typing import Any

import psycopg
import pytest

from kpi.errors import SitesFailedError
from kpi.running.job import run_once
from store.pool import connect
from store.registry import apply_site
from store.site_file import SiteFile
from tests.integration.kpi.plant import HOUR, MONDAY, SHIFT_START, Plant, document
from tests.support.database import TestDatabase
from tests.support.service import Services
from tests.support.waiting import wait_until

AFTER = MONDAY + 40 * 24 * HOUR


@pytest.fixture
def plant(database: TestDatabase) -> Plant:
    """A good plant, and a site before it in order of key whose stored shifts overlap."""
    plant = Plant(database)
    plant.work_a_day()
    site: dict[str, Any] = {**document(), "site": {**document()["site"], "key": "bad"}}
    with connect(database.url, autocommit=True) as connection:
        apply_site(connection, SiteFile.model_validate(site))
    with psycopg.connect(database.url) as raw:
        raw.execute(
            "INSERT INTO shift_calendar (site_id, shift, anchor_date, cycle_days, cycle_day, start_local, end_local) "
            "SELECT site_id, 'B', '1970-01-05', 7, 0, '13:00', '22:00' FROM site WHERE key = 'bad'"
        )
        raw.execute(
            "INSERT INTO dirty_mark (site_id, from_ts, to_ts, cause) "
            "SELECT site_id, %s, %s, 'data' FROM site WHERE key = 'bad'",
            [SHIFT_START, SHIFT_START + HOUR],
        )
    return plant


def test_one_run_finishes_the_others_and_names_the_site(plant: Plant) -> None:
    with pytest.raises(SitesFailedError, match=r"site 'bad': shifts overlap: 'A' of .* after 'B' of ") as failed:
        run_once(plant.kpi_url, now=AFTER)
    assert set(failed.value.reasons) == {"bad"}
    assert "\n" not in str(failed.value)
    assert plant.value("good_quantity")["value"] == 2000.0


def test_the_service_goes_on_with_the_others(plant: Plant, services: Services) -> None:
    env = {"HAIDANG_DATABASE_URL": plant.kpi_url, "HAIDANG_KPI_POLL_S": "0.1", "HAIDANG_LOG_FORMAT": "json"}
    service = services.start("kpi", env=env)
    own = "SELECT count(*) FROM dirty_mark JOIN site USING (site_id) WHERE key = 'plant'"
    wait_until(lambda: plant.query(own) == [(0,)], timeout_s=60, what="marks of the good site answered")
    assert service.is_running
    assert '"site": "bad"' in service.log()
    assert "shifts overlap" in service.log()
    assert "Traceback" not in service.log()
    assert service.terminate() == 0
