"""What happens between two spans of a run: another process answers a mark, or this one dies."""

from datetime import date
from typing import Any

import pytest

from kpi.running.job import run_once
from kpi.running.recompute import Wanted, ask
from kpi.running.work import Span
from kpi.span import Office, SpanResult
from store.pool import connect
from tests.integration.kpi.plant import HOUR, MONDAY, SHIFT_START, Plant, only
from tests.support.database import TestDatabase

pytestmark = pytest.mark.needs_database
AFTER = MONDAY + 40 * 24 * HOUR
TUESDAY = date(2026, 3, 3)
run_span = Office.run_span


@pytest.fixture
def plant(database: TestDatabase, monkeypatch: pytest.MonkeyPatch) -> Plant:
    monkeypatch.setenv("HAIDANG_KPI_SPAN_DAYS", "1")
    only(monkeypatch, "good_quantity")
    return Plant(database)


def good(plant: Plant) -> list[float]:
    rows = plant.query(
        "SELECT sum(amount) FROM atom WHERE quantity = 'good' GROUP BY production_day ORDER BY production_day"
    )
    return [float(amount) for (amount,) in rows]


def test_what_a_day_hands_on_is_taken_up_although_the_mark_of_the_next_one_was_answered_meanwhile(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant.put("state", [(SHIFT_START, "EXECUTE")])
    plant.put("good_count", [(SHIFT_START, 100.0), (SHIFT_START + 25 * HOUR, 300.0)])
    run_once(plant.kpi_url, now=AFTER)
    plant.put("good_count", [(SHIFT_START + 7 * HOUR, 250.0)])
    plant.mark(SHIFT_START + 25 * HOUR, SHIFT_START + 26 * HOUR, "annotation")
    others: list[int] = []

    def another_comes_first(office: Office, span: Span, *more: Any) -> SpanResult | None:
        if not others and span.last < TUESDAY:
            others.append(1)
            with connect(plant.kpi_url) as connection:
                asked = ask(connection, Wanted("plant", TUESDAY, TUESDAY, "definition"), AFTER)
            run_once(plant.kpi_url, site=asked, now=AFTER)
            assert plant.query("SELECT cause FROM dirty_mark") == [("data",)]
        return run_span(office, span, *more)

    monkeypatch.setattr(Office, "run_span", another_comes_first)
    run_once(plant.kpi_url, now=AFTER)
    assert others
    assert sum(good(plant)) == pytest.approx(200.0), good(plant)
    assert plant.query("SELECT cause FROM dirty_mark") == []


def test_a_death_before_the_days_in_which_a_late_state_still_holds_leaves_its_mark(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant.put("state", [(SHIFT_START, "EXECUTE"), (SHIFT_START + 72 * HOUR, "EXECUTE")])
    run_once(plant.kpi_url, now=AFTER)
    plant.put("state", [(SHIFT_START + HOUR, "ABORTED")])

    def dies(office: Office, span: Span, *more: Any) -> SpanResult | None:
        if span.last >= TUESDAY:
            raise KeyboardInterrupt
        return run_span(office, span, *more)

    with monkeypatch.context() as patched:
        patched.setattr(Office, "run_span", dies)
        with pytest.raises(KeyboardInterrupt):
            run_once(plant.kpi_url, now=AFTER)
    run_once(plant.kpi_url, now=AFTER)
    rows = plant.query(
        "SELECT DISTINCT time_class FROM state_interval WHERE production_day = '2026-03-04' AND shift <> ''"
    )
    assert rows == [("delay",)]
    assert plant.query("SELECT cause FROM dirty_mark") == []
