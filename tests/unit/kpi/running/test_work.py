from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from kpi.running.work import (
    MAX_FILL_DAYS,
    Span,
    asked_for,
    computed_after,
    days_of_ranges,
    days_with_causes,
    held_on,
    holes,
    long_windows,
    merged,
    month_end,
    spans,
    without_pending,
)
from tests.unit.kpi.making import HOUR, MIDNIGHT, MONDAY, site

days = st.dates(date(2024, 1, 1), date(2027, 12, 31))


@given(st.sets(days, max_size=60), st.integers(1, 40), st.sets(days, max_size=5))
def test_spans_hold_each_day_once_in_order_and_are_contiguous(wanted: set[date], longest: int, cuts: set[date]) -> None:
    found = spans(dict.fromkeys(wanted, frozenset({"data"})), longest, cuts)
    assert [day for span in found for day in span.days] == sorted(wanted)
    for span in found:
        assert len(span.days) == (span.last - span.first).days + 1 <= longest
        assert not set(span.days[1:]) & cuts


def test_a_range_touches_the_production_days_of_its_shifts() -> None:
    plant = site()
    six = MIDNIGHT + 6 * HOUR
    ranges = [("m1", six - 1, six), ("m1", six, six + 1), ("", six - 1, six + 24 * HOUR)]
    sunday, monday = date(2026, 3, 1), MONDAY
    assert days_of_ranges(plant, ranges) == [(sunday, sunday), (monday, monday), (sunday, monday)]


def test_causes_are_collected_per_day() -> None:
    one, two = date(2026, 3, 2), date(2026, 3, 3)
    assert days_with_causes([((one, two), "data"), ((two, two), "calendar")]) == {
        one: frozenset({"data"}),
        two: frozenset({"data", "calendar"}),
    }


def test_days_after_one_are_those_computed_without_a_break_and_no_more_than_asked_for() -> None:
    runs = [(date(2026, 3, 1), date(2026, 3, 3)), (date(2026, 3, 4), date(2026, 3, 4)), (date(2026, 3, 6), date.max)]
    assert computed_after(date(2026, 3, 2), runs, 32) == [date(2026, 3, 3), date(2026, 3, 4)]
    assert computed_after(date(2026, 3, 2), runs, 1) == [date(2026, 3, 3)]
    assert computed_after(date(2026, 3, 4), runs, 32) == []


def test_holes_are_filled_unless_a_clock_was_years_off() -> None:
    assert holes([date(2026, 3, 1), date(2026, 3, 4)]) == [date(2026, 3, 2), date(2026, 3, 3)]
    assert holes([date(2026, 3, 1), date.fromordinal(date(2026, 3, 1).toordinal() + MAX_FILL_DAYS + 1)]) == []


def test_long_windows_wait_for_the_span_that_completes_them() -> None:
    wanted = long_windows([date(2026, 3, 30)], {"J"})
    assert wanted.weeks == {date(2026, 3, 30)}
    assert without_pending(wanted, [date(2026, 4, 2)]) == long_windows([], {"J"}).__class__(
        months=frozenset({date(2026, 3, 1)}), jobs=frozenset({"J"})
    )


@given(days)
def test_a_month_ends_before_the_first_of_the_next(day: date) -> None:
    end = month_end(day)
    assert end.month == day.month
    assert date.fromordinal(end.toordinal() + 1).day == 1


def test_a_span_knows_its_ends() -> None:
    assert Span((MONDAY,)).first == Span((MONDAY,)).last == MONDAY


def test_ranges_of_touching_days_are_merged_per_asset() -> None:
    one, two, later = date(2026, 3, 2), date(2026, 3, 3), date(2026, 3, 9)
    found = merged(
        [("a", 0, 5), ("a", 5, 9), ("a", 90, 99), ("b", 1, 2)], [(one, one), (two, two), (later, later), (one, one)]
    )
    assert found == [("a", 0, 9), ("a", 90, 99), ("b", 1, 2)]


def test_what_was_asked_for_answers_other_marks_only_where_all_of_them_is_computed() -> None:
    first, second, third = (date(2026, 3, day) for day in (2, 3, 4))
    touched = {1: (first, second), 2: (second, second), 3: (second, third), 4: (third, third)}
    causes = {first: frozenset({"definition"}), second: frozenset({"definition", "data"}), third: frozenset({"data"})}
    days, answered = asked_for({1}, causes, touched, ({2, 3, 4}, []))
    assert days == {first: causes[first], second: causes[second]}
    assert answered == {1: (first, second), 2: (second, second)}
    before = date(2026, 3, 1)
    _, kept = asked_for({1}, causes, touched, ({2, 3, 4}, [(before, before)]))
    assert kept == {1: (first, second)}, "data that reach back to a day that is not computed stay asked for"
    assert asked_for({9}, causes, touched, (set(), [])) == ({}, {})


def test_a_mark_is_answered_with_the_last_day_in_which_its_readings_hold() -> None:
    one, two, three, nine = (date(2026, 3, n) for n in (1, 2, 3, 9))
    assert held_on((one, two), []) == (one, two)
    assert held_on((one, one), [(one, three), (three, nine)]) == (one, three)
    assert held_on((three, three), [(one, two)]) == (three, three)
