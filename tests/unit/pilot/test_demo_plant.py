"""The demo's site file describes the plant that the simulator runs."""

from importlib.resources import files
from pathlib import Path

from pilot.demo import plant_file
from simulators.layout import describe
from store.site_file import SiteFile, read_site_file


def site_file() -> SiteFile:
    return read_site_file(Path(str(files("pilot.data") / "demo_plant.yaml")))


def test_units_and_meters_are_those_of_the_plant() -> None:
    plant, file = describe(), site_file()
    wanted = {unit["path"]: set(unit["signals"]) for line in plant["lines"] for unit in line["units"]}
    wanted |= {line["meter"]["path"]: set(line["meter"]["signals"]) for line in plant["lines"]}
    events = {"product", "job", "stop_reason"}
    units = {asset.key: asset for asset in file.assets if asset.level == "unit"}
    assert {key: {series.name for series in asset.series} for key, asset in units.items()} == {
        path: signals - events for path, signals in wanted.items()
    }


def test_ideal_cycles_are_those_of_the_plant() -> None:
    wanted = {
        (unit["path"], product): cycle
        for line in describe()["lines"]
        for unit in line["units"]
        for product, cycle in unit["ideal_cycles_s"].items()
    }
    assert {(part.asset, part.product): part.ideal_cycle_s for part in site_file().routings} == wanted


def test_shifts_and_the_free_night_are_those_of_the_plant() -> None:
    plant, (calendar, breaks) = describe(), site_file().calendars
    assert [(s.shift, f"{s.start:%H:%M}", f"{s.end:%H:%M}") for s in calendar.shifts] == [
        (shift["key"], shift["start"], shift["end"]) for shift in plant["shifts"]
    ]
    free = [(day, s.shift) for s in calendar.shifts for day in {"sun", "mon", "sat"} - set(s.days or ())]
    assert free == [(plant["free"]["day"], plant["free"]["shift"])]
    assert [f"{stop.start:%H:%M}" for stop in breaks.planned_stops] == [
        pause["start"] for pause in plant["lines"][0]["breaks"]
    ]


def test_a_value_is_due_as_often_as_the_plant_sends_one() -> None:
    told, plain = plant_file(30), site_file()
    due = {(series.name, series.expected_period_s) for asset in told.assets for series in asset.series}
    assert due == {(s.name, s.expected_period_s and 30.0) for asset in plain.assets for s in asset.series}
    assert plant_file(10) == plain
