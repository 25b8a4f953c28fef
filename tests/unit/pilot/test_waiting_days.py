"""What an applied site file has computed again is told by cause and local date."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from pilot.commands.sites import waiting_days


def test_each_cause_but_data_is_told_with_its_dates() -> None:
    def at(day: int, hour: int = 0) -> datetime:
        return datetime(2026, 11, day, hour, tzinfo=UTC)

    marks = [("calendar", at(18, 23), at(20)), ("calendar", at(20), at(21, 10)), ("data", at(1), at(2))]
    marks.append(("factor_set", at(1), at(2)))
    assert waiting_days(marks, ZoneInfo("Asia/Ho_Chi_Minh")) == [
        "to be computed again: 2026-11-19 – 2026-11-21 (cause calendar)",
        "to be computed again: 2026-11-01 – 2026-11-02 (cause factor_set)",
    ]
