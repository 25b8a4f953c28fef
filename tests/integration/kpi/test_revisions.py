"""Revisions only go on: each value has one current row and a history without holes, whatever comes."""

from random import Random

import psycopg

from kpi.running.job import run_once
from tests.integration.kpi.plant import HOUR, MONDAY, SHIFT_START, Plant

AFTER = MONDAY + 40 * 24 * HOUR
WINDOW = "asset_id, kpi, variant, grain, production_day, window_start, shift, product, job"

SET_BACK = "UPDATE kpi_value SET computed_at = computed_at + '1 day', superseded_at = superseded_at + '1 day'"


def test_revisions_of_every_value_are_monotone(computed: Plant) -> None:
    plant, chance = computed, Random(5)  # noqa: S311 - test data
    for number in range(1, 4):
        if number == 3:  # the server's clock is set back by a day
            with psycopg.connect(plant.database.url) as connection:
                connection.execute(SET_BACK)
        at = SHIFT_START + chance.random() * 7 * HOUR
        plant.put("state", [(at, chance.choice(["HELD", "ABORTED"])), (at + HOUR / 4, "EXECUTE")])
        run_once(plant.kpi_url, now=AFTER + number * HOUR)
    rows = plant.query(
        f"SELECT array_agg(revision ORDER BY computed_at), count(*) FILTER (WHERE superseded_at IS NULL), "
        f"bool_and(superseded_at IS NULL OR superseded_at >= computed_at), "
        f"array_agg(superseded_at ORDER BY revision), array_agg(computed_at ORDER BY revision), "
        f"bool_and(revision = 1 OR cardinality(cause) > 0) FROM kpi_value GROUP BY {WINDOW}"
    )
    assert max(len(revisions) for revisions, *_ in rows) == 4
    for revisions, current, ordered, superseded, begun, caused in rows:
        assert revisions == list(range(1, len(revisions) + 1))
        assert (current, ordered, caused) == (1, True, True)
        assert superseded[:-1] == begun[1:]
