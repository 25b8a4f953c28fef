"""Times as people type them."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from pilot.errors import PilotError
from pilot.times import FORMATS, at_site, check_range, end_of_second

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")


def read(text: str) -> datetime:
    """The first format that fits, as the command line does it."""
    for each in FORMATS:
        try:
            return datetime.strptime(text, each)  # noqa: DTZ007 - what has no zone is the case
        except ValueError:
            continue
    raise AssertionError(text)


@pytest.mark.parametrize(
    "typed", ["2026-11-22T00:18:36", "2026-11-22 00:18:36", "2026-11-21T17:18:36+00:00", "2026-11-21 17:18:36Z"]
)
def test_a_time_is_of_the_site_unless_it_has_an_offset(typed: str) -> None:
    assert at_site(read(typed), HANOI) == datetime(2026, 11, 22, 0, 18, 36, tzinfo=HANOI)


def test_a_whole_second_reaches_to_its_end_and_an_exact_instant_does_not() -> None:
    whole = datetime(2026, 11, 22, 0, 18, 36, tzinfo=HANOI)
    assert end_of_second(whole) == whole.replace(microsecond=999_999)
    assert end_of_second(whole.replace(microsecond=1)) == whole.replace(microsecond=1)


def test_a_range_of_one_date_is_refused_with_what_to_say_instead() -> None:
    day = at_site(read("2026-11-21"), HANOI)
    with pytest.raises(PilotError, match="--to 2026-11-22"):
        check_range(day, day)
    check_range(day, None)
