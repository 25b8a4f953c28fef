"""Site files: what an engineer writes becomes rows, and each mistake is named with its place."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from store.errors import InvalidConfigurationError
from store.site_file import SiteFile, read_site_file
from store.site_rows import asset_rows, reason_rows, routing_rows, series_rows, setting_rows, shift_rows

SMALL: dict[str, Any] = {
    "site": {"key": "s", "name": "S", "timezone": "Asia/Ho_Chi_Minh"},
    "assets": [
        {"key": "a", "level": "area"},
        {"key": "a/l", "level": "line"},
        {
            "key": "a/l/u",
            "level": "unit",
            "micro_stop_limit_s": 90.5,
            "series": [{"name": "energy_kwh", "quantity": "active_energy"}],
        },
    ],
}


def written(folder: Path, **changes: object) -> Path:
    path = folder / "site.yaml"
    path.write_text(yaml.safe_dump({**SMALL, **changes}), "utf-8")
    return path


def test_parents_come_before_their_children(tmp_path: Path) -> None:
    levels = asset_rows(read_site_file(written(tmp_path)))
    assert [[(row["key"], row["parent"]) for row in level] for level in levels] == [
        [("", None)],
        [("a", "")],
        [("a/l", "a")],
        [("a/l/u", "a/l")],
    ]


def test_durations_become_whole_microseconds_and_quantities_bring_kind_and_unit(tmp_path: Path) -> None:
    file = read_site_file(written(tmp_path))
    assert setting_rows(file)[2]["micro_stop_limit_us"] == 90_500_000
    (series,) = series_rows(file)
    assert (series["kind"], series["unit"]) == ("counter", "kWh")


def test_shifts_by_weekday_and_by_day_of_a_longer_cycle(tmp_path: Path) -> None:
    weekly = {"shifts": [{"shift": "A", "days": ["mon", "sun"], "start": "06:00", "end": "14:00"}]}
    rotating = {
        "asset": "a/l",
        "anchor_date": "2026-01-01",
        "cycle_days": 8,
        "shifts": [{"shift": "B", "cycle_day": 7, "start": "22:00", "end": "06:00"}],
    }
    rows = shift_rows(read_site_file(written(tmp_path, calendars=[weekly, rotating])))
    assert [(row["asset"], row["shift"], row["cycle_days"], row["cycle_day"]) for row in rows] == [
        (None, "A", 7, 0),
        (None, "A", 7, 6),
        ("a/l", "B", 8, 7),
    ]


def test_a_list_may_be_a_csv_table(tmp_path: Path) -> None:
    (tmp_path / "molds.csv").write_text("mould,cycle,cavities\nM-1,36,4\nM-2,,\n,,\n", "utf-8")
    table = {
        "csv": "molds.csv",
        "columns": {"tool": "mould", "ideal_cycle_s": "cycle", "pieces_per_cycle": "cavities"},
        "constants": {"ideal_cycle_s": 20, "source": "table"},
    }
    rows = routing_rows(read_site_file(written(tmp_path, routings=table)))
    assert [(row["tool"], row["ideal_cycle_us"], row["pieces_per_cycle"], row["source"]) for row in rows] == [
        ("M-1", 36_000_000, 4, "table"),
        ("M-2", 20_000_000, 1, "table"),
    ]


def test_reasons_come_level_by_level() -> None:
    reasons = [{"key": "c", "parent": "b"}, {"key": "b", "parent": "a"}, {"key": "a"}]
    file = SiteFile.model_validate({**SMALL, "reasons": reasons})
    assert [[row["key"] for row in level] for level in reason_rows(file)] == [["a"], ["b"], ["c"]]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"site": {**SMALL["site"], "timezone": "Mars/Base"}}, "site.timezone: .*not an IANA time zone"),
        ({"assets": [{"key": "a/u", "level": "unit"}]}, "parent of a/u: asset 'a' is not in assets"),
        ({"assets": [{"key": "a", "level": "hall"}]}, "assets.0.level"),
        ({"colour": "red"}, "colour: Extra inputs"),
        ({"jobs": [{"asset": "a/l", "key": "1", "from": "2026-01-01T00:00Z", "product": "x"}]}, "product 'x' is used"),
        ({"routings": [{"ideal_cycle_s": 0}]}, "routings.0.ideal_cycle_s"),
        (
            {"calendars": [{"shifts": [{"shift": "A", "start": "06:00", "end": "14:00"}]}]},
            "either days .* or cycle_day",
        ),
        ({"calendars": [{"planned_stops": [{"key": "lunch", "start": "11:00"}]}]}, "either from and to"),
        ({"reasons": [{"key": "a", "parent": "b"}, {"key": "b", "parent": "a"}]}, "its own ancestor"),
        ({"products": {"csv": "gone.csv", "columns": {"key": "k"}}}, "gone.csv: No such file"),
    ],
)
def test_each_mistake_is_named_with_its_place(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidConfigurationError, match=message):
        read_site_file(written(tmp_path, **changes))


def test_a_delta_series_must_say_its_interval(tmp_path: Path) -> None:
    series = {"name": "kwh", "quantity": "active_energy", "kind": "delta"}
    with pytest.raises(InvalidConfigurationError, match="interval_s and interval_label"):
        read_site_file(written(tmp_path, assets=[{"key": "a", "level": "area", "series": [series]}]))


def test_text_that_is_not_yaml(tmp_path: Path) -> None:
    path = tmp_path / "site.yaml"
    path.write_text("site: {key: [", "utf-8")
    with pytest.raises(InvalidConfigurationError, match="is not YAML"):
        read_site_file(path)
