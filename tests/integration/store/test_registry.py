"""Applying a site file to a real database, and reading it back as one snapshot."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from model.data import emission_factor_sets
from store.errors import InvalidConfigurationError
from store.pool import connect
from store.registry import active_series, apply_site, asset_ids, site_id, snapshot
from store.seed import seed
from store.site_file import SiteFile, read_site_file
from tests.support.database import TestDatabase
from tests.support.paths import ROOT

NOW = datetime(2026, 6, 1, tzinfo=UTC)
LATER = datetime(2999, 1, 1, tzinfo=UTC)  # after whatever is changed now
DOCUMENT: dict[str, Any] = {
    "site": {
        "key": "plant",
        "name": "Plant",
        "timezone": "Asia/Ho_Chi_Minh",
        "grid_zone": "VN",
        "factor_set": "vn-grid",
    },
    "assets": [
        {"key": "hall", "level": "area"},
        {"key": "hall/line", "level": "line", "roll_up": "constraint", "constraint": "hall/line/m"},
        {
            "key": "hall/line/m",
            "level": "unit",
            "series": [{"name": "state", "quantity": "state"}, {"name": "good_count", "quantity": "good_count"}],
        },
    ],
    "state_map": [{"state": "RUN", "time_class": "production"}],
    "products": [{"key": "p"}],
    "routings": [{"product": "p", "ideal_cycle_s": 2.5, "asset": "hall/line/m"}],
    "calendars": [
        {
            "shifts": [{"shift": "A", "days": ["mon"], "start": "22:00", "end": "06:00"}],
            "exceptions": [{"date": "2026-04-30", "kind": "closed"}],
            "planned_stops": [{"key": "tea", "start": "00:00", "end": "00:15"}],
        }
    ],
    "jobs": [{"asset": "hall/line/m", "key": "J1", "from": "2026-01-01T00:00+07:00", "product": "p"}],
    "reasons": [{"key": "mech", "time_class": "delay", "sub_class": "fault"}, {"key": "belt", "parent": "mech"}],
    "targets": [{"kpi": "oee", "value": 0.8}],
    "tariffs": [
        {
            "key": "t",
            "valid_from": "2026-01-01",
            "source": "own",
            "origin": "default",
            "periods": [{"period": "peak", "days": ["mon"], "start": "09:30", "end": "11:30"}],
        }
    ],
}


def changed(document: dict[str, Any], **parts: object) -> SiteFile:
    return SiteFile.model_validate({**document, **parts})


def test_applying_twice_changes_nothing(database: TestDatabase) -> None:
    with connect(database.url) as connection:
        first = apply_site(connection, changed(DOCUMENT))
        second = apply_site(connection, changed(DOCUMENT))
        with pytest.raises(InvalidConfigurationError, match=r"^Site 'plnt' is not known: .* Known: plant\.$"):
            site_id(connection, "plnt")
    assert first["asset"] == 4
    assert set(second.values()) == {0}


def test_the_snapshot_says_what_the_file_said(database: TestDatabase) -> None:
    with connect(database.url) as connection:
        apply_site(connection, changed(DOCUMENT))
        site = snapshot(connection, "plant", NOW)
        series = active_series(connection, 1)
        assets = asset_ids(connection, 1)
    assert [asset.key for asset in site.assets] == ["", "hall", "hall/line", "hall/line/m"]
    assert site.assets[2].constraint_key == "hall/line/m"
    assert [(item.asset, item.name) for item in site.series] == [(row.asset, row.name) for row in series]
    assert set(assets) == {asset.key for asset in site.assets}
    assert (site.routings[0].ideal_cycle_us, site.routings[0].asset, site.routings[0].product) == (
        2_500_000,
        "hall/line/m",
        "p",
    )
    assert (site.shifts[0].start, site.shifts[0].cycle_day) == ("22:00:00", 0)
    assert site.exceptions[0].date == "2026-04-30"
    assert site.planned_stops[0].key == "tea"
    assert site.jobs[0].from_us == int(datetime(2025, 12, 31, 17, tzinfo=UTC).timestamp()) * 1_000_000
    assert [(rule.state, rule.time_class) for rule in site.state_rules] == [("RUN", "production")]
    assert site.factor_set == "vn-grid/1"
    assert {factor.valid_from: factor.kg_per_kwh for factor in site.emission_factors}["2023-01-01"] == 0.6592
    assert site.tariffs[0].periods[0].weekdays == (0,)


def test_what_left_the_file_leaves_calendar_and_routings(database: TestDatabase) -> None:
    with connect(database.url) as connection:
        apply_site(connection, changed(DOCUMENT))
        result = apply_site(connection, changed(DOCUMENT, calendars=[], routings=[]))
        site = snapshot(connection, "plant", NOW)
    assert (site.shifts, site.exceptions, site.planned_stops, site.routings) == ((), (), (), ())
    assert result["routing"] == result["calendar_exception"] == result["planned_stop"] == 1


def test_settings_change_from_an_instant_on_and_the_past_keeps_its_own(database: TestDatabase) -> None:
    later = [{**DOCUMENT["assets"][0]}, *DOCUMENT["assets"][1:2]]
    machine = {**DOCUMENT["assets"][2], "micro_stop_limit_s": 60, "valid_from": "2026-05-01T00:00Z"}
    with connect(database.url) as connection:
        apply_site(connection, changed(DOCUMENT))
        apply_site(connection, changed(DOCUMENT, assets=[*later, machine]))
        before = snapshot(connection, "plant", datetime(2026, 4, 1, tzinfo=UTC))
        after = snapshot(connection, "plant", NOW)
    assert (before.assets[3].micro_stop_limit_us, after.assets[3].micro_stop_limit_us) == (300_000_000, 60_000_000)


def test_a_change_asks_for_the_days_with_data_again(database: TestDatabase) -> None:
    with connect(database.url) as connection:
        apply_site(connection, changed(DOCUMENT))
        connection.execute("SELECT ensure_partitions('2026-05-01T00:00Z', '2026-05-03T00:00Z')")
        connection.execute(
            "INSERT INTO reading SELECT ts, series_id, 1, 0 FROM series, "
            "unnest(ARRAY['2026-05-01T01:00Z', '2026-05-02T01:00Z']::timestamptz[]) AS ts"
        )
        apply_site(connection, changed(DOCUMENT, calendars=[]))
        apply_site(connection, changed(DOCUMENT, calendars=[], targets=[]))
        marks = connection.execute("SELECT from_ts, to_ts, cause FROM dirty_mark").fetchall()
    assert [(row[0].isoformat(), row[1].isoformat(), row[2]) for row in marks] == [
        ("2026-05-01T01:00:00+00:00", "2026-05-02T01:00:00.000001+00:00", "calendar")
    ]


def test_a_holiday_or_an_exception_asks_for_the_days_around_it_only(database: TestDatabase) -> None:
    calendar = DOCUMENT["calendars"][0]
    closed = {**calendar, "exceptions": [*calendar["exceptions"], {"date": "2026-05-20", "kind": "closed"}]}
    with connect(database.url) as connection:
        apply_site(connection, changed(DOCUMENT, calendars=[calendar]))
        connection.execute("SELECT ensure_partitions('2026-05-01T00:00Z', '2026-05-31T00:00Z')")
        connection.execute(
            "INSERT INTO reading SELECT ts, series_id, 1, 0 FROM series, "
            "unnest(ARRAY['2026-05-01T01:00Z', '2026-05-30T01:00Z']::timestamptz[]) AS ts"
        )
        apply_site(connection, changed(DOCUMENT, calendars=[closed]))
        holidays = {**DOCUMENT["site"], "holidays": ["2026-05-11", "2026-05-12", "2027-01-01"]}
        connection.execute("DELETE FROM site_holiday WHERE local_date <> '2026-05-11'")
        apply_site(connection, changed(DOCUMENT, calendars=[closed], site=holidays))
        connection.execute("SET timezone = 'Asia/Ho_Chi_Minh'")
        marks = connection.execute(
            "SELECT from_ts::timestamp::text, to_ts::timestamp::text, cause FROM dirty_mark ORDER BY dirty_mark_id"
        ).fetchall()
    assert marks == [
        ("2026-05-19 00:00:00", "2026-05-22 00:00:00", "calendar"),
        ("2026-05-10 00:00:00", "2026-05-14 00:00:00", "calendar"),
    ]


OWN_SET: dict[str, Any] = {
    "key": "own",
    "name": "Own factors",
    "source": "supplier",
    "factors": [
        {"zone": "VN", "year": 2026, "kg_per_kwh": 0.5, "status": "own", "origin": "stated", "source": "contract"}
    ],
}


def record_a_day(connection: psycopg.Connection[Any]) -> None:
    """One reading of every series, so that there is something to compute again."""
    connection.execute("SELECT ensure_partitions('2026-05-01T00:00Z', '2026-05-02T00:00Z')")
    connection.execute("INSERT INTO reading SELECT '2026-05-01T01:00Z', series_id, 1, 0 FROM series")


def causes(connection: psycopg.Connection[Any]) -> list[str]:
    """Why days were asked for again since the last time."""
    rows = connection.execute(
        "WITH d AS (DELETE FROM dirty_mark RETURNING *) SELECT cause FROM d ORDER BY 1"
    ).fetchall()
    return [row[0] for row in rows]


def test_each_cause_of_one_change_is_noted(database: TestDatabase) -> None:
    no_zone = {**DOCUMENT["site"], "grid_zone": None}
    with connect(database.url) as connection:
        apply_site(connection, changed(DOCUMENT))
        record_a_day(connection)
        apply_site(connection, changed(DOCUMENT, calendars=[], factor_sets=[OWN_SET]))
        both = causes(connection)
        apply_site(connection, changed(DOCUMENT, calendars=[], factor_sets=[OWN_SET], site=no_zone))
        only_zone = causes(connection)
        other = {**no_zone, "factor_set": "own"}
        apply_site(connection, changed(DOCUMENT, calendars=[], factor_sets=[OWN_SET], site=other))
        only_set = causes(connection)
        more = {**other, "grid_zone": "VN", "lateness_s": 60}
        apply_site(connection, changed(DOCUMENT, calendars=[], factor_sets=[OWN_SET], site=more))
        more_than_factors = causes(connection)
    assert (both, only_zone, only_set) == (["calendar", "factor_set"], ["factor_set"], ["factor_set"])
    assert more_than_factors == ["registry"]


def test_other_factors_under_a_known_version_are_refused(database: TestDatabase) -> None:
    edited = {**OWN_SET, "factors": [{**OWN_SET["factors"][0], "kg_per_kwh": 0.4}]}
    refused = pytest.raises(InvalidConfigurationError, match="factor set own version 1 is stored with other factors")
    with connect(database.url) as connection:
        apply_site(connection, changed(DOCUMENT, factor_sets=[OWN_SET]))
        again = apply_site(connection, changed(DOCUMENT, factor_sets=[OWN_SET]))
        with refused:
            apply_site(connection, changed(DOCUMENT, factor_sets=[edited]))
        raised = apply_site(connection, changed(DOCUMENT, factor_sets=[OWN_SET, {**edited, "version": 2}]))
    assert (set(again.values()), raised["factor_set"]) == ({0}, 1)


def test_a_newer_shipped_version_asks_for_the_sites_that_use_the_set(
    database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    (shipped,) = (each for each in emission_factor_sets() if each["key"] == "vn-grid")
    second = {**shipped, "version": shipped["version"] + 1}
    site = DOCUMENT["site"]
    with connect(database.url) as connection:
        apply_site(connection, changed(DOCUMENT))
        apply_site(connection, changed(DOCUMENT, site={**site, "key": "without", "factor_set": None}))
        own = [{**OWN_SET, "key": "vn-grid"}]
        apply_site(connection, changed(DOCUMENT, site={**site, "key": "own-set"}, factor_sets=own))
        record_a_day(connection)
        monkeypatch.setattr("store.seed.emission_factor_sets", lambda: [shipped, second])
        seed(connection)
        seed(connection)
        marks = connection.execute("SELECT key, cause FROM dirty_mark JOIN site USING (site_id)").fetchall()
        in_force = snapshot(connection, "plant", NOW).factor_set
    assert marks == [("plant", "factor_set")]
    assert in_force == f"vn-grid/{second['version']}"


def statuses(connection: psycopg.Connection[Any]) -> dict[str, str]:
    """Status of every asset, and of every series as `asset:name`."""
    rows = connection.execute(
        "SELECT key, status FROM asset "
        "UNION ALL SELECT key || ':' || s.name, s.status FROM series s JOIN asset USING (asset_id)"
    )
    return dict(rows.fetchall())


def test_declared_assets_and_series_that_left_the_file_retire_and_can_come_back(database: TestDatabase) -> None:
    machine = DOCUMENT["assets"][2]
    fewer = [*DOCUMENT["assets"], {**machine, "key": "hall/line/n"}]
    less = changed(DOCUMENT, assets=[*DOCUMENT["assets"][:2], {**machine, "series": machine["series"][:1]}])
    with connect(database.url) as connection:
        apply_site(connection, changed(DOCUMENT, assets=fewer))
        propose(connection)
        record_a_day(connection)
        first = apply_site(connection, less)
        retired = statuses(connection)
        second = apply_site(connection, less)
        marked = causes(connection)
        kept = connection.execute("SELECT count(*) FROM reading").fetchone()
        known = [asset.key for asset in snapshot(connection, "plant", LATER).assets]
        apply_site(connection, changed(DOCUMENT, assets=fewer))
        back = statuses(connection)
    assert (first["asset"], first["series"], set(second.values()), marked) == (1, 3, {0}, ["registry"])
    gone = {"hall/line/n", "hall/line/n:state", "hall/line/n:good_count", "hall/line/m:good_count"}
    assert {key for key, status in retired.items() if status == "retired"} == gone
    proposed = {"hall/found", "hall/found:power_kw", "hall/line/m:heat"}
    assert {key for key, status in retired.items() if status == "proposed"} == proposed
    assert kept == (6,)
    assert known == ["", "hall", "hall/line", "hall/line/m"]
    assert {key for key, status in back.items() if status != "active"} == proposed


def propose(connection: psycopg.Connection[Any]) -> None:
    """What ingest registers when it hears of it: an asset with a series, and a series of a declared asset."""
    connection.execute(
        "INSERT INTO asset (site_id, key, level, name, status) "
        "SELECT site_id, 'hall/found', 'unit', '', 'proposed' FROM site"
    )
    connection.execute(
        "INSERT INTO series (site_id, asset_id, name, quantity, kind) "
        "SELECT a.site_id, a.asset_id, n.name, 'other', 'gauge' FROM asset AS a "
        "JOIN (VALUES ('hall/found', 'power_kw'), ('hall/line/m', 'heat')) AS n (key, name) USING (key)"
    )


def test_jobs_and_tariffs_that_left_the_file_are_deleted_products_and_reasons_stay(database: TestDatabase) -> None:
    parts: dict[str, object] = {"jobs": [], "tariffs": [], "products": [], "reasons": [], "routings": []}
    with connect(database.url) as connection:
        apply_site(connection, changed(DOCUMENT))
        first = apply_site(connection, changed(DOCUMENT, **parts))
        second = apply_site(connection, changed(DOCUMENT, **parts))
        site = snapshot(connection, "plant", NOW)
        products = connection.execute("SELECT key FROM product").fetchall()
    assert (first["job"], first["tariff"], set(second.values())) == (1, 1, {0})
    assert (site.jobs, site.tariffs, products) == ((), (), [("p",)])
    assert {reason.key for reason in site.reasons} == {"mech", "belt"}


def test_a_factor_set_that_nobody_knows_is_refused_and_nothing_is_written(database: TestDatabase) -> None:
    site = {**DOCUMENT["site"], "factor_set": "moon"}
    refused = pytest.raises(InvalidConfigurationError, match="'moon' is neither shipped")
    with connect(database.url) as connection, refused:
        apply_site(connection, changed(DOCUMENT, site=site))
    with psycopg.connect(database.url) as connection_:
        assert connection_.execute("SELECT count(*) FROM site").fetchone() == (0,)


def test_the_examples_apply(database: TestDatabase) -> None:
    paths: list[Path] = [*(ROOT / "examples").glob("*/site.yaml"), ROOT / "pilot" / "data" / "demo_plant.yaml"]
    with connect(database.url) as connection:
        for path in paths:
            if "moulding" not in str(path):  # its tables are not in the repository
                apply_site(connection, read_site_file(path))
                snapshot(connection, read_site_file(path).site.key, NOW)
    assert len(paths) >= 5
