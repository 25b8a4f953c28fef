from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.calendar import (
    CalendarError,
    Span,
    calendar_of,
    calendar_stops,
    instant_us,
    paint,
    production_day_of,
    production_day_windows,
    shift_instances,
)
from model.registry import Asset, CalendarException, PlannedStop, ShiftRule, Site, Tariff, TariffPeriod
from model.tariff_hours import tariff_spans

HOUR = 3_600_000_000
ASSETS = (
    Asset(key="", level="site"),
    Asset(key="hall", level="area", parent=""),
    Asset(key="hall/m1", level="unit", parent="hall"),
    Asset(key="hall/m2", level="unit", parent="hall"),
)
THREE_SHIFTS = tuple(
    ShiftRule(shift=name, cycle_day=day, start=start, end=end)
    for day in range(7)
    for name, start, end in (("early", "06:00", "14:00"), ("late", "14:00", "22:00"), ("night", "22:00", "06:00"))
)


def plant(zone: str = "Europe/Berlin", **fields: object) -> Site:
    return Site(key="s", timezone=zone, assets=ASSETS, **fields)  # type: ignore[arg-type]


def utc(text: str) -> int:
    return (datetime.fromisoformat(text).replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(
        microseconds=1
    )


@pytest.mark.parametrize(("day", "hours"), [("2026-03-28", 7), ("2026-10-24", 9), ("2026-06-10", 8)])
def test_night_shift_has_the_length_of_its_instants(day: str, hours: int) -> None:
    start = date.fromisoformat(day)
    night = shift_instances(plant(shifts=THREE_SHIFTS), "hall/m1", start, start + timedelta(days=1))[-1]
    assert (night.shift, night.day, night.to_us - night.from_us) == ("night", start, hours * HOUR)


def test_night_shift_belongs_to_the_date_on_which_it_began() -> None:
    site = plant("Asia/Ho_Chi_Minh", shifts=THREE_SHIFTS)
    assert production_day_of(site, "hall/m1", utc("2026-11-22T22:59:59")) == date(2026, 11, 22)
    assert production_day_of(site, "hall/m1", utc("2026-11-22T23:00:00")) == date(2026, 11, 23)


def test_a_skipped_wall_time_is_the_instant_of_the_change() -> None:
    assert instant_us("Europe/Berlin", date(2026, 3, 29), 2 * 3600 + 1800) == utc("2026-03-29T01:00:00")
    assert instant_us("Europe/Berlin", date(2026, 10, 25), 2 * 3600 + 1800) == utc("2026-10-25T00:30:00")


def test_a_day_without_shifts_starts_after_the_last_shift_of_the_day_before() -> None:
    friday = tuple(rule for rule in THREE_SHIFTS if rule.cycle_day == 4)
    windows = production_day_windows(
        plant("Asia/Ho_Chi_Minh", shifts=friday), "hall", date(2026, 11, 20), date(2026, 11, 23)
    )
    assert [(w.day.day, w.from_us, w.to_us) for w in windows] == [
        (20, utc("2026-11-19T23:00"), utc("2026-11-20T23:00")),
        (21, utc("2026-11-20T23:00"), utc("2026-11-21T17:00")),
        (22, utc("2026-11-21T17:00"), utc("2026-11-22T17:00")),
    ]


def test_rules_of_the_nearest_ancestor_win() -> None:
    own = (ShiftRule(shift="own", cycle_day=0, start="08:00", end="12:00", asset="hall/m2"),)
    area = (ShiftRule(shift="area", cycle_day=0, start="07:00", end="12:00", asset="hall"),)
    site = plant("UTC", shifts=THREE_SHIFTS + area + own)
    monday, tuesday = date(2026, 11, 23), date(2026, 11, 24)
    names = {key: [s.shift for s in shift_instances(site, key, monday, tuesday)] for key in ("", "hall/m1", "hall/m2")}
    assert names == {"": ["early", "late", "night"], "hall/m1": ["area"], "hall/m2": ["own"]}


def test_exceptions_close_open_and_replace_and_the_nearer_one_wins() -> None:
    day = date(2026, 11, 23)
    site = plant(
        "UTC",
        shifts=THREE_SHIFTS,
        exceptions=(
            CalendarException(date="2026-11-23", kind="closed"),
            CalendarException(
                date="2026-11-23", kind="open", shift="late", start="15:00", end="19:00", asset="hall/m1"
            ),
            CalendarException(date="2026-11-24", kind="closed", shift="early"),
        ),
    )
    assert shift_instances(site, "hall/m2", day, day + timedelta(days=1)) == ()
    (only,) = shift_instances(site, "hall/m1", day, day + timedelta(days=1))
    assert (only.shift, only.from_us, only.to_us) == ("late", utc("2026-11-23T15:00"), utc("2026-11-23T19:00"))
    assert [s.shift for s in shift_instances(site, "hall", date(2026, 11, 24), date(2026, 11, 25))] == ["late", "night"]


def test_a_holiday_is_not_worked_unless_an_exception_opens_a_shift() -> None:
    tet = date(2026, 2, 17)
    overtime = CalendarException(
        date="2026-02-17", kind="open", shift="early", start="07:00", end="11:00", asset="hall/m1"
    )
    site = plant("Asia/Ho_Chi_Minh", shifts=THREE_SHIFTS, holidays=(tet.isoformat(),), exceptions=(overtime,))
    names = [
        (each.day.day, each.shift) for each in shift_instances(site, "hall/m2", date(2026, 2, 16), date(2026, 2, 19))
    ]
    assert names == [(day, shift) for day in (16, 18) for shift in ("early", "late", "night")]
    (only,) = shift_instances(site, "hall/m1", tet, tet + timedelta(days=1))
    assert (only.shift, only.to_us - only.from_us) == ("early", 4 * HOUR)
    night_before = shift_instances(site, "hall", tet - timedelta(days=1), tet)[-1]
    (window,) = production_day_windows(site, "hall", tet, tet + timedelta(days=1))
    assert window.from_us == night_before.to_us  # the night shift that began before the holiday is worked to its end


def test_nobody_is_off_where_no_shift_was_written_down() -> None:
    assert calendar_of(plant(holidays=("2026-02-17",)), "hall").always_scheduled


def test_a_rotation_of_four_days_goes_on_over_weeks_and_years() -> None:
    rules = tuple(
        ShiftRule(shift=crew, cycle_day=day, start=start, end=end, anchor_date="2026-01-01", cycle_days=4)
        for day, crew, start, end in (
            (0, "A", "06:00", "18:00"),
            (1, "A", "06:00", "18:00"),
            (2, "B", "18:00", "06:00"),
        )
    )
    site = plant("Asia/Ho_Chi_Minh", shifts=rules)
    for first in (date(2025, 12, 28), date(2026, 1, 1), date(2027, 1, 8)):  # 0, 1 and 93 cycles away
        found = [
            (each.day - first, each.shift) for each in shift_instances(site, "hall", first, first + timedelta(days=4))
        ]
        assert found == [(timedelta(days=day), crew) for day, crew in ((0, "A"), (1, "A"), (2, "B"))]


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Asia/Kolkata", "2026-11-20", 24),
        ("Asia/Kathmandu", "2026-11-20", 24),
        ("Australia/Adelaide", "2026-10-04", 23),
        ("Australia/Adelaide", "2026-04-05", 25),
        ("Australia/Lord_Howe", "2026-10-04", 23.5),
        ("Australia/Lord_Howe", "2026-04-05", 24.5),
        ("Europe/Berlin", "2026-03-29", 23),
        ("Europe/Berlin", "2026-10-25", 25),
    ],
)
def test_a_day_without_shifts_is_as_long_as_its_clock_says(zone: str, day: str, hours: float) -> None:
    first = date.fromisoformat(day)
    (window,) = production_day_windows(plant(zone), "hall", first, first + timedelta(days=1))
    assert window.to_us - window.from_us == hours * HOUR
    assert window.from_us == instant_us(zone, first, 0)
    midnight = datetime.fromtimestamp(window.from_us / 1e6, ZoneInfo(zone))
    assert (midnight.date(), midnight.hour, midnight.minute) == (first, 0, 0)


def test_overlapping_shifts_are_refused_by_name() -> None:
    clash = (*THREE_SHIFTS, ShiftRule(shift="extra", cycle_day=2, start="13:00", end="15:00"))
    with pytest.raises(CalendarError, match=r"'early' of 2026-11-25 ends after 'extra'"):
        shift_instances(plant(shifts=clash), "hall", date(2026, 11, 25), date(2026, 11, 26))


def test_planned_stops_fall_inside_their_shift_also_after_midnight() -> None:
    stops = (
        PlannedStop(key="meal", shift="night", start="02:00", end="02:30"),
        PlannedStop(key="audit", reason="visit", from_us=utc("2026-11-23T02:15"), to_us=utc("2026-11-23T03:00")),
    )
    site = plant("UTC", shifts=THREE_SHIFTS, planned_stops=stops)
    found = calendar_stops(calendar_of(site, "hall"), utc("2026-11-23T00:00"), utc("2026-11-23T12:00"))
    assert found == (
        Span(utc("2026-11-23T02:00"), utc("2026-11-23T02:15"), "meal"),
        Span(utc("2026-11-23T02:15"), utc("2026-11-23T03:00"), "visit"),
    )


def test_tariff_periods_follow_wall_clock_weekday_and_date() -> None:
    old = Tariff(
        key="old",
        valid_from="2020-01-01",
        valid_to="2026-11-24",
        periods=(
            TariffPeriod(period="peak", weekdays=(0,), start="09:30", end="11:30"),
            TariffPeriod(period="low", weekdays=(0,), start="22:00", end="04:00"),
        ),
    )
    new = Tariff(
        key="new",
        valid_from="2026-11-24",
        periods=(TariffPeriod(period="flat", weekdays=(1,), start="00:00", end="24:00"),),
    )
    spans = tariff_spans(
        plant("Asia/Ho_Chi_Minh", tariffs=(old, new)), utc("2026-11-22T17:00"), utc("2026-11-24T10:00")
    )
    assert spans == (
        Span(utc("2026-11-23T02:30"), utc("2026-11-23T04:30"), "peak"),
        Span(utc("2026-11-23T15:00"), utc("2026-11-23T17:00"), "low"),
        Span(utc("2026-11-23T17:00"), utc("2026-11-24T17:00"), "flat"),
    )


def test_an_unknown_asset_is_named() -> None:
    with pytest.raises(KeyError, match="no asset 'nowhere'"):
        calendar_of(plant(), "nowhere")


@given(
    zone=st.sampled_from(["Europe/Berlin", "Asia/Ho_Chi_Minh", "America/New_York", "Australia/Lord_Howe"]),
    day_start=st.integers(0, 23),
    worked=st.lists(st.tuples(st.integers(0, 6), st.integers(0, 23)), unique_by=lambda pair: pair[0], max_size=7),
    first=st.dates(date(2026, 3, 20), date(2026, 11, 10)),
)
def test_production_days_partition_time_and_keep_shifts_whole(
    zone: str, day_start: int, worked: list[tuple[int, int]], first: date
) -> None:
    """Property: windows touch, are not empty, hold their own shifts whole, and an instant finds its window."""
    shifts = tuple(
        ShiftRule(shift=f"s{day}", cycle_day=day, start=f"{hour:02}:30", end=f"{(hour + 7) % 24:02}:30")
        for day, hour in worked
        if ((day + 1) % 7, 0) not in worked or hour < 16
    )
    site = plant(zone, shifts=shifts, day_start=f"{day_start:02}:00")
    last = first + timedelta(days=9)
    try:
        windows = production_day_windows(site, "hall", first, last)
    except CalendarError:
        return
    assert [w.day for w in windows] == [first + timedelta(days=n) for n in range(9)]
    assert all(one.to_us == two.from_us for one, two in pairwise(windows))
    assert all(w.from_us < w.to_us for w in windows)
    by_day = {w.day: w for w in windows}
    for shift in shift_instances(site, "hall", first, last):
        assert by_day[shift.day].from_us <= shift.from_us < shift.to_us <= by_day[shift.day].to_us
        began = datetime.fromtimestamp(shift.from_us / 1e6, ZoneInfo(zone)).date()
        assert began == shift.day
    assert production_day_of(site, "hall", windows[4].from_us) == windows[4].day
    assert production_day_of(site, "hall", windows[4].to_us - 1) == windows[4].day


@given(st.lists(st.tuples(st.integers(0, 30), st.integers(1, 10), st.sampled_from("abc")), max_size=8))
def test_paint_leaves_every_instant_to_the_first_span_that_covers_it(raw: list[tuple[int, int, str]]) -> None:
    spans = [Span(start, start + length, key) for start, length, key in raw]
    painted = paint(spans)
    assert all(one.to_us <= two.from_us for one, two in pairwise(painted))
    for instant in range(45):
        first = next((s.key for s in spans if s.from_us <= instant < s.to_us), None)
        assert next((s.key for s in painted if s.from_us <= instant < s.to_us), None) == first
