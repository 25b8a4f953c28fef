from datetime import UTC, date, datetime

import pytest
from fastapi.exceptions import RequestValidationError

from api.windows import window_of
from store.serving import Window


def test_days_and_instants_are_told_apart() -> None:
    assert window_of("2026-11-22", "2026-11-23") == Window(from_day=date(2026, 11, 22), to_day=date(2026, 11, 23))
    start = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)
    assert window_of("2026-11-22T08:00:00+07:00", None) == Window(from_ts=start)
    assert window_of("2026-11-22T08:00:00 07:00", None) == Window(from_ts=start)  # a plus sign not escaped
    assert window_of(None, None) == Window()


@pytest.mark.parametrize(
    ("start", "end", "place"),
    [
        ("yesterday", None, "from"),
        ("2026-13-01", None, "from"),
        ("2026-11-22T08:00:00", None, "from"),
        ("0001-01-01T00:00:00+23:00", None, "from"),
        ("2026-11-22", "2026-11-22", "to"),
        ("2026-11-22", "2026-11-23T00:00:00Z", "to"),
        ("2026-11-22T08:00:00Z", "2026-11-22T07:00:00Z", "to"),
        ("1990-01-01", "2026-01-01", "to"),
    ],
)
def test_an_unusable_range_names_its_place(start: str | None, end: str | None, place: str) -> None:
    with pytest.raises(RequestValidationError) as error:
        window_of(start, end)
    assert error.value.errors()[0]["loc"] == ("query", place)
