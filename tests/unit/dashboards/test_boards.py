"""The boards as Grafana's JSON model: the Foundation SDK's types read them back, and they are sound in themselves."""

import json
from itertools import combinations
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from dashboards import datasource, provisioning
from dashboards.generate import boards
from dashboards.line_overview import CARBON, ENERGY, FACTORS, KPIS, OUTPUT
from dashboards.states import palette
from kpi.catalogue import CATALOGUE
from model.vocabulary import Grain, SubClass, TimeClass
from tests.support.grafana import panels

BOARDS = boards()

Board = dict[str, Any]


@pytest.fixture(params=BOARDS)
def board(request: pytest.FixtureRequest) -> Board:
    return BOARDS[request.param]


def test_the_sdk_reads_back_what_it_wrote(board: Board) -> None:
    register_default_plugins()
    read = Dashboard.from_json(board)
    assert json.loads(json.dumps(read, cls=JSONEncoder)) == board


def test_uids_fit_grafana_and_differ() -> None:
    uids = [board["uid"] for board in BOARDS.values()]
    assert len(set(uids)) == len(uids)
    assert all(0 < len(uid) <= 40 for uid in uids)


def test_a_board_carries_no_number_of_one_database(board: Board) -> None:
    """An `id` would overwrite whatever board has that number on the server."""
    assert board.get("id") is None


def test_panel_ids_differ(board: Board) -> None:
    ids = [panel["id"] for panel in board["panels"]]
    assert len(set(ids)) == len(ids)


def test_titles_differ_and_every_panel_explains_itself(board: Board) -> None:
    titles = [panel["title"] for panel in panels(board)]
    assert len(set(titles)) == len(titles)
    assert all(len(panel["description"]) > 20 for panel in panels(board))


def test_panels_lie_on_the_grid_side_by_side(board: Board) -> None:
    places = [panel["gridPos"] for panel in board["panels"]]
    assert all(place["x"] + place["w"] <= 24 and place["w"] > 0 and place["h"] > 0 for place in places)
    for one, other in combinations(places, 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        below = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or below, (one, other)


def test_everything_refers_to_the_provisioned_data_source(board: Board) -> None:
    sources = provisioning.data_sources()["datasources"]
    assert isinstance(sources, list)
    known = {"type": sources[0]["type"], "uid": sources[0]["uid"]}
    assert known == {"type": datasource.TYPE, "uid": datasource.UID}
    for panel in panels(board):
        assert panel["datasource"] == known
        assert [target["datasource"] for target in panel["targets"]] == [known] * len(panel["targets"])
    queried = [variable for variable in board["templating"]["list"] if variable["type"] == "query"]
    assert [variable["datasource"] for variable in queried] == [known] * 2


def test_site_and_line_can_be_chosen(board: Board) -> None:
    names = [variable["name"] for variable in board["templating"]["list"]]
    assert names[:2] == ["site", "line"]


@pytest.mark.parametrize("kpi", KPIS)
def test_every_kpi_of_a_board_is_in_the_catalogue_in_all_grains_shown(kpi: str) -> None:
    shown = {Grain.HOUR, Grain.SHIFT, Grain.DAY, Grain.WEEK, Grain.MONTH}
    assert shown <= CATALOGUE[kpi].grains


def test_units_on_the_board_are_those_of_the_catalogue() -> None:
    assert {CATALOGUE[kpi].unit for kpi in FACTORS} == {"1"}
    assert {CATALOGUE[kpi].unit for kpi in OUTPUT} == {"piece"}
    assert [CATALOGUE[kpi].unit for kpi in ENERGY] == ["kWh", "kWh/piece", "kW"]
    assert CATALOGUE[CARBON].unit == "kg"


def test_every_state_has_a_look() -> None:
    shown = {value for value, _, _ in palette()}
    assert {time_class.value for time_class in TimeClass} <= shown
    assert {f"delay/{sub}" for sub in SubClass if sub} <= shown
    assert len(shown) == len(palette())
