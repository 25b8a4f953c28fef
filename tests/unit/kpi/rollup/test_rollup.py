from datetime import date

import polars as pl
import pytest
from msgspec.structs import replace

from kpi.frames import INTERVAL_SERIES
from kpi.rollup.rolling import rollup
from model.registry import Asset
from tests.unit.kpi.making import (
    HOUR,
    MIDNIGHT,
    atom,
    demand,
    pick,
    pieces,
    rollup_inputs,
    series,
    site,
    time,
)


def classic(of: str = "m1", day: int = 0) -> list[dict[str, object]]:
    """The often cited shift: 373 of 420 planned minutes run, 19,271 pieces of 1 s, 423 rejected."""
    return [
        time(of, "production", 22_380, day=day),
        time(of, "delay", 2_820, sub_class="fault", day=day),
        time(of, "planned_down", 3_600, day=day),
        time(of, "not_scheduled", 57_600, hour=20, shift="", day=day),
        *pieces(of, 18_848, 423, day=day),
    ]


def test_the_factors_multiply_to_oee_at_every_grain_and_scope() -> None:
    values = rollup(rollup_inputs(site(), classic()))
    for of in ("m1", "line", ""):
        for grain in ("shift", "day", "week", "month"):
            a, e, q, oee = (
                pick(values, kpi, of=of, grain=grain)["value"]
                for kpi in ("availability", "effectiveness", "quality_ratio", "oee")
            )
            assert oee == pytest.approx(0.7479365079, rel=1e-9)
            assert a * e * q == pytest.approx(oee, rel=1e-12)


def test_a_scope_sums_before_it_divides() -> None:
    atoms = [
        time("m1", "production", 28_800),
        *pieces("m1", 2304, ideal_s=10.0),
        time("m2", "production", 7_200),
        *pieces("m2", 36, ideal_s=60.0),
    ]
    values = rollup(rollup_inputs(site(), atoms))
    assert pick(values, "oee", of="line")["value"] == pytest.approx(0.7, rel=1e-12)
    assert pick(values, "oee", of="m2")["value"] == pytest.approx(0.3, rel=1e-12)


def test_a_constraint_line_is_judged_at_its_constraint() -> None:
    plant = site(
        assets=(
            Asset(key="", level="site"),
            Asset(key="line", level="line", parent="", roll_up="constraint", constraint_key="m2"),
            Asset(key="m1", level="unit", parent="line"),
            Asset(key="m2", level="unit", parent="line"),
        )
    )
    atoms = [time("m1", "production", 100), time("m2", "delay", 60), time("m2", "production", 40)]
    values = rollup(rollup_inputs(plant, atoms))
    assert pick(values, "availability", of="line")["value"] == pytest.approx(0.4)
    assert pick(values, "availability", of="")["denominator"] == pytest.approx(100.0)


def test_zero_planned_time_has_no_value_and_is_final() -> None:
    values = rollup(rollup_inputs(site(), [time("m1", "not_scheduled", 86_400, shift="")]))
    for kpi in ("availability", "effectiveness", "quality_ratio", "oee", "nee", "teep"):
        row = pick(values, kpi)
        assert (row["value"], row["status"]) == (None, "final")
    assert pick(values, "loading")["value"] == 0.0


def test_no_production_time_makes_oee_zero_and_performance_and_quality_unknown() -> None:
    values = rollup(rollup_inputs(site(), [time("m1", "delay", 3_600)]))
    found = {kpi: pick(values, kpi)["value"] for kpi in ("availability", "effectiveness", "quality_ratio", "oee")}
    assert found == {"availability": 0.0, "effectiveness": None, "quality_ratio": None, "oee": 0.0}


def test_nothing_produced_leaves_quality_open() -> None:
    values = rollup(rollup_inputs(site(), [time("m1", "production", 3_600)]))
    assert pick(values, "quality_ratio")["value"] is None
    assert pick(values, "quality_by_count")["value"] is None
    assert pick(values, "oee")["value"] == 0.0


def test_pieces_without_an_ideal_cycle_leave_oee_open_but_are_counted() -> None:
    atoms = [time("m1", "production", 3_600), *pieces("m1", 10), *pieces("m1", 5, ideal_s=None, product="new")]
    values = rollup(rollup_inputs(site(), atoms))
    assert pick(values, "oee")["status"] == "no_ideal_cycle"
    assert pick(values, "oee")["value"] is None
    assert pick(values, "good_quantity")["value"] == 15.0


def test_a_machine_that_counts_nothing_has_no_oee() -> None:
    plant = site(series=(series("m1", "state", "state", "state"),))
    values = rollup(rollup_inputs(plant, [time("m1", "production", 3_600)]))
    assert (pick(values, "oee")["value"], pick(values, "oee")["status"]) == (None, "no_data")
    assert pick(values, "availability")["value"] == 1.0
    assert values.filter(kpi="good_quantity").is_empty()


def test_units_that_count_nothing_do_not_thin_the_oee_of_their_line() -> None:
    plant = site(series=(*site().series[:2], series("m2", "state", "state", "state")))
    atoms = [time("m1", "production", 100), *pieces("m1", 80), time("m2", "delay", 100)]
    row = pick(rollup(rollup_inputs(plant, atoms)), "oee", of="line")
    assert row["value"] == pytest.approx(0.8)
    assert "units_without_counts" in row["flags"]


def test_performance_above_one_is_kept_and_capped_factor_by_factor() -> None:
    atoms = [time("m1", "production", 100), time("m1", "delay", 100), *pieces("m1", 100, 50)]
    values = rollup(rollup_inputs(site(), atoms))
    assert pick(values, "effectiveness")["value"] == pytest.approx(1.5)
    assert pick(values, "effectiveness", variant="capped")["value"] == 1.0
    assert pick(values, "oee")["value"] == pytest.approx(0.5)
    assert pick(values, "oee", variant="capped")["value"] == pytest.approx(0.5 * 1.0 * (100 / 150))
    assert "performance_gt_1" in pick(values, "oee")["flags"]


def test_pieces_outside_planned_time_are_counted_but_left_out_of_oee() -> None:
    atoms = [time("m1", "production", 100), *pieces("m1", 50), *pieces("m1", 7, time_class="planned_down")]
    values = rollup(rollup_inputs(site(), atoms))
    assert pick(values, "oee")["value"] == pytest.approx(0.5)
    assert pick(values, "good_quantity")["value"] == 57.0
    assert pick(values, "made_outside_plan")["value"] == 7.0
    assert "made_outside_plan" in pick(values, "oee")["flags"]


def test_weak_coverage_lowers_confidence() -> None:
    atoms = [time("m1", "production", 90), time("m1", "unknown", 10)]
    row = pick(rollup(rollup_inputs(site(), atoms)), "availability")
    assert (row["coverage"], row["status"], row["completeness"]) == (
        pytest.approx(0.9),
        "low_confidence",
        pytest.approx(0.9),
    )


@pytest.mark.parametrize(("after_end_h", "status"), [(23, "provisional"), (24, "final")])
def test_a_window_is_final_once_the_lateness_allowance_has_passed(after_end_h: int, status: str) -> None:
    end_of_shift = MIDNIGHT + 14 * HOUR
    inputs = rollup_inputs(site(), [time("m1", "production", 60)], now_us=end_of_shift + after_end_h * HOUR)
    row = pick(rollup(inputs), "availability", grain="shift")
    assert (row["status"], row["is_final"]) == (status, status == "final")
    assert row["window_end"] == end_of_shift


def test_hours_are_utc_hours_of_one_production_day() -> None:
    atoms = [time("m1", "production", 60), time("m1", "production", 30, day=1)]
    rows = rollup(rollup_inputs(site(), atoms)).filter(asset="m1", kpi="production_time", grain="hour")
    assert rows["window_start"].to_list() == [MIDNIGHT + 6 * HOUR, MIDNIGHT + 30 * HOUR]
    assert rows["value"].to_list() == [60.0, 30.0]


def test_weeks_are_iso_weeks_and_months_calendar_months_of_production_days() -> None:
    atoms = [time("m1", "production", 10, day=-1), time("m1", "production", 20), time("m1", "production", 40, day=28)]
    values = rollup(rollup_inputs(site(), atoms)).filter(asset="m1", kpi="production_time")
    weeks = dict(values.filter(grain="week").select("production_day", "value").iter_rows())
    months = dict(values.filter(grain="month").select("production_day", "value").iter_rows())
    assert weeks == {date(2026, 2, 23): 10.0, date(2026, 3, 2): 20.0, date(2026, 3, 30): 40.0}
    assert months == {date(2026, 3, 1): 70.0}


def test_jobs_are_summed_over_days_and_products_within_them() -> None:
    atoms = [
        time("m1", "production", 10, job="J1", product="P"),
        time("m1", "production", 20, job="J1", product="P", day=1),
        time("m1", "production", 40, job="J2", product="P", day=1),
    ]
    values = rollup(rollup_inputs(site(), atoms)).filter(asset="m1", kpi="production_time")
    assert dict(values.filter(grain="job").select("job", "value").iter_rows()) == {"J1": 30.0, "J2": 40.0}
    assert values.filter(grain="product").sort("production_day")["value"].to_list() == [10.0, 60.0]


def test_energy_of_a_scope_is_that_of_its_nearest_meters() -> None:
    plant = site(series=(*site().series, series("m1", "kwh", "active_energy"), series("m2", "kwh", "active_energy")))
    metered = site(series=(*plant.series, series("line", "kwh", "active_energy")))
    atoms = [atom("m1", "energy", amount=3.0), atom("m2", "energy", amount=4.0)]
    assert pick(rollup(rollup_inputs(plant, atoms)), "energy", of="")["value"] == 7.0
    atoms.append(atom("line", "energy", amount=9.0))
    assert pick(rollup(rollup_inputs(metered, atoms)), "energy", of="")["value"] == 9.0
    assert pick(rollup(rollup_inputs(metered, atoms)), "energy", of="m2")["value"] == 4.0


def test_a_unit_of_kind_meter_measures_all_that_it_hangs_on() -> None:
    plant = site()
    main = Asset(key="line/main", level="unit", parent="line", kind="meter")
    found = (*plant.series, series("m1", "kwh", "active_energy"), series("line/main", "kwh", "active_energy"))
    values = rollup(
        rollup_inputs(
            site(assets=(*plant.assets, main), series=found),
            [atom("m1", "energy", amount=3.0), atom("line/main", "energy", amount=10.0)],
        )
    )
    assert [pick(values, "energy", of=of)["value"] for of in ("", "line", "m1")] == [10.0, 10.0, 3.0]


def test_the_peak_of_a_scope_is_that_of_the_summed_intervals() -> None:
    plant = site(series=(*site().series, series("m1", "kwh", "active_energy"), series("m2", "kwh", "active_energy")))
    rows = [demand("m1", 10, half_hour=12), demand("m1", 2, half_hour=13), demand("m2", 1, half_hour=12)]
    rows.append(demand("m2", 8, half_hour=13))
    inputs = rollup_inputs(
        plant,
        [atom("m1", "energy", amount=60.0), atom("m2", "energy", amount=4.5)],  # most of it over a gap
        interval_series=pl.DataFrame(rows, schema=INTERVAL_SERIES),
    )
    values = rollup(inputs)
    assert pick(values, "demand_peak", of="line")["value"] == 11.0
    assert pick(values, "load_factor", of="line")["value"] == pytest.approx(10.5 / (11 * 1))
    assert pick(values, "demand_peak", of="line", grain="shift")["value"] == 11.0


def test_emissions_follow_the_zone_and_the_local_date() -> None:
    plant = site(series=(*site().series, series("m1", "kwh", "active_energy")))
    day = [atom("m1", "energy", amount=8.0)]
    row = pick(rollup(rollup_inputs(plant, day)), "co2e_location", of="")
    assert (row["value"], row["factor_set"], row["flags"]) == (4.0, "vn-grid/1", [])
    elsewhere = site(series=plant.series, grid_zone="KR")
    row = pick(rollup(rollup_inputs(elsewhere, day)), "co2e_location", of="")
    assert (row["value"], row["status"]) == (None, "no_factor")


def test_a_later_year_takes_the_newest_factor_and_says_so() -> None:
    plant = site(series=(*site().series, series("m1", "kwh", "active_energy")))
    factors = [replace(item, valid_from="2023-01-01", valid_to="2024-01-01") for item in plant.emission_factors]
    old = site(series=plant.series, emission_factors=tuple(factors))
    row = pick(rollup(rollup_inputs(old, [atom("m1", "energy", amount=8.0)])), "co2e_location", of="")
    assert (row["value"], row["flags"]) == (4.0, ["factor_year_lag"])


def test_mtbf_and_mttr_count_closed_intervals_only() -> None:
    atoms = [
        time("m1", "production", 100),
        atom("m1", "failures", amount=2.0),
        atom("m1", "repair_time", duration_us=30_000_000),
        atom("m1", "time_between_failures", duration_us=70_000_000),
        atom("m1", "between_failures", amount=1.0),
    ]
    values = rollup(rollup_inputs(site(), atoms))
    assert pick(values, "mttr")["value"] == 15.0
    assert pick(values, "mtbf")["value"] == 70.0
    assert pick(values, "mtbf_operating")["value"] == 50.0
    nothing = rollup(rollup_inputs(site(), atoms[:1]))
    assert (pick(nothing, "mttr")["value"], pick(nothing, "failures")["value"]) == (None, 0.0)


def test_the_order_of_atoms_does_not_matter() -> None:
    atoms = [*classic("m1"), *classic("m2"), *classic("m1", day=1), atom("m1", "energy", amount=0.1)]
    atoms += [atom("m1", "energy", amount=0.1 * n, hour=6 + n) for n in range(7)]
    one = rollup(rollup_inputs(site(), atoms))
    two = rollup(rollup_inputs(site(), atoms[::-1]))
    assert one.equals(two)


def test_hours_have_no_capped_variants() -> None:
    values = rollup(rollup_inputs(site(), classic()))
    assert set(values.filter(variant="capped")["grain"]) == {"shift", "day", "week", "month"}


def test_a_machine_that_counted_over_gaps_only_has_what_its_line_has() -> None:
    lost = atom("m1", "unattributed", time_class="production", qualifier="good", amount=7.0)
    rows = [time("m1", "production", 3600), time("m2", "production", 3600), lost, *pieces("m2", 5)]
    values = rollup(rollup_inputs(site(), rows))
    own = [pick(values, "good_quantity", of=of)["value"] for of in ("m1", "m2", "line")]
    assert own == [7.0, 5.0, 12.0]
