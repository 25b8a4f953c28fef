"""Times as people type them."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from pilot.errors import PilotError
from pilot.times import FORMATS, at_site, check_range, end_of_second, shown

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


def test_a_time_that_came_twice_is_asked_for_with_its_offset_and_shown_with_it() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    with pytest.raises(PilotError, match=r"twice .* say 2026-10-25T02:10:00\+02:00 or 2026-10-25T02:10:00\+01:00"):
        at_site(read("2026-10-25 02:10"), berlin)
    with pytest.raises(PilotError, match="set forward"):
        at_site(read("2026-03-29 02:10"), berlin)
    later = datetime(2026, 10, 25, 1, 10, tzinfo=UTC)
    assert shown(later, berlin) == "2026-10-25 02:10:00+01:00"
    assert at_site(read(shown(later, berlin)), berlin) == later
    assert shown(datetime(2026, 10, 25, 2, 10, tzinfo=UTC), berlin) == "2026-10-25 03:10:00"


def test_a_date_whose_midnight_came_twice_or_never_begins_with_the_first() -> None:
    havana, beirut = ZoneInfo("America/Havana"), ZoneInfo("Asia/Beirut")
    assert at_site(read("2026-11-01"), havana).astimezone(UTC) == datetime(2026, 11, 1, 4, tzinfo=UTC)
    assert at_site(read("2026-03-29"), beirut).astimezone(UTC) == datetime(2026, 3, 28, 22, tzinfo=UTC)
