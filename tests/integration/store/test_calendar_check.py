"""A site file whose shifts overlap is refused whole, with the asset, the date and the shifts."""

from copy import deepcopy
from typing import Any

import psycopg
import pytest

from store.errors import InvalidConfigurationError
from store.pool import connect
from store.registry import apply_site
from store.site_file import SiteFile
from tests.integration.kpi.plant import MACHINE, document
from tests.support.database import TestDatabase

LATE = {"shift": "B", "days": ["tue"], "start": "13:00", "end": "22:00"}


def apply(database: TestDatabase, site: dict[str, Any]) -> None:
    with connect(database.url, autocommit=True) as connection:
        apply_site(connection, SiteFile.model_validate(site))


def stored(database: TestDatabase) -> list[tuple[Any, ...]]:
    with psycopg.connect(database.url) as connection:
        return connection.execute("SELECT shift FROM shift_calendar").fetchall()


def test_overlapping_shifts_are_refused_and_nothing_is_stored(database: TestDatabase) -> None:
    site = deepcopy(document())
    site["calendars"][0]["shifts"].append(LATE)
    with pytest.raises(InvalidConfigurationError, match=r"shifts overlap: 'A' of \d{4}-\d\d-\d\d ends after 'B'"):
        apply(database, site)
    assert stored(database) == []


def test_the_asset_with_its_own_shifts_is_named(database: TestDatabase) -> None:
    own = {"asset": MACHINE, "shifts": [{**LATE, "shift": "A", "start": "06:00", "end": "14:00"}, LATE]}
    with pytest.raises(InvalidConfigurationError, match=f"asset '{MACHINE}'"):
        apply(database, document(calendars=[*document()["calendars"], own]))


def test_an_exception_that_opens_over_a_shift_is_refused_with_its_date(database: TestDatabase) -> None:
    apply(database, document())
    opened = {"date": "2027-03-02", "kind": "open", "shift": "X", "start": "12:00", "end": "18:00"}
    site = deepcopy(document())
    site["calendars"][0]["exceptions"] = [opened]
    with pytest.raises(InvalidConfigurationError, match="2027-03-02"):
        apply(database, site)
