"""Metrics of the data themselves: completeness, connection, time, dictionary, security, joins."""

from dataclasses import replace
from typing import Any

import msgspec
import polars as pl
import pytest

from maturity import facts as schemas
from maturity.facts import Facts
from maturity.metrics import METRICS
from model.ledger import LATENCY_BOUNDS_MS, SKEW_BOUNDS_MS
from model.registry import Asset, Site, SpecLimit
from tests.unit.maturity.invented_facts import (
    DAYS,
    FIRST,
    HOUR,
    at,
    facts,
    frame,
    interval,
    intervals,
    measure,
    qualities,
    quality,
    record,
    records,
    value,
    values,
)
from tests.unit.maturity.plain import SITE

A: dict[str, Any] = {"asset": "l/a"}
B: dict[str, Any] = {"asset": "l/b"}
WORK = intervals(*(interval(24 * day, 24 * day + 10, "production", **who) for day in (0, 1) for who in (A, B)))


@pytest.mark.parametrize("metric", sorted(name for name in METRICS if name.startswith(("data.", "record."))))
def test_without_any_data_nothing_is_claimed(metric: str) -> None:
    found = measure(metric, facts())
    if metric in ("data.machines_connected_share", "data.machines_with_kpi", "data.condition_monitored_share"):
        assert found.value == 0.0  # the registered machines deliver nothing: that is known
    else:
        assert (found.value, bool(found.missing)) == (None, True)


def test_completeness_counts_days_that_are_not_there() -> None:
    half = [quality(DAYS[0], 100, 100, **B)]
    assert measure("data.completeness", facts(quality=qualities(*half)), "critical_machines").value == 0.5
    gaps = quality(DAYS[0], 3, gap_us=12 * HOUR, name="state", **B)
    found = measure("data.completeness", facts(quality=qualities(*half, gaps)), "critical_machines")
    assert found.value == pytest.approx(1.5 / 3)
    assert found.detail["series"] == 2


def test_more_than_expected_is_no_more_than_complete() -> None:
    rows = qualities(quality(DAYS[0], 300, 100, **B), quality(DAYS[1], 50, 100, **B))
    assert measure("data.completeness", facts(quality=rows), "critical_machines").value == 0.75


@pytest.mark.parametrize(("days", "share"), [((0, 1), 0.5), ((0,), 0.0), ((), 0.0)])
def test_a_machine_is_connected_when_it_speaks_on_the_days_that_it_works(days: tuple[int, ...], share: float) -> None:
    rows = qualities(*(quality(DAYS[day], 5, **A) for day in days))
    assert measure("data.machines_connected_share", facts(quality=rows, intervals=WORK)).value == share


def test_days_that_are_not_stored_are_due_and_days_off_are_not() -> None:
    spoke = qualities(quality(DAYS[0], 5, **A))
    one = intervals(interval(0, 10, "production", **A))
    assert measure("data.machines_connected_share", facts(quality=spoke, intervals=one)).value == 0.0
    off = intervals(interval(0, 10, "production", **A), interval(24, 48, "not_scheduled", **A))
    assert measure("data.machines_connected_share", facts(quality=spoke, intervals=off)).value == 0.5


def histogram(bounds: tuple[int, ...], **counts: int) -> list[int]:
    """Counts by bound in ms, `b1000=3`; `more` above all."""
    found = [0] * (len(bounds) + 1)
    for name, count in counts.items():
        found[len(bounds) if name == "more" else bounds.index(int(name[1:]))] = count
    return found


def ledger(*rows: dict[str, Any]) -> pl.DataFrame:
    return frame(schemas.LEDGER, rows, device="d", stored=1, latency=[], skew=[])


def test_latency_adds_both_ways() -> None:
    skew, store = min(b for b in SKEW_BOUNDS_MS if b > 0), LATENCY_BOUNDS_MS[2]
    row = {
        "hour_us": at(1),
        "skew": histogram(SKEW_BOUNDS_MS, **{f"b{skew}": 20}),
        "latency": histogram(LATENCY_BOUNDS_MS, **{f"b{store}": 19, "more": 1}),
    }
    assert measure("data.latency_p95", facts(ledger=ledger(row))).value == (skew + store) / 1000
    late = {**row, "latency": histogram(LATENCY_BOUNDS_MS, more=1)}
    assert measure("data.latency_p95", facts(ledger=ledger(late))).value == float("inf")


def test_a_clock_is_good_when_its_bucket_lies_within_the_limit() -> None:
    small = sorted(b for b in SKEW_BOUNDS_MS if b >= 0)[:2]
    rows = ledger(
        {"device": "good", "hour_us": at(1), "skew": histogram(SKEW_BOUNDS_MS, **{f"b{small[1]}": 3})},
        {"device": "bad", "hour_us": at(1), "skew": histogram(SKEW_BOUNDS_MS, more=3)},
        {"device": "silent", "hour_us": at(1)},
    )
    found = measure("data.clock_good_share", facts(ledger=rows), max_error_s=small[1] / 1000)
    assert (found.value, found.detail) == (0.5, {"sources": 2, "bad": ["bad"]})


def test_hours_of_scheduled_work_without_stored_values_are_outages() -> None:
    work = intervals(interval(6, 10, "production"), interval(10, 48, "not_scheduled"))
    rows = ledger(
        {"hour_us": at(6)}, {"hour_us": at(7)}, {"hour_us": at(8), "stored": 0}, {"hour_us": at(9)}, {"hour_us": at(20)}
    )
    found = measure("data.pipeline_availability", facts(ledger=rows, intervals=work))
    assert (found.value, found.detail["hours"]) == (0.75, 4)


def test_hours_belong_to_the_production_day_that_holds_them() -> None:
    """With days from 06:00, the night after the last day is in the window and the one before the first is not."""
    site = msgspec.structs.replace(SITE, day_start="06:00")
    whole = facts(site=site, ledger=ledger(*({"hour_us": at(hour)} for hour in (0, 5, 6, 47, 48, 53, 54))))
    cut = whole.window(*DAYS)
    assert cut.ledger["hour_us"].to_list() == [at(6), at(47), at(48), at(53)]
    assert cut.window(FIRST, FIRST).ledger["hour_us"].to_list() == [at(6)]


def test_proposed_series_are_not_in_the_dictionary() -> None:
    status = [("active", True), ("active", True), ("proposed", True), ("retired", True), ("proposed", False)]
    rows = [{"asset": "l/a", "name": str(n), "status": s, "has_readings": r} for n, (s, r) in enumerate(status)]
    found = measure("data.tag_dictionary_share", facts(series=frame(schemas.SERIES, rows)))
    assert found.value == pytest.approx(2 / 3)
    assert found.detail["proposed"] == ["l/a/2"]


def device(key: str, seen: float, *, encrypted: bool | None = True) -> dict[str, Any]:
    place = {"device": key, "first_seen_us": at(-100), "last_seen_us": at(seen)}
    return {**place, "encrypted": encrypted, "authenticated": True}


def test_only_devices_of_the_window_must_be_secure_and_an_unknown_one_leaves_it_open() -> None:
    rows = [device("a", 5), device("b", 6, encrypted=False), device("old", -5, encrypted=False)]
    assert measure("data.secure_connection_share", facts(devices=frame(schemas.DEVICES, rows))).value == 0.5
    open_ = frame(schemas.DEVICES, [*rows, device("c", 7, encrypted=None)])
    assert "(c)" in str(measure("data.secure_connection_share", facts(devices=open_)).missing)


@pytest.mark.parametrize(("done", "share"), [(14.1, 1.0), (14.3, 0.0), (13.9, 0.0)])
def test_kpis_are_in_time_when_a_run_ended_after_the_shift_but_soon(done: float, share: float) -> None:
    shift = value("oee", FIRST, 1.0, 2.0, grain="shift", shift="A", to_us=at(14))
    runs = frame(schemas.RUNS, [{"first": FIRST, "last": FIRST, "finished_us": at(done)}])
    assert measure("data.kpi_timeliness_share", facts(values=values(shift), runs=runs), within_min=15).value == share


def test_condition_is_watched_by_a_gauge_that_is_read_often() -> None:
    series = frame(
        schemas.SERIES,
        [
            {**A, "name": "t", "quantity": "temperature", "kind": "gauge"},
            {**B, "name": "n", "quantity": "number", "kind": "gauge"},
        ],
    )
    often = qualities(*(quality(day, 2000, name=name, **who) for day in DAYS for who, name in ((A, "t"), (B, "n"))))
    assert measure("data.condition_monitored_share", facts(series=series, quality=often), max_period_s=60).value == 0.5
    one_day = qualities(quality(DAYS[0], 2000, name="t", **A))
    assert (
        measure("data.condition_monitored_share", facts(series=series, quality=one_day), max_period_s=60).value == 0.0
    )


def test_characteristics_are_watched_when_their_capability_is_known() -> None:
    site = msgspec.structs.replace(SITE, spec_limits=tuple(SpecLimit(characteristic=c, upper=1.0) for c in ("x", "y")))
    rows = values(value("cpk", FIRST, 4.0, 3.0, variant="x"), value("cpk", FIRST, None, 3.0, variant="y"))
    assert measure("data.control_limit_share", facts(site=site, values=rows)).value == 0.5


def test_losses_are_opened_on_days_of_work() -> None:
    opened = frame(schemas.OPENED, [{"ts_us": at(9), "action": "view.losses"}, {"ts_us": at(40), "action": "view.oee"}])
    assert measure("data.pareto_opened_share", facts(intervals=WORK, opened=opened)).value == 0.5


def test_a_file_name_is_no_system() -> None:
    rows = records(*(record("order", str(n), n, source=s) for n, s in enumerate(("ERP", "MES", "a.csv", "MES"))))
    found = measure("data.joined_systems", facts(records=rows))
    assert (found.value, found.detail["sources"]) == (2.0, ["ERP", "MES"])
    unnamed = records(record("order", "1", 1, source="Orders.XLSX"))
    assert measure("data.joined_systems", facts(records=unnamed)).value is None


def test_records_join_by_assets_of_ours() -> None:
    rows = records(*(record("order", asset, 1, asset=asset) for asset in ("l/a", "l", "", "elsewhere")))
    assert measure("data.join_rate", facts(records=rows)).value == 0.5


def test_a_scope_without_machines_says_so() -> None:
    empty = Facts(site=Site(key="s", timezone="UTC", assets=(Asset(key="", level="site"),)), first=FIRST, last=FIRST)
    for metric in ("data.machines_connected_share", "data.machines_with_kpi", "data.condition_monitored_share"):
        assert "no machines" in str(measure(metric, empty).missing)
    assert replace(empty, last=DAYS[1]).days == 2
