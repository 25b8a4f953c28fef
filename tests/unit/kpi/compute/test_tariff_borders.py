"""Energy is cut exactly where a tariff period begins, also on clocks that are not whole hours from UTC."""

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from kpi.compute import compute
from kpi.hours import hour_of, phases
from kpi.rollup.rolling import RollupInputs, rollup
from kpi.rollup.windows import calendar_windows
from model.registry import Series, Site, Tariff, TariffPeriod
from model.tariff_hours import tariff_on
from model.tariffs import schedule
from model.vocabulary import Grain
from tests.unit.kpi.compute.plants import HOUR, MINUTE, UNIT, inputs, plant, readings, series

ZONES = ("Asia/Ho_Chi_Minh", "Asia/Kolkata", "Asia/Kathmandu", "Australia/Lord_Howe", "America/St_Johns")
DAYS = (date(2026, 4, 4), date(2026, 4, 5), date(2026, 4, 6))  # clocks of Lord Howe Island go back half an hour
EVERY_DAY = tuple(range(7))
METER = {"quantity": "active_energy", "max_gap_us": 6 * HOUR}
QUARTER = 15 * MINUTE
TEXT = "%H:%M"


def us(at: datetime) -> int:
    return round(at.timestamp() * 1e6)


def wall(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def tariff(key: str, since: date, borders: list[int], price: float) -> Tariff:
    """Peak, normal and off-peak in turn, each from one wall time to the next, all around the clock."""
    names = ("peak", "normal", "off_peak")
    spans = zip(borders, [*borders[1:], borders[0]], strict=True)
    periods = [
        TariffPeriod(period=names[number % 3], weekdays=EVERY_DAY, start=wall(start), end=wall(end))
        for number, (start, end) in enumerate(spans)
    ]
    prices = {name: price * (number + 1) for number, name in enumerate(names)}
    return Tariff(key=key, valid_from=since.isoformat(), periods=tuple(periods), prices=prices, vat_rate=0.1)


def metered(zone: str, *tariffs: Tariff) -> Site:
    meter = Series(asset=UNIT, name="active_energy", quantity="active_energy", kind="counter")
    return plant(timezone=zone, tariffs=tariffs, series=(meter,), day_start="06:00")


def period_at(site: Site, local: datetime) -> tuple[str, float]:
    """The period in force on the wall at an instant, and its price, without the spans of the product."""
    found = tariff_on(site.tariffs, local.date())
    assert found is not None
    now = local.strftime(TEXT)
    for each in found.periods:
        inside = each.start <= now < each.end if each.start < each.end else now >= each.start or now < each.end
        if inside:
            return each.period, found.prices[each.period]
    raise AssertionError(f"{now} is in no period of {found.key}")


# Not in the half hour that comes twice: a border there is at its first occurrence, which the test does not know.
quarters = st.integers(0, 95).map(lambda n: 15 * n).filter(lambda minute: not 90 <= minute < 120)
borders = st.lists(quarters, min_size=2, max_size=6, unique=True).map(sorted)


@settings(max_examples=8, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(zone=st.sampled_from(ZONES), before=borders, after=borders, offset_s=st.integers(0, 899), data=st.data())
def test_the_periods_add_up_to_the_energy_and_each_has_what_flowed_in_it(
    zone: str, before: list[int], after: list[int], offset_s: int, data: st.DataObject
) -> None:
    site = metered(zone, tariff("old", date(2026, 1, 1), before, 1.0), tariff("new", DAYS[1], after, 10.0))
    start = us(datetime.combine(DAYS[0] - timedelta(days=1), datetime.min.time(), UTC)) + offset_s * 1_000_000
    steps = data.draw(st.lists(st.integers(0, 40), min_size=24, max_size=24), label="kWh per reading")
    at, total, rows = start, 0.0, []
    for number in range(6 * 96):
        rows.append((at, total))
        at, total = at + 15 * MINUTE, total + steps[number % 24] / 4
    tables = compute(inputs(site, DAYS, series=series(METER), readings=readings(rows)))
    energy = tables.atoms.filter(quantity="energy")
    whole = tables.windows.filter(pl.col("asset") == UNIT, pl.col("shift") == "")
    low, high = whole["from_us"].min(), whole["to_us"].max()
    assert isinstance(low, int)
    assert isinstance(high, int)
    expected: dict[str, float] = defaultdict(float)
    cost = 0.0
    for begin in range(low, high, QUARTER):  # borders are whole quarters of an hour on the wall
        number, inside = divmod(begin - start, QUARTER)
        late = inside / QUARTER
        kwh = ((1 - late) * steps[number % 24] + late * steps[(number + 1) % 24]) / 4
        name, price = period_at(site, datetime.fromtimestamp(begin / 1e6, ZoneInfo(zone)))
        expected[name] += kwh
        cost += kwh * price
    found = dict(energy.group_by("tariff_period").agg(pl.col("amount").sum()).iter_rows())
    assert found == pytest.approx({name: kwh for name, kwh in expected.items() if kwh}, abs=1e-9)
    assert sum(found.values()) == pytest.approx(sum(expected.values()))
    _values_add_up(site, tables.atoms, sum(expected.values()), cost)


def _values_add_up(site: Site, atoms: pl.DataFrame, whole: float, cost: float) -> None:
    windows = calendar_windows(site, DAYS[0] - timedelta(days=2), DAYS[-1] + timedelta(days=2))
    empty = pl.DataFrame(schema={"asset": pl.String, "quantity": pl.String, "production_day": pl.Date,
                                 "from_us": pl.Int64, "interval_us": pl.Int64, "value": pl.Float64})  # fmt: skip
    values = rollup(RollupInputs(site, atoms, empty, windows, 2**60), frozenset({Grain.HOUR, Grain.DAY}))
    of_unit = values.filter(asset=UNIT)
    for grain in ("hour", "day"):
        rows = of_unit.filter(grain=grain)
        sums = dict(rows.group_by("kpi").agg(pl.col("value").sum()).iter_rows())
        parts = [sums.get(f"energy_{name}", 0.0) for name in ("peak", "normal", "off_peak")]
        assert sums.get("energy", 0.0) == pytest.approx(whole)
        assert grain == "hour" or sum(parts) == pytest.approx(whole)
        assert sums.get("energy_cost", 0.0) == pytest.approx(cost)


@pytest.mark.parametrize("zone", ZONES)
def test_hours_begin_on_the_clock_of_the_site_and_do_not_overlap(zone: str) -> None:
    site = metered(zone, Tariff(key="evn", valid_from="2026-01-01", periods=schedule("1279-legacy-hours")))
    start = us(datetime.combine(DAYS[0] - timedelta(days=1), datetime.min.time(), UTC))
    rows = [(start + n * 15 * MINUTE, 2.0 * n) for n in range(6 * 96)]
    tables = compute(inputs(site, DAYS[:1], series=series(METER), readings=readings(rows)))
    empty = tables.interval_series
    windows = calendar_windows(site, DAYS[0] - timedelta(days=1), DAYS[0] + timedelta(days=1))
    values = rollup(RollupInputs(site, tables.atoms, empty, windows, 2**60), frozenset({Grain.HOUR}))
    own = values.filter(asset=UNIT, kpi="energy").sort("window_start")
    begun = [datetime.fromtimestamp(each / 1e6, ZoneInfo(zone)) for each in own["window_start"]]
    assert {each.minute for each in begun} <= {0, 30 if zone == "Australia/Lord_Howe" else 0}
    assert own["window_start"].to_list()[1:] == own["window_end"].to_list()[:-1]
    assert values.filter(asset=UNIT, kpi="demand_peak")["window_start"].to_list() == own["window_start"].to_list()
    assert {kwh for kwh in own["value"] if kwh is not None} <= {8.0, 4.0}


def test_an_hour_is_that_of_the_clock_before_and_after_its_offset_changes_by_a_part() -> None:
    """Caracas went from UTC-4 to UTC-4:30 on 9 December 2007 at 03:00, and back on 1 May 2016."""
    instants = ["2007-12-09T06:59", "2007-12-09T07:31", "2010-01-01T00:29", "2010-01-01T00:30", "2026-01-01T00:59"]
    found = pl.DataFrame({"at": [us(datetime.fromisoformat(each).replace(tzinfo=UTC)) for each in instants]})
    hours = found.select(hour_of(pl.col("at"), "America/Caracas"))["at"]
    told = [datetime.fromtimestamp(each / 1e6, UTC).strftime(TEXT) for each in hours]
    assert told == ["06:00", "07:30", "23:30", "00:30", "00:00"]
    assert [len(phases(zone)) for zone in ("Asia/Ho_Chi_Minh", "Asia/Kolkata", "America/Caracas")] == [1, 1, 3]
