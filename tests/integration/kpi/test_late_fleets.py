"""Generated plants of which readings, events, corrections and records come late: nothing is missed.

What the job makes of each delivery alone must end where one computation of everything ends. A fleet is a few plants of
one site, each with signals, records and rules of its own; `long` (see docs/testing.md) runs a thousand plants.
"""

import os
from datetime import datetime
from random import Random
from typing import Any

import pytest

from kpi.catalogue import CATALOGUE
from kpi.rollup import rolling as rollup
from store.pool import connect
from store.registry import active_series
from tests.integration.kpi import late
from tests.integration.kpi.late_plants import deliveries, life_of, site_of
from tests.integration.kpi.plant import HOUR, MONDAY, Plant
from tests.support.database import TestDatabase

pytestmark = pytest.mark.needs_database
LONG = os.environ.get("HAIDANG_HYPOTHESIS_PROFILE") == "long"
FLEETS, PLANTS = (100, 10) if LONG else (1, 4)
FIRST = int(os.environ.get("HAIDANG_FIRST_FLEET", "0"))  # of the numbers, to run other fleets or one that failed
FLEETS = int(os.environ.get("HAIDANG_FLEETS", FLEETS))
SHARE = 8  # of the catalogue: the next fleet has the next part of it
LATER = 4 if LONG else 3  # deliveries after the first one
AFTER = MONDAY + 40 * 24 * HOUR
BEGIN = MONDAY - 26 * HOUR  # of what is said: days before and after the border of a week and of a month


@pytest.mark.parametrize("number", range(FIRST, FIRST + FLEETS))
def test_late_news_lead_where_one_computation_of_all_does(
    database: TestDatabase, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    kept = [kpi for at, kpi in enumerate(CATALOGUE) if at % SHARE == number % SHARE]
    monkeypatch.setattr(rollup, "CATALOGUE", {kpi: CATALOGUE[kpi] for kpi in kept})
    chance = Random(number)  # noqa: S311 - test data
    lines = [f"l{at}" for at in range(PLANTS)]
    plant = _plant(database, site := site_of(chance, lines))
    start = round(BEGIN.timestamp() * 1e6)
    everything = [
        said for asset in site["assets"] for said in life_of(chance, asset, asset["key"].split("/")[0], start)
    ]
    with late.working(plant) as work:
        before: list[tuple[datetime, set[object]]] = []
        for at, delivery in enumerate(deliveries(chance, everything, lines, LATER)):
            late.deliver(plant, delivery)
            work.run(AFTER + at * HOUR)
            before.append(_as_of(plant))
        late.check_history(plant)
        for instant, stood in before:
            assert set(map(str, plant.query(late.AS_OF, instant, instant))) == stood
        found = late.standing(plant)
        late.made_at_once(plant, work, AFTER + 10 * HOUR)
    assert late.differences(plant, found, late.standing(plant)) == []


def _as_of(plant: Plant) -> tuple[datetime, set[object]]:
    """The instant of the newest computation, and what stands since then."""
    instant = plant.query("SELECT max(computed_at) FROM kpi_value")[0][0]
    return instant, set(map(str, plant.query(late.AS_OF, instant, instant)))


def _plant(database: TestDatabase, site: dict[str, Any]) -> Plant:
    plant = Plant(database, **site)
    with connect(database.url, "test") as connection:
        found = active_series(connection, plant.site_id)
    plant.series = {f"{each.asset}/{each.name}": each.series_id for each in found}
    return plant
