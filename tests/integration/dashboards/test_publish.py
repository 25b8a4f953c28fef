"""Publishing through grafana-client against the HTTP calls that Grafana answers."""

from collections.abc import Iterator

import pytest

from dashboards import datasource
from dashboards.cli import run
from dashboards.errors import PublishError
from dashboards.generate import boards
from dashboards.publish import publish
from tests.support.fake_grafana import TOKEN, FakeGrafana, running_grafana


@pytest.fixture
def grafana() -> Iterator[FakeGrafana]:
    with running_grafana() as server:
        server.data_sources.add(datasource.UID)
        yield server


def test_all_boards_arrive_in_a_folder_of_ours_and_again_change_nothing(grafana: FakeGrafana) -> None:
    first = publish(grafana.url, TOKEN)
    assert first == [f"{grafana.url}/d/{board['uid']}/board" for board in boards().values()]
    assert grafana.folders == {"haidang": "Hải Đăng"}
    assert publish(grafana.url + "/", TOKEN) == first
    assert list(grafana.boards.values()) == list(boards().values())


def test_a_missing_data_source_is_named(grafana: FakeGrafana) -> None:
    grafana.data_sources.clear()
    with pytest.raises(PublishError, match="no data source with the uid 'haidang-timescaledb'"):
        publish(grafana.url, TOKEN)
    assert not grafana.boards


def test_a_wrong_token_is_one_clear_line(grafana: FakeGrafana, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["publish", "--url", grafana.url, "--token", "wrong"]) == 1
    said = capsys.readouterr().out
    assert "Unauthorized" in said
    assert said.count("\n") == 1


def test_nobody_there_is_one_clear_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["publish", "--url", "http://127.0.0.1:9", "--token", TOKEN]) == 1
    assert "does not answer" in capsys.readouterr().out


def test_address_and_token_may_come_from_the_environment(
    grafana: FakeGrafana, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["publish"]) == 2
    monkeypatch.setenv("HAIDANG_GRAFANA_URL", grafana.url)
    monkeypatch.setenv("HAIDANG_GRAFANA_TOKEN", TOKEN)
    assert run(["publish"]) == 0
    assert "published" in capsys.readouterr().out
