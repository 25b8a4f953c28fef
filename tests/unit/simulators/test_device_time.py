from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.device_time import device_time
from simulators.mapping_section import TimeRule
from simulators.shifts import instant

STEEL = TimeRule(column="date", format="%d/%m/%Y %H:%M", zone="Asia/Seoul")
UNPADDED = TimeRule(column="date", format="%-d/%-m/%Y %-H:%M", zone="Asia/Seoul")
ISO = TimeRule(field=0)
LOCAL_TIMES = st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1))  # noqa: DTZ001 - wall clocks


@pytest.mark.parametrize(
    ("rule", "text", "expected"),
    [
        (STEEL, "01/01/2018 00:15", "2017-12-31T15:15:00+00:00"),
        (UNPADDED, "1/1/2018 0:15", "2017-12-31T15:15:00+00:00"),
        (ISO, "2016-05-02T05:00:00.1234567Z", "2016-05-02T05:00:00.123000+00:00"),
        (ISO, "2016-05-02T05:00:00+07:00", "2016-05-01T22:00:00+00:00"),
        (TimeRule(column="d", zone="Asia/Ho_Chi_Minh"), "2018-11-01", "2018-10-31T17:00:00+00:00"),
    ],
)
def test_reads(rule: TimeRule, text: str, expected: str) -> None:
    at_ms = device_time(rule).parse(text)
    assert at_ms is not None
    assert instant(at_ms).isoformat() == expected


@pytest.mark.parametrize(
    ("rule", "text"),
    [(STEEL, "1/1/2018 0:15"), (STEEL, ""), (STEEL, "31/02/2018 00:00"), (ISO, "20160502"), (ISO, "x"), (ISO, "")],
)
def test_refuses_what_could_not_be_written_back(rule: TimeRule, text: str) -> None:
    assert device_time(rule).parse(text) is None


@given(
    at=LOCAL_TIMES,
    weeks=st.integers(-500, 700),
    rule=st.sampled_from([STEEL, UNPADDED]),
)
def test_pattern_times_move_by_whole_weeks(at: datetime, weeks: int, rule: TimeRule) -> None:
    assert rule.format is not None
    text = at.strftime(rule.format)
    later = device_time(rule).shift(text, weeks)
    assert later == (at + timedelta(weeks=weeks)).strftime(rule.format)


@given(at=LOCAL_TIMES, weeks=st.integers(-500, 700), digits=st.integers(1, 9))
def test_iso_times_keep_their_precision_and_offset(at: datetime, weeks: int, digits: int) -> None:
    tail = f"T{at:%H:%M:%S}.{'123456789'[:digits]}Z"
    later = device_time(ISO).shift(f"{at:%Y-%m-%d}{tail}", weeks)
    assert later.endswith(tail)
    moved, before = device_time(ISO).parse(later), device_time(ISO).parse(f"{at:%Y-%m-%d}{tail}")
    assert moved is not None
    assert before is not None
    assert moved - before == weeks * 7 * 86_400_000


def test_clock_time_is_kept_over_a_change_to_summer_time() -> None:
    rule = TimeRule(column="t", format="%Y-%m-%d %H:%M", zone="Europe/Berlin")
    later = device_time(rule).shift("2026-03-25 08:00", 1)
    assert later == "2026-04-01 08:00"
    assert device_time(rule).parse(later) == int(datetime(2026, 4, 1, 6, tzinfo=UTC).timestamp() * 1000)
