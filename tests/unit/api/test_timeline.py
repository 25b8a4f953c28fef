"""The timeline of a day on which clocks change: true lengths, hours by both clocks."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from api.console import texts
from api.console.timeline import specification

BERLIN = ZoneInfo("Europe/Berlin")
HOUR_MS = 3_600_000
EMPTY = {"asset": "m", "time_class": "production", "sub_class": "", "state": "", "reason": ""}


def drawn(*hours: tuple[int, int], day: datetime) -> dict[str, Any]:
    """A chart of production between hours since the begin of the day."""
    rows = [
        {
            **EMPTY,
            "from_ts": day + timedelta(hours=first),
            "to_ts": day + timedelta(hours=last),
            "duration_s": (last - first) * 3600.0,
        }
        for first, last in hours
    ]
    return specification([{"key": "m", "name": "M"}], rows, BERLIN, texts.load("en"))


def test_a_day_of_25_hours_keeps_its_length_and_names_the_hours_of_both_clocks() -> None:
    chart = drawn((0, 2), (2, 4), (4, 25), day=datetime(2026, 10, 24, 22, tzinfo=UTC))
    (bars,) = chart["datasets"].values()
    assert [bar["to"] - bar["from"] for bar in bars] == [2 * HOUR_MS, 2 * HOUR_MS, 21 * HOUR_MS]
    assert [left["to"] == right["from"] for left, right in pairwise(bars)] == [True, True]
    assert "(02:00:00+02:00 – 03:00:00)" in bars[1]["duration"]
    change = datetime(2026, 10, 25, 2, tzinfo=UTC)  # 01:00 UTC by the clock of the end
    wanted = f"toNumber(datum.value) < {change.timestamp() * 1000:.0f} ? toNumber(datum.value) + {HOUR_MS} :"
    assert wanted in chart["encoding"]["x"]["axis"]["labelExpr"]


def test_a_day_without_a_change_has_plain_labels() -> None:
    chart = drawn((0, 24), day=datetime(2026, 11, 1, 23, tzinfo=UTC))
    assert "labelExpr" not in chart["encoding"]["x"]["axis"]
