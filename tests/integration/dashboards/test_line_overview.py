"""Every panel of the board against a filled database, as the role that Grafana has."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import psycopg
import pytest

from dashboards import line_overview
from dashboards.generate import boards
from dashboards.statements import statement
from tests.support import fill_dashboards as filled
from tests.support.database import Databases
from tests.support.fill_dashboards import LEFT_OUT_DAY, LEFT_OUT_HOUR, LINES, MONDAY, SITE, Factory, local
from tests.support.grafana import Asked, expand, panels, sql_of

pytestmark = pytest.mark.needs_database

BOARD = boards()["line-overview"]
PATHS = [f"{SITE}/{key}" for key in LINES]
ALL_DATA_PANELS = [panel["title"] for panel in panels(BOARD)]

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Grafana:
    """The board in front of the filled database."""

    connection: psycopg.Connection[dict[str, Any]]
    factory: Factory

    def shows(self, title: str, *, days: float, sql: str | None = None, **variables: str | list[str]) -> Rows:
        """Rows of a panel for a range that begins on the first Monday."""
        return self.between(title, local(MONDAY), local(MONDAY) + timedelta(days=days), sql=sql, **variables)

    def between(
        self, title: str, from_ts: datetime, to_ts: datetime, *, sql: str | None = None, **variables: str | list[str]
    ) -> Rows:
        """Rows of a panel (or of a statement) for a range and the choices of a person."""
        chosen: dict[str, str | list[str]] = {"site": SITE, "line": PATHS, "grain": "auto", "lang": "en"}
        return self.answer(sql or sql_of(BOARD, title), Asked(from_ts, to_ts, chosen | variables))

    def answer(self, sql: str, asked: Asked) -> Rows:
        return self.connection.execute(expand(sql, asked).encode()).fetchall()


@pytest.fixture(scope="module")
def grafana(databases: Databases) -> Iterator[Grafana]:
    with databases.clone() as database:
        factory = filled.fill(database.url, line_overview.KPIS)
        filled.decoys(database.url, factory, "oee")
        rows = psycopg.rows.dict_row
        with psycopg.connect(database.url_for("haidang_grafana"), row_factory=rows, autocommit=True) as connection:
            yield Grafana(connection, factory)


@pytest.mark.parametrize("days", [0.5, 3, 30, 300, 3000])
@pytest.mark.parametrize("title", ALL_DATA_PANELS)
def test_every_panel_answers_for_every_range(grafana: Grafana, title: str, days: float) -> None:
    rows = grafana.shows(title, days=days)
    panel = next(panel for panel in panels(BOARD) if panel["title"] == title)
    if panel["targets"][0]["format"] == "time_series":
        _assert_time_series(rows)


def _assert_time_series(rows: Rows) -> None:
    """What Grafana needs to turn rows into courses: time, one label, one number, no point twice, in order."""
    for row in rows:
        assert list(row) == ["time", "metric", "value"]
        assert isinstance(row["time"], datetime)
        assert isinstance(row["metric"], str)
        assert row["value"] is None or isinstance(row["value"], float)
    points = [(row["time"], row["metric"]) for row in rows]
    assert len(set(points)) == len(points)
    assert [row["time"] for row in rows] == sorted(row["time"] for row in rows)


@pytest.mark.parametrize("kpi", line_overview.KPIS)
@pytest.mark.parametrize(("days", "grain"), [(3, "hour"), (59, "day"), (120, "week"), (900, "month")])
def test_a_course_shows_the_stored_values_of_one_grain_and_nothing_else(
    grafana: Grafana, kpi: str, days: float, grain: str
) -> None:
    rows = grafana.shows("", days=days, sql=statement("kpi_series", kpi))
    _assert_time_series(rows)
    shown = {(row["time"], row["metric"]): row["value"] for row in rows if row["value"] is not None}
    last = (local(MONDAY) + timedelta(days=days)).date()  # its window may begin after midnight, with the first shift
    stored = {
        key: value
        for key, value in grafana.factory.of(kpi, grain).items()
        if value is not None and key[0].date() <= last
    }
    assert shown == stored
    assert stored


def test_the_grain_can_be_asked_for(grafana: Grafana) -> None:
    for grain in ("hour", "day", "week", "month", "shift"):
        rows = grafana.shows("", days=20, sql=statement("kpi_series", "energy"), grain=grain)
        shown = {(row["time"], row["metric"]) for row in rows if row["value"] is not None}
        assert shown
        assert shown <= grafana.factory.of("energy", grain).keys()


def test_windows_without_a_stored_value_are_null_and_so_a_gap(grafana: Grafana) -> None:
    hours = grafana.shows("", days=2, sql=statement("kpi_series", "oee"))
    assert next(row["time"] for row in hours if row["value"] is None and row["metric"] == "Filling 1") == LEFT_OUT_HOUR
    days = grafana.shows("", days=20, sql=statement("kpi_series", "oee"))
    gaps = {row["time"].astimezone(filled.ZONE).date() for row in days if row["value"] is None}
    assert gaps == {MONDAY, LEFT_OUT_DAY}  # a row without value, and no row at all


def test_each_course_of_the_board_draws_no_line_over_gaps() -> None:
    courses = [panel for panel in panels(BOARD) if panel["type"] == "timeseries"]
    assert courses
    assert all(panel["fieldConfig"]["defaults"]["custom"]["spanNulls"] is False for panel in courses)


def test_the_future_has_no_windows(grafana: Grafana) -> None:
    now = datetime.now(tz=filled.ZONE)
    sql = statement("kpi_series", "oee")
    rows = grafana.between("", now - timedelta(hours=3), now + timedelta(hours=30), sql=sql)
    assert rows
    assert max(row["time"] for row in rows) <= now


def test_only_the_chosen_lines_are_shown(grafana: Grafana) -> None:
    one = grafana.shows("", days=30, sql=statement("kpi_series", "oee"), line=PATHS[:1])
    assert {row["metric"] for row in one} == {"Filling 1"}
    nothing = grafana.shows("", days=30, sql=statement("kpi_series", "oee"), line=["demo/o'clock"])
    assert nothing == []


def test_produced_and_good_stand_side_by_side(grafana: Grafana) -> None:
    rows = grafana.shows("Produced and good quantity", days=3)
    good = grafana.factory.of("good_quantity", "hour")
    shown = {(row["time"], "Filling 1"): row["value"] for row in rows if row["metric"] == "Filling 1 · good quantity"}
    assert {key: value for key, value in shown.items() if value is not None} == {
        key: value for key, value in good.items() if key[1] == "Filling 1"
    }


def test_the_newest_stored_day_is_named_with_its_window(grafana: Grafana) -> None:
    rows = grafana.shows("", days=10.5, sql=statement("kpi_latest", "oee"))
    newest = local(MONDAY + timedelta(days=10), 6)
    assert rows == [
        {"line": line, "window": "2025-03-13", "value": grafana.factory.of("oee", "day")[newest, line]}
        for line in sorted(LINES.values())
    ]


def test_a_long_range_takes_the_newest_month(grafana: Grafana) -> None:
    rows = grafana.shows("", days=58, sql=statement("kpi_latest", "energy"))
    assert {row["window"] for row in rows} == {"2025-04"}


def test_a_newest_window_without_value_says_so_instead_of_showing_an_older_one(grafana: Grafana) -> None:
    rows = grafana.shows("", days=0.9, sql=statement("kpi_latest", "co2e_location"))
    assert [(row["window"], row["value"]) for row in rows] == [("2025-03-03 no factor", None)] * 2


def test_each_shift_is_a_series_of_its_own(grafana: Grafana) -> None:
    rows = grafana.shows("OEE by shift", days=20)
    _assert_time_series(rows)
    shown = {(row["time"], row["metric"]): row["value"] for row in rows if row["value"] is not None}
    until = local(MONDAY) + timedelta(days=20)
    assert shown == {
        (row.window_start, f"{row.line} · {row.shift}"): row.value
        for row in grafana.factory.values
        if (row.kpi, row.grain) == ("oee", "shift") and row.window_start <= until
    }
    gaps = {row["time"].astimezone(filled.ZONE).date() for row in rows if row["value"] is None}
    assert gaps == {LEFT_OUT_DAY}


def test_states_follow_the_stored_intervals_and_end_where_nothing_is_known(grafana: Grafana) -> None:
    rows = grafana.shows("States of the units", days=1)
    filler = [(row["time"], row["state"]) for row in rows if row["unit"] == "Filler (filling/line-1/filler)"]
    assert filler == [
        (local(MONDAY, 6), "production"),
        (local(MONDAY, 8), "delay/starved"),
        (local(MONDAY, 9), "delay/fault"),
        (local(MONDAY, 11), None),
        (local(MONDAY, 14), "production"),
        (local(MONDAY, 18), None),
    ]
    assert {row["unit"] for row in rows} == {
        "Capper",
        "Filler (filling/line-1/filler)",
        "Filler (packing/line-2/filler)",
    }


def test_a_state_that_began_before_the_range_begins_with_it(grafana: Grafana) -> None:
    rows = grafana.between("States of the units", local(MONDAY, 7), local(MONDAY, 12))
    assert [row["time"] for row in rows if row["unit"] == "Capper"] == [local(MONDAY, 7)]


@pytest.mark.parametrize(("first", "last", "shows"), [(0, 30, True), (-60, 30, True), (0, 32, False)])
def test_of_a_long_range_the_timeline_shows_the_last_31_days(
    grafana: Grafana, first: int, last: int, shows: bool
) -> None:
    """The stored states are those of day 0."""
    begin, end = (local(MONDAY) + timedelta(days=days) for days in (first, last))
    asked = Asked(begin, end, {"site": SITE, "line": PATHS}, panel_points=100_000)
    assert bool(grafana.answer(sql_of(BOARD, "States of the units"), asked)) is shows


def test_every_state_that_can_be_stored_has_a_text_and_a_colour(grafana: Grafana) -> None:
    panel = next(panel for panel in panels(BOARD) if panel["type"] == "state-timeline")
    known = panel["fieldConfig"]["defaults"]["mappings"][0]["options"]
    rows = grafana.shows("States of the units", days=1)
    assert {row["state"] for row in rows if row["state"]} <= known.keys()


def test_stops_are_named_by_reason_in_the_chosen_language_and_cut_at_the_range(grafana: Grafana) -> None:
    until = local(MONDAY, 10)
    english = grafana.between("Stops by reason", local(MONDAY), until)
    assert [tuple(row.values()) for row in english] == [
        ("Out of caps", 1.0, 1),
        ("delay: fault", 1.0, 1),  # two hours, of which one is inside
        ("setup", 1.0, 1),
    ]
    vietnamese = grafana.between("Stops by reason", local(MONDAY), until, lang="vi")
    assert "Hết nắp" in {row["reason"] for row in vietnamese}


def test_coverage_and_completeness_are_the_stored_ones(grafana: Grafana) -> None:
    rows = grafana.shows("Trust in OEE", days=3)
    _assert_time_series(rows)
    stored = grafana.factory.of("oee", "hour")
    for row in rows:
        line, part = row["metric"].split(" · ")
        value = stored.get((row["time"], line))
        assert row["value"] == (None if value is None else value / {"coverage": 2, "completeness": 4}[part])


def test_the_factor_set_stands_beside_the_carbon(grafana: Grafana) -> None:
    rows = grafana.shows("CO₂e: factor sets in use", days=3)
    assert [(row["line"], row["factor_set"], row["status"], row["windows"]) for row in rows] == [
        (line, *rest)
        for line in sorted(LINES.values())
        for rest in ((None, "no factor", 1), ("vn-grid v1", "final", 2))
    ]


def test_the_status_table_has_one_row_per_line_and_kpi(grafana: Grafana) -> None:
    rows = grafana.shows("Values and their status", days=10)
    assert {(row["line"], row["kpi"]) for row in rows} == {
        (line, kpi) for line in LINES.values() for kpi in line_overview.KPIS
    }
    assert len(rows) == len(LINES) * len(line_overview.KPIS)


def test_refused_messages_of_the_site_and_of_no_site(grafana: Grafana) -> None:
    rows = grafana.shows("Rejected messages", days=1)
    assert {row["reason"] for row in rows} == {"wrong_unit", "unknown_site"}
    assert "payload" not in rows[0]


def test_the_ledger_adds_up(grafana: Grafana) -> None:
    (row,) = grafana.shows("Ledger", days=1)
    assert row["time"] == local(MONDAY, 10)
    assert (row["received"], row["processed"], row["rejected"], row["redelivered"]) == (20, 14, 4, 2)
    assert (row["decoded"], row["stored"], row["missing_seq"]) == (100, 88, 10)
    assert (row["message_difference"], row["value_difference"]) == (0, 0)


def test_the_choices_of_site_and_line(grafana: Grafana) -> None:
    sites, lines = (variable["query"] for variable in BOARD["templating"]["list"][:2])
    offered = grafana.shows("", days=1, sql=sites)
    assert offered == [{"__text": "Demo", "__value": SITE}, {"__text": "Other", "__value": "other"}]
    assert grafana.shows("", days=1, sql=lines) == [
        {"__text": name, "__value": f"{SITE}/{key}"} for key, name in LINES.items()
    ]


def test_the_year_is_shown_in_coarser_rows_than_the_day(grafana: Grafana) -> None:
    sql = statement("kpi_series", "oee")
    steps = []
    for days in (2, 30, 300, 3000):
        times = sorted({row["time"] for row in grafana.shows("", days=days, sql=sql)})
        steps.append(max(after - before for before, after in pairwise(times)))
    assert steps == sorted(set(steps))
