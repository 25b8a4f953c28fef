"""Energy as stored values: idle energy, main and sub-meters, tariffs, cost, power factor, base load."""

from collections.abc import Mapping
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kpi.catalogue import CATALOGUE
from kpi.energy.split import Held, energy_by_reason, meters_of
from kpi.frames import INTERVAL_SERIES
from kpi.rollup.evaluate import evaluate, value_columns
from kpi.rollup.rolling import RollupInputs, rollup, scopes_of, wide_rows
from model.registry import Asset, AssetRelation, Site, Tariff
from model.tariffs import prices, schedule
from model.vocabulary import Grain
from tests.unit.kpi.making import atom, demand, pick, rollup_inputs, series, site

DAY = frozenset({Grain.DAY})
CLASSES = ("production", "setup", "delay", "down_no_order", "planned_down", "not_scheduled", "unknown", "")
PERIODS = ("peak", "normal", "off_peak", "night", "")


def metered(*assets: str, **more: Any) -> Site:
    """The usual site, with energy meters of the assets named."""
    found = (*site().series, *(series(each, "kwh", "active_energy") for each in assets))
    return site(series=found, **more)


def kwh(of: str, amount: float, **more: Any) -> dict[str, Any]:
    return atom(of, "energy", amount=amount, **more)


def tariff(**more: Any) -> Tariff:
    listed = prices("evn-1279", "manufacturing", 22)
    fields: dict[str, Any] = {
        "key": "evn",
        "valid_from": "2026-01-01",
        "periods": schedule(listed.schedule),
        "prices": listed.of_period,
        "vat_rate": listed.vat_rate,
    }
    return Tariff(**{**fields, **more})


def values_of(inputs: RollupInputs) -> Mapping[tuple[str, str], float | None]:
    """Values of the one day by asset and KPI."""
    rows = rollup(inputs, DAY).filter(variant="")
    return {(of, kpi): value for of, kpi, value in rows.select("asset", "kpi", "value").iter_rows()}


def test_idle_energy_is_what_was_used_while_nothing_was_made() -> None:
    atoms = [
        kwh("m1", 6.0, time_class="production"),
        kwh("m1", 1.0, time_class="setup"),
        kwh("m1", 2.0, time_class="delay", sub_class="fault", reason="belt"),
        kwh("m1", 0.5, time_class="not_scheduled"),
        kwh("m1", 0.5, time_class="unknown"),
    ]
    values = rollup(rollup_inputs(metered("m1"), atoms), DAY)
    assert pick(values, "idle_energy")["value"] == 2.5
    assert pick(values, "idle_energy_share")["value"] == pytest.approx(2.5 / 9.5)
    assert pick(values, "energy_delay", of="line")["value"] == 2.0
    assert pick(values, "idle_energy")["flags"] == []


def test_energy_of_a_meter_without_a_time_model_is_not_called_idle_or_not() -> None:
    values = rollup(rollup_inputs(metered("line"), [kwh("line", 5.0)]), DAY)
    assert (pick(values, "idle_energy", of="line")["value"], pick(values, "idle_energy", of="line")["status"]) == (
        None,
        "no_data",
    )
    part = rollup(rollup_inputs(metered("m1"), [kwh("m1", 5.0), kwh("m1", 1.0, time_class="delay")]), DAY)
    assert pick(part, "idle_energy")["flags"] == ["energy_unclassed"]


def test_energy_by_reason_adds_up_to_the_energy_of_the_scope() -> None:
    atoms = [
        kwh("m1", 2.0, time_class="delay", reason="belt"),
        kwh("m1", 1.0, hour=7, time_class="delay", reason="belt"),
        kwh("m2", 4.0, time_class="production"),
        kwh("m2", 0.5),
    ]
    inputs = rollup_inputs(metered("m1", "m2"), atoms)
    line = scopes_of(inputs).sources.filter(scope="line")
    found = energy_by_reason(inputs.atoms, [Held(line)])
    assert found.select("time_class", "reason", "kwh").rows() == [
        ("production", "", 4.0), ("delay", "belt", 3.0), ("", "", 0.5),
    ]  # fmt: skip
    assert found["kwh"].sum() == values_of(inputs)["line", "energy"]


def test_a_main_meter_stays_the_scopes_energy_and_the_rest_is_shown() -> None:
    inputs = rollup_inputs(metered("line", "m1", "m2"), [kwh("line", 10.0), kwh("m1", 3.0), kwh("m2", 4.0)])
    found = values_of(inputs)
    assert [found["line", name] for name in ("energy", "energy_submetered", "energy_unexplained")] == [10.0, 7.0, 3.0]
    assert found["line", "submetered_share"] == pytest.approx(0.7)
    assert found["", "energy_unexplained"] == 3.0
    assert ("m1", "energy_unexplained") not in found
    listed = meters_of(inputs.atoms, [Held(scopes_of(inputs).sources.filter(scope="line"))])
    assert listed.select("asset", "kwh", "submeter_share").rows() == [
        ("line", 10.0, 0.0), ("m1", 3.0, 1.0), ("m2", 4.0, 1.0),
    ]  # fmt: skip


def test_a_silent_submeter_is_not_taken_for_energy_that_nothing_explains() -> None:
    due = [atom(of, "expected", amount=4.0, qualifier="active_energy") for of in ("line", "m1", "m2")]
    came = [atom(of, "received", amount=4.0, qualifier="active_energy") for of in ("line", "m1")]
    inputs = rollup_inputs(metered("line", "m1", "m2"), [kwh("line", 10.0), kwh("m1", 3.0), *due, *came])
    values = rollup(inputs, DAY)
    row = pick(values, "energy_unexplained", of="line")
    assert (row["value"], row["status"], row["completeness"]) == (7.0, "low_confidence", 0.5)
    assert row["flags"] == ["missing_samples"]
    assert pick(values, "energy", of="line")["status"] == "final"


def test_a_submeter_elsewhere_counts_once_and_by_its_share() -> None:
    compressor = Asset(key="air", level="unit", parent="")
    plant = metered(
        "line", "air",
        assets=(*site().assets, compressor),
        relations=(AssetRelation(from_asset="air", to_asset="line", kind="submeter_of", share=0.25),),
    )  # fmt: skip
    inputs = rollup_inputs(plant, [kwh("line", 10.0), kwh("air", 8.0)])
    found = values_of(inputs)
    assert found["", "energy"] == 10.0 + 0.75 * 8.0
    assert found["air", "energy"] == 8.0
    line = [found["line", name] for name in ("energy", "energy_submetered", "energy_unexplained")]
    assert line == [10.0, 2.0, 8.0]


def test_a_meter_of_several_machines_is_theirs_and_no_scope_has_it_twice() -> None:
    meter = Asset(key="line/q1", level="unit", parent="line", kind="meter")
    plant = metered(
        "line/q1",
        assets=(*site().assets, meter),
        relations=tuple(
            AssetRelation(from_asset="line/q1", to_asset=key, kind="meters", share=share)
            for key, share in (("m1", 0.5), ("m2", 0.25))
        ),
    )
    # as the computation makes them: the meter's own energy, and the shares of what it measures
    inputs = rollup_inputs(plant, [kwh("line/q1", 8.0), kwh("m1", 4.0), kwh("m2", 2.0)])
    found = values_of(inputs)
    assert [found[of, "energy"] for of in ("m1", "m2", "line/q1", "line", "")] == [4, 2, 8, 8, 8]


def bought(**more: Any) -> list[dict[str, Any]]:
    return [
        kwh("m1", 10.0, hour=10, tariff_period="peak", **more),
        kwh("m1", 20.0, hour=12, tariff_period="normal", **more),
        kwh("m1", 5.0, hour=23, tariff_period="off_peak", **more),
    ]


def test_cost_is_energy_times_the_price_of_its_period_and_vat_is_on_top() -> None:
    values = rollup(rollup_inputs(metered("m1", tariffs=(tariff(),)), bought()), DAY)
    net = 10 * 3398 + 20 * 1833 + 5 * 1190
    row = pick(values, "energy_cost", of="")
    assert (row["value"], row["factor_set"], row["status"]) == (net, "evn@2026-01-01", "final")
    assert pick(values, "energy_cost_with_vat")["value"] == pytest.approx(net * 1.08)
    assert [pick(values, f"energy_{name}")["value"] for name in ("peak", "normal", "off_peak")] == [10.0, 20.0, 5.0]


def test_without_a_price_there_is_no_cost_and_the_value_says_so() -> None:
    for tariffs in (
        (),
        (tariff(valid_from="2026-04-01"),),
        (tariff(prices={"peak": 3398.0}),),
        (tariff(currency="EUR"),),
    ):
        row = pick(rollup(rollup_inputs(metered("m1", tariffs=tariffs), bought()), DAY), "energy_cost")
        assert (row["value"], row["status"]) == (None, "no_tariff")
    values = rollup(rollup_inputs(metered("m1", tariffs=(tariff(vat_rate=None),)), bought()), DAY)
    assert pick(values, "energy_cost")["status"] == "final"
    assert pick(values, "energy_cost_with_vat")["status"] == "no_tariff"


def test_the_price_is_that_of_the_local_date_of_use() -> None:
    dear = tariff(key="later", valid_from="2026-03-03", prices=dict.fromkeys(("peak", "normal", "off_peak"), 1000.0))
    atoms = [*bought(), *bought(day=1)]
    values = rollup(rollup_inputs(metered("m1", tariffs=(tariff(), dear)), atoms), DAY | {Grain.MONTH})
    rows = values.filter(asset="m1", kpi="energy_cost", grain="day").sort("production_day")
    assert rows["value"].to_list() == [76590.0, 35000.0]
    both = "evn@2026-01-01 later@2026-03-03"  # Monday ends on Tuesday at 06:00
    assert rows["factor_set"].to_list() == [both, "later@2026-03-03"]
    assert pick(values, "energy_cost", grain="month")["value"] == 111590.0
    assert pick(values, "energy_cost", grain="month")["factor_set"] == both


@pytest.mark.parametrize(("kvarh", "subscribed"), [(30.0, 100.0), (10.0, 100.0), (60.0, 100.0), (30.0, 39.9)])
def test_the_surcharge_follows_the_power_factor_of_the_month(kvarh: float, subscribed: float) -> None:
    plant = metered("m1", tariffs=(tariff(subscribed_kw=subscribed),))
    plant = Site(**{**_fields(plant), "series": (*plant.series, series("m1", "kvarh", "reactive_energy"))})
    atoms = [*bought(), atom("m1", "reactive_energy", amount=kvarh)]
    values = rollup(rollup_inputs(plant, atoms), frozenset({Grain.MONTH}))
    cos_phi = 35 / (35**2 + kvarh**2) ** 0.5
    percent = min(round((0.9 / cos_phi - 1) * 100, 2), 52.54) if subscribed >= 40 and cos_phi < 0.9 else 0.0
    assert pick(values, "power_factor", grain="month")["value"] == pytest.approx(cos_phi)
    assert pick(values, "reactive_surcharge", of="", grain="month")["value"] == pytest.approx(76590 * percent / 100)
    bill = pick(values, "electricity_bill", of="", grain="month")["value"]
    assert bill == pytest.approx(76590 * 1.08 * (1 + percent / 100))
    assert values.filter(asset="m1", kpi="reactive_surcharge").is_empty()


@pytest.mark.parametrize("price", [None, 0.0, 60_000.0])
def test_a_two_part_tariff_prices_the_highest_demand_of_the_month(price: float | None) -> None:
    plant = metered("m1", "m2", tariffs=(tariff(subscribed_kw=100.0, demand_price=price),))
    plant = Site(**{**_fields(plant), "series": (*plant.series, series("m1", "kvarh", "reactive_energy"))})
    atoms = [*bought(), atom("m1", "reactive_energy", amount=1.0)]
    peaks = [demand(of, kw, half_hour=at, day=day) for of, kw, at, day in (("m1", 40, 3, 0), ("m2", 30, 3, 0),
             ("m1", 60, 4, 0), ("m2", 1, 4, 0), ("m1", 35, 3, 1), ("m2", 30, 3, 1))]  # fmt: skip
    inputs = rollup_inputs(plant, atoms, interval_series=pl.DataFrame(peaks, INTERVAL_SERIES))
    values = rollup(inputs, frozenset({Grain.DAY, Grain.MONTH}))
    bill = pick(values, "electricity_bill", of="", grain="month")
    energy = 76590 * 1.08
    if price is None:
        assert values.filter(kpi="demand_cost").is_empty()
        assert bill["value"] == pytest.approx(energy)
        return
    rows = values.filter(kpi="demand_cost")
    assert rows.select("asset", "grain", "value").rows() == [("", "month", 70 * price)]
    assert bill["value"] == pytest.approx(energy + 70 * price * 1.08)
    silent = pick(
        rollup(rollup_inputs(plant, atoms), frozenset({Grain.MONTH})), "electricity_bill", of="", grain="month"
    )
    assert (silent["value"], silent["status"]) == (None, "no_data"), "a bill without its demand would be too low"


def _fields(of: Site) -> dict[str, Any]:
    return {name: getattr(of, name) for name in of.__struct_fields__}


def test_without_reactive_energy_there_is_no_power_factor() -> None:
    values = rollup(rollup_inputs(metered("m1", tariffs=(tariff(subscribed_kw=100.0),)), bought()), DAY)
    assert values.filter(pl.col("kpi").is_in(["power_factor", "reactive_surcharge", "electricity_bill"])).is_empty()


def test_the_base_load_is_the_mean_of_intervals_outside_shifts_with_all_meters() -> None:
    rows = [
        *(demand(of, kw, half_hour=0) for of, kw in (("m1", 2), ("m2", 3))),
        *(demand(of, kw, half_hour=30) for of, kw in (("m1", 1), ("m2", 2))),
        *(demand(of, kw, half_hour=20) for of, kw in (("m1", 50), ("m2", 50))),  # in the shift
        demand("m1", 90, half_hour=40),  # m2 was silent
    ]
    inputs = rollup_inputs(
        metered("m1", "m2"),
        [kwh("m1", 6.0), kwh("m2", 4.5)],
        interval_series=pl.DataFrame(rows, schema=INTERVAL_SERIES),
    )
    values = rollup(inputs, DAY)
    assert pick(values, "base_load", of="line")["value"] == 4.0
    assert pick(values, "demand_peak", of="line")["value"] == 100.0


def test_a_mean_of_an_hour_meets_the_half_hours_of_another_meter() -> None:
    half = demand("m1", 40, half_hour=20)
    hourly = {**half, "interval_us": 2 * half["interval_us"]}
    rows = [hourly, demand("m2", 10, half_hour=20), demand("m2", 30, half_hour=21)]
    atoms = [kwh("m1", 40.0, hour=10), kwh("m2", 20.0, hour=10)]
    series_ = pl.DataFrame(rows, schema=INTERVAL_SERIES)
    values = rollup(rollup_inputs(metered("m1", "m2"), atoms, interval_series=series_), DAY)
    assert pick(values, "demand_peak", of="line")["value"] == 70.0
    assert pick(values, "load_factor", of="line")["value"] == pytest.approx(60 / 70)
    assert "partial_demand" not in pick(values, "demand_peak", of="line")["flags"]


def test_meters_whose_days_begin_at_different_times_meet_in_the_month() -> None:
    not_yet, begun = demand("m2", 30, half_hour=48), demand("m1", 40, half_hour=0, day=1)
    assert not_yet["from_us"] == begun["from_us"]
    atoms = [kwh("m1", 20.0, day=1), kwh("m2", 15.0)]
    series_ = pl.DataFrame([begun, not_yet], schema=INTERVAL_SERIES)
    inputs = rollup_inputs(metered("m1", "m2"), atoms, interval_series=series_)
    values = rollup(inputs, frozenset({Grain.WEEK, Grain.MONTH}))
    for grain in ("week", "month"):
        assert pick(values, "demand_peak", of="line", grain=grain)["value"] == 70.0
        assert pick(values, "load_factor", of="line", grain=grain)["value"] == 1.0


PIECE = st.tuples(
    st.floats(0, 1000), st.integers(0, 23), st.sampled_from(CLASSES), st.sampled_from(PERIODS),
    st.sampled_from(("", "p", "q")), st.sampled_from(("", "J1", "J2")),
)  # fmt: skip


@settings(max_examples=8, deadline=None)
@given(st.lists(PIECE, min_size=1, max_size=30))
def test_energy_by_class_by_period_by_product_and_by_job_adds_up_to_the_meter(rows: list[tuple[Any, ...]]) -> None:
    atoms = [
        kwh("m1", amount, hour=hour, time_class=kind, tariff_period=period, product=product, job=job)
        for amount, hour, kind, period, product, job in rows
    ]
    close = pytest.approx(sum(row[0] for row in rows), rel=1e-9)
    inputs = rollup_inputs(metered("m1", tariffs=(tariff(),)), atoms)
    wide = wide_rows(inputs, scopes_of(inputs), DAY | {Grain.PRODUCT, Grain.JOB}).filter(scope="line")
    day = wide.filter(grain="day")
    parts = {name: evaluate(CATALOGUE[name], day) or 0.0 for name in CATALOGUE if name.startswith("energy")}
    assert parts["energy"] == close
    assert sum(parts[f"energy_{name or 'unclassed'}"] for name in CLASSES) == close
    assert sum(parts[f"energy_{name}"] for name in ("peak", "normal", "off_peak", "other_period")) == close
    for split in ("product", "job"):
        of_split = wide.filter(grain=split).select(value_columns(CATALOGUE["energy"]))["value"].sum()
        assert float(of_split) + parts[f"energy_without_{split}"] == close
