import json
from pathlib import Path

import pytest
import yaml

from dashboards import generate
from dashboards.cli import run


def test_the_files_in_the_tree_are_what_the_code_makes() -> None:
    assert generate.drift() == [], "run `python -m dashboards build` and commit the result"


def test_building_again_gives_the_same_bytes() -> None:
    assert generate.files() == generate.files()


def test_build_writes_mends_and_removes(tmp_path: Path) -> None:
    assert generate.build(tmp_path) == sorted(generate.files())
    assert generate.build(tmp_path) == []
    board = tmp_path / "boards" / "line-overview.json"
    board.write_text(board.read_text("utf-8").replace("now-7d", "now-8d"), "utf-8")
    (tmp_path / "boards" / "of-yesterday.json").write_text("{}", "utf-8")
    assert generate.drift(tmp_path) == ["boards/line-overview.json", "boards/of-yesterday.json"]
    assert generate.build(tmp_path) == ["boards/line-overview.json", "boards/of-yesterday.json"]
    assert generate.drift(tmp_path) == []


def test_check_says_what_differs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["check"]) == 0
    monkeypatch.setattr(generate.drift, "__defaults__", (tmp_path,))
    assert run(["check"]) == 1
    assert "dashboards/generated/boards/line-overview.json" in capsys.readouterr().out


def test_generated_files_can_be_read() -> None:
    for name, text in generate.files().items():
        read = json.loads(text) if name.endswith(".json") else yaml.safe_load(text)
        assert isinstance(read, dict)


def test_no_secret_is_written_down() -> None:
    text = generate.files()["provisioning/datasources/haidang.yaml"]
    assert yaml.safe_load(text)["datasources"][0]["secureJsonData"] == {"password": "${HAIDANG_DB_PASSWORD_GRAFANA}"}
