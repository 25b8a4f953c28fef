from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from model import wording

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")


@pytest.mark.parametrize(
    ("value", "vi", "en"),
    [
        (1234567.4, "1.234.567", "1,234,567"),
        (813.78, "813,8", "813.8"),
        (88.25, "88,25", "88.25"),
        (0.04567, "0,0457", "0.0457"),
        (0.0, "0,00", "0.00"),
        (-12.5, "-12,50", "-12.50"),
        (None, "—", "—"),
    ],
)
def test_numbers_are_written_as_the_language_does(value: float | None, vi: str, en: str) -> None:
    assert (wording.number(value, "vi"), wording.number(value, "en")) == (vi, en)


def test_ratios_are_per_cent_and_others_carry_their_unit() -> None:
    assert wording.quantity(0.7479, "1", "vi") == "74,8\N{NO-BREAK SPACE}%"
    assert wording.quantity(0.7479, "1", "en") == "74.8%"
    assert wording.quantity(0.5, "kWh/piece", "vi") == "0,5000\N{NO-BREAK SPACE}kWh/sp"
    assert wording.quantity(2.0, "piece", "vi") == "2,00\N{NO-BREAK SPACE}sản phẩm"


def test_days_are_written_as_the_language_does() -> None:
    assert wording.day(date(2026, 3, 9), "vi") == "09/03/2026"
    assert wording.day(date(2026, 3, 9), "en") == "9 Mar 2026"


def test_a_time_of_another_day_names_the_day() -> None:
    now = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
    assert wording.clock(datetime(2026, 11, 22, 1, 2, tzinfo=UTC), ZONE, "vi", now) == "08:02"
    assert wording.clock(datetime(2026, 11, 21, 1, 2, 3, tzinfo=UTC), ZONE, "vi", now) == "08:02:03 · 21/11/2026"
    assert wording.clock(datetime(2026, 11, 21, 17, 0, tzinfo=UTC), ZONE, "en", now) == "00:00"


@pytest.mark.parametrize(
    ("seconds", "vi", "en"),
    [(40, "40 giây", "40 s"), (59.7, "1 phút 00 giây", "1 min 00 s"), (7384, "2 giờ 03 phút", "2 h 03 min")],
)
def test_durations_name_their_two_largest_units(seconds: float, vi: str, en: str) -> None:
    assert (wording.duration(seconds, "vi"), wording.duration(seconds, "en")) == (vi, en)
