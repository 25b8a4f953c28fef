"""A relation, a line rule or a machine that changes within a month: the month is the sum of its days."""

from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

from kpi.energy.split import Held, energy_by_reason, meters_of
from kpi.frames import INTERVAL_SERIES
from kpi.rollup.eras import Era, eras_of, in_force_at, stretches
from kpi.rollup.rolling import MARKS, rollup, sources_by_days
from model.registry import Asset, AssetRelation, Site
from model.vocabulary import Grain
from tests.unit.kpi.making import MONDAY, asset, atom, demand, pick, rollup_inputs, series, site, time

GRAINS = frozenset({Grain.DAY, Grain.WEEK, Grain.MONTH})
CHANGE = MONDAY + timedelta(days=2)


def plant(*relations: AssetRelation, line: str = "sum") -> Site:
    """A line with a meter of its own that may give its energy to the machines."""
    meter = series("line/meter", "kwh", "active_energy")
    assets = (Asset(key="", level="site"), asset("line", "line", "", roll_up=line, constraint_key="m1"),
              asset("m1"), asset("m2"), asset("line/meter", kind="meter"))  # fmt: skip
    return site(assets=assets, series=(*site().series, meter), relations=relations)


def test_a_month_is_the_sum_of_its_days_when_a_meter_is_shared_out_from_a_date_on() -> None:
    gives = AssetRelation(from_asset="line/meter", to_asset="m1", kind="meters", share=0.6)
    before, after = plant(), plant(gives)
    atoms = [atom("line/meter", "energy", amount=10.0, day=day) for day in range(4)]
    atoms += [atom("m1", "energy", amount=6.0, day=day) for day in (2, 3)]
    peaks = [demand(each["asset"], each["amount"], half_hour=12, day=(each["production_day"] - MONDAY).days)
             for each in atoms]  # fmt: skip
    intervals = pl.DataFrame(peaks, INTERVAL_SERIES)
    eras = (Era(MONDAY, before), Era(CHANGE, after))
    values = rollup(rollup_inputs(after, atoms, interval_series=intervals, eras=eras), GRAINS)
    for scope, whole in (("line", 40.0), ("", 40.0), ("m1", 12.0), ("line/meter", 40.0)):
        days = values.filter(asset=scope, kpi="energy", grain="day")["value"]
        assert days.sum() == pick(values, "energy", of=scope, grain="month")["value"] == pytest.approx(whole)
        assert pick(values, "energy", of=scope, grain="week")["value"] == pytest.approx(whole)
    assert pick(values, "demand_peak", of="line", grain="month")["value"] == pytest.approx(10.0)
    assert pick(rollup(rollup_inputs(after, atoms), GRAINS), "energy", of="line", grain="month")["value"] < 40.0


def test_meters_of_a_month_stand_with_the_shares_of_their_days_and_add_up() -> None:
    main = {"from_asset": "m1", "to_asset": "line/meter", "kind": "submeter_of"}
    half, most = (with_meter(plant(AssetRelation(**main, share=share)), "m1") for share in (0.5, 0.9))
    atoms = [atom("line/meter", "energy", amount=10.0, day=day) for day in range(4)]
    atoms += [atom("m1", "energy", amount=amount, day=day) for day, amount in enumerate((5.0, 5.0, 9.0, 8.0))]
    inputs = rollup_inputs(most, atoms, eras=(Era(MONDAY, half), Era(CHANGE, most)))
    values = rollup(inputs, GRAINS)
    held = [Held(found.filter(scope="line"), *days) for found, *days in sources_by_days(inputs)]
    table = meters_of(inputs.atoms, held)
    month = {name: pick(values, name, of="line", grain="month")["value"] for name in ("energy", "energy_submetered")}
    assert (table["kwh"] * table["energy_share"]).sum() == pytest.approx(month["energy"]) == pytest.approx(40.0)
    assert (table["kwh"] * table["submeter_share"]).sum() == pytest.approx(month["energy_submetered"])
    assert energy_by_reason(inputs.atoms, held)["kwh"].sum() == pytest.approx(month["energy"])
    until, last = CHANGE - timedelta(days=1), CHANGE + timedelta(days=1)
    assert table.select("asset", "from_day", "to_day", "kwh", "submeter_share").rows() == [
        ("line/meter", MONDAY, last, 40.0, 0.0), ("m1", MONDAY, until, 10.0, 0.5), ("m1", CHANGE, last, 17.0, 0.9),
    ]  # fmt: skip


def with_meter(found: Site, key: str) -> Site:
    fields = {name: getattr(found, name) for name in found.__struct_fields__}
    return Site(**{**fields, "series": (*found.series, series(key, "kwh", "active_energy"))})


def test_a_line_rule_holds_from_its_day_on_and_a_retired_machine_stays_in_the_months_of_its_line() -> None:
    own = [time("m1", "production", 3600, day=day) for day in range(4)]
    other = [time("m2", "production", 1800, day=day) for day in range(4)]
    gone = plant(line="constraint")
    after = Site(**{**{name: getattr(gone, name) for name in gone.__struct_fields__},
                    "assets": tuple(each for each in gone.assets if each.key != "m2")})  # fmt: skip
    values = rollup(rollup_inputs(after, own + other, eras=(Era(MONDAY, plant()), Era(CHANGE, after))), GRAINS)
    assert pick(values, "production_time", of="line", grain="month")["value"] == 2 * 5400 + 2 * 3600
    assert values.filter(asset="m2").is_empty()


def test_a_finding_is_one_of_the_line_that_its_machine_stood_in_on_its_day() -> None:
    lines = (Asset(key="", level="site"), asset("line", "line", ""), asset("other", "line", ""), asset("m1"))
    before = site(assets=(*lines, asset("m2", parent="line")))
    after = site(assets=(*lines, asset("m2", parent="other")))
    worked = [time(key, "production", 3600, day=day) for key in ("m1", "m2") for day in range(4)]
    eras = (Era(MONDAY, before), Era(CHANGE, after))
    marks = pl.DataFrame([("m2", CHANGE, "conflict")], MARKS, orient="row")
    values = rollup(rollup_inputs(after, worked, eras=eras, marks=marks), GRAINS)
    flags = {of: pick(values, "availability", of=of, grain="month")["flags"] for of in ("line", "other", "m1", "m2")}
    assert {of for of, found in flags.items() if "conflict" in found} == {"other", "m2"}


def test_an_era_may_have_no_pieces_and_no_intervals() -> None:
    alone = atom("line/meter", "energy", amount=10.0)
    intervals = pl.DataFrame([demand("line/meter", 10.0, half_hour=12)], INTERVAL_SERIES)
    after = plant(AssetRelation(from_asset="line/meter", to_asset="m1", kind="meters"))
    later, earlier = (Era(MONDAY, plant()), Era(CHANGE, after)), (Era(date(2026, 2, 1), after), Era(MONDAY, plant()))
    for eras in (later, earlier):
        values = rollup(rollup_inputs(eras[-1].site, [alone], interval_series=intervals, eras=eras), GRAINS)
        assert pick(values, "energy", of="line", grain="month")["value"] == 10.0


def test_only_what_assigns_pieces_begins_an_era() -> None:
    one, more = plant(), plant(AssetRelation(from_asset="line/meter", to_asset="m1", kind="meters"))
    same = Site(**{**{name: getattr(one, name) for name in one.__struct_fields__}, "lateness_us": 5})
    days = [MONDAY + timedelta(days=number) for number in range(4)]
    found = eras_of(zip(days, (one, same, more, more), strict=True))
    assert [(era.first, era.site.relations == ()) for era in found] == [(days[0], True), (days[2], False)]
    assert [(first, last) for _, first, last in stretches(found)] == [(date.min, days[1]), (days[2], date.max)]
    assert stretches(()) == []


def test_a_day_has_the_settings_of_the_end_of_its_local_date() -> None:
    midnight = datetime(2026, 3, 3, 17, tzinfo=UTC)
    assert in_force_at("Asia/Ho_Chi_Minh", date(2026, 3, 3)) == midnight - timedelta(microseconds=1)
